import { createHash, timingSafeEqual } from 'node:crypto';
import { Secret } from '../secret.ts';

const secretBytes = 32;

/** 43 characters of base64url: 256 random bits. */
export function newSecret(randomBytes: (count: number) => Buffer): Secret {
  return new Secret(randomBytes(secretBytes).toString('base64url'));
}

/** What is kept of a secret: as random as it is, a plain hash tells nothing of it. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Compares in constant time with all of them. */
export function isOneOf(given: string, hashes: readonly string[]): boolean {
  const own = Buffer.from(hashOf(given), 'hex');
  const matches = hashes.map((hash) => timingSafeEqual(own, Buffer.from(hash, 'hex')));
  return matches.includes(true);
}
