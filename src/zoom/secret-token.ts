import { createHash } from 'node:crypto';
import type { Secret } from '../secret.ts';

/** An app's accepted Secret Tokens, the current one first; a second one only while rotating. Never empty. */
export type SecretTokens = readonly [Secret, ...Secret[]];

declare const secretId: unique symbol;
/** Names a Secret Token without giving it away: 8 hex digits of a SHA-256 over it. */
export type SecretId = string & { readonly [secretId]: true };

/**
 * Tells which Secret Token a stored signature was made with, after that token may have left the configuration.
 * A Secret Token has 128 random bits, so a truncated hash reveals nothing usable.
 */
export function secretIdOf(secret: Secret): SecretId {
  return createHash('sha256').update(`zoom-relay secret id:${secret.reveal()}`).digest('hex').slice(0, 8) as SecretId;
}
