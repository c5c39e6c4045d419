import { RelayError } from '../errors.ts';
import type { RecordChange, RecordQuery } from './store.ts';

/** In UTF-16 units, as JavaScript counts: at most 600 bytes, which PostgreSQL's indexes take. */
const maxKeyLength = 200;
const spacePattern = /^[a-z0-9][a-z0-9._-]{0,99}$/;

/** No key that begins with the prefix is above it. */
export function highestKeyFrom(prefix: string): string {
  return prefix + '\u{10ffff}'.repeat(maxKeyLength / 2);
}

/** @throws RelayError `internal` */
export function checkSpace(space: string): void {
  if (!spacePattern.test(space)) refuse('the space of records', 'must have 1 to 100 of a-z 0-9 . - _');
}

/** @throws RelayError `internal` */
export function checkKey(key: string, what = 'the key of a record'): void {
  if (key.length < 1 || key.length > maxKeyLength) refuse(what, `must have 1 to ${maxKeyLength} characters`);
  checkText(key, what);
}

/** @throws RelayError `internal` */
export function checkChange({ value, tags = [], expiresAtMs = 0 }: RecordChange): void {
  checkText(value, 'the value of a record');
  for (const tag of tags) checkKey(tag, 'the tag of a record');
  if (!Number.isSafeInteger(expiresAtMs)) refuse('the expiry of a record', 'must be a whole number');
}

/** @throws RelayError `internal` */
export function checkQuery({ tag, prefix, before, limit }: RecordQuery): void {
  if (tag !== undefined) checkKey(tag, 'the tag of a record');
  if (prefix) checkKey(prefix, 'the prefix of keys');
  if (before) checkKey(before, 'the key of a record');
  if (!Number.isSafeInteger(limit) || limit < 0) refuse('the limit of a list', 'must be a whole number from 0');
}

/**
 * PostgreSQL takes no NUL, and a lone surrogate would come back as another character.
 *
 * @throws RelayError `internal`
 */
export function checkText(text: string, what: string): void {
  if (text.includes('\0')) refuse(what, 'must not contain NUL');
  if (!text.isWellFormed()) refuse(what, 'must be well-formed text');
}

function refuse(what: string, rule: string): never {
  throw new RelayError('internal', `${what} ${rule}`);
}
