import type { Deauthorization } from '../zoom/deauthorization.ts';
import { meetingKind, userKind } from './entry-kind.ts';
import { keepEntry } from './keep-entry.ts';
import { meetingPrefix, userKeyOf, userTagOf } from './keys.ts';
import type { DirectoryRecords } from './records.ts';
import { writeTombstone } from './tombstones.ts';

const pageSize = 100;

/**
 * Deletes what is kept about a user up to the deauthorization. What was told after it (they have authorized the app
 * again, and this notification is late) stays. Interrupted, it is to be done again as a whole.
 */
export async function forgetUser(
  records: DirectoryRecords,
  { userId, atMs }: Deauthorization,
  retainMs: number,
  nowMs: number,
): Promise<void> {
  await writeTombstone(records, { userId, atMs }, Math.ceil(nowMs + retainMs));
  await keepEntry(records, userKind, userKeyOf(userId), undefined, retainMs);
  const query = { tag: userTagOf(userId), prefix: meetingPrefix, limit: pageSize };
  let page = await records.list(query);
  for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
    for (const { key } of page) await keepEntry(records, meetingKind, key, undefined, retainMs);
    page = await records.list({ ...query, before: last.key });
  }
}
