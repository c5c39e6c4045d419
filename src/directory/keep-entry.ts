import { RelayError } from '../errors.ts';
import type { EntryKind } from './entry-kind.ts';
import { maxSwaps } from './max-swaps.ts';
import { parseRecord } from './parse-record.ts';
import type { DirectoryRecords } from './records.ts';
import { readTombstones, type Tombstone } from './tombstones.ts';

/**
 * Adds news to an entry, and takes from both what tombstones forbid: read, join, forget, swap; again when the swap lost.
 * A deauthorization writes its tombstone before it looks for entries. So either it finds what is written here, or its
 * tombstone is found here after the swap.
 *
 * Removing is not conditional: news that somebody else writes at the very moment an entry has to go are lost with it.
 * It takes news of a meeting or user that is being forgotten, told after the deauthorization, within milliseconds.
 *
 * @param news `undefined`: only to forget
 * @returns whether anything of the news is kept
 * @throws RelayError `internal` when others were faster each time
 */
export async function keepEntry<Entry>(
  records: DirectoryRecords,
  kind: EntryKind<Entry>,
  key: string,
  news: Entry | undefined,
  retainMs: number,
): Promise<boolean> {
  for (let swaps = 0; swaps < maxSwaps; swaps += 1) {
    const stored = await records.read(key);
    const before = parseRecord(kind.schema, stored);
    const users = [before, news].flatMap((entry) => (entry === undefined ? [] : kind.usersIn(entry)));
    const tombstones = await readTombstones(records, users);
    const fresh = forget(kind, news, tombstones);
    const next = forget(kind, join(kind, before, fresh), tombstones);
    if (next === undefined) {
      if (stored !== undefined) await records.remove(key);
      return false;
    }
    const value = JSON.stringify(next);
    const change = { value, tags: kind.tagsOf(next), expiresAtMs: kind.expiresAtMs(next, retainMs) };
    if (value !== stored && !(await records.swap(key, stored, change))) continue;
    const since = await readTombstones(records, kind.usersIn(next));
    if (forget(kind, next, since) === next) return fresh !== undefined;
  }
  throw new RelayError('internal', `an entry of the directory changed under each of ${maxSwaps} swaps`);
}

function join<Entry>(kind: EntryKind<Entry>, one: Entry | undefined, other: Entry | undefined): Entry | undefined {
  return one === undefined || other === undefined ? (one ?? other) : kind.join(one, other);
}

function forget<Entry>(
  kind: EntryKind<Entry>,
  entry: Entry | undefined,
  tombstones: readonly Tombstone[],
): Entry | undefined {
  return tombstones.reduce<Entry | undefined>(
    (kept, { userId, atMs }) => (kept === undefined ? undefined : kind.forget(kept, userId, atMs)),
    entry,
  );
}
