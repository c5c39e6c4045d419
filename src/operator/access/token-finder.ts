import { createHash, timingSafeEqual } from 'node:crypto';
import type { AccessToken } from './identity.ts';

/** Finds the configured token that a text is; `undefined` when it is none. */
export type FindToken = (given: string) => AccessToken | undefined;

/** Takes the same time whichever token it is, or none: digests are compared, and always all of them. */
export function createTokenFinder(tokens: readonly AccessToken[]): FindToken {
  const known = tokens.map((entry) => ({ entry, digest: digestOf(entry.token.reveal()) }));
  return (given) => {
    const digest = digestOf(given);
    let found: AccessToken | undefined;
    for (const { entry, digest: expected } of known) if (timingSafeEqual(digest, expected)) found = entry;
    return found;
  };
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
