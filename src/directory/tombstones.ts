import { z } from 'zod';
import { RelayError } from '../errors.ts';
import { tombstoneKeyOf } from './keys.ts';
import { maxSwaps } from './max-swaps.ts';
import { parseRecord } from './parse-record.ts';
import type { DirectoryRecords } from './records.ts';

const tombstone = z.object({ v: z.literal(1), atMs: z.number() });

/** Nothing that was told about the user up to then is kept. */
export interface Tombstone {
  readonly userId: string;
  readonly atMs: number;
}

/** The tombstones of those of the users who have one. */
export async function readTombstones(
  records: DirectoryRecords,
  userIds: readonly string[],
): Promise<readonly Tombstone[]> {
  const found: Tombstone[] = [];
  for (const userId of new Set(userIds)) {
    const kept = parseRecord(tombstone, await records.read(tombstoneKeyOf(userId)));
    if (kept !== undefined) found.push({ userId, atMs: kept.atMs });
  }
  return found;
}

/** Of several deauthorizations of one user the latest counts. */
export async function writeTombstone(
  records: DirectoryRecords,
  { userId, atMs }: Tombstone,
  expiresAtMs: number,
): Promise<void> {
  const key = tombstoneKeyOf(userId);
  for (let swaps = 0; swaps < maxSwaps; swaps += 1) {
    const stored = await records.read(key);
    const latestMs = Math.max(atMs, parseRecord(tombstone, stored)?.atMs ?? 0);
    const value = JSON.stringify({ v: 1, atMs: latestMs });
    if (await records.swap(key, stored, { value, expiresAtMs })) return;
  }
  throw new RelayError('internal', `a tombstone changed under each of ${maxSwaps} swaps`);
}
