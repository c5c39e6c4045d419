import { hash } from 'node:crypto';
import type { Secret } from '../secret.ts';

/** An app's accepted Secret Tokens, the current one first; a second one only while rotating. Never empty. */
export type SecretTokens = readonly [Secret, ...Secret[]];

declare const secretId: unique symbol;
/** Names a Secret Token without giving it away: 8 hex digits of a SHA-256 over it. */
export type SecretId = string & { readonly [secretId]: true };

/** Asked for with each notification and each attempt. */
const knownIds = new WeakMap<Secret, SecretId>();

/**
 * Tells which Secret Token a stored signature was made with, after that token may have left the configuration.
 * A Secret Token has 128 random bits, so a truncated hash reveals nothing usable.
 */
export function secretIdOf(secret: Secret): SecretId {
  const known = knownIds.get(secret);
  if (known !== undefined) return known;
  const id = hash('sha256', `zoom-relay secret id:${secret.reveal()}`, 'hex').slice(0, 8) as SecretId;
  knownIds.set(secret, id);
  return id;
}
