import type { ConsumerName, OperatorSource } from '../ports.ts';
import type { DeliveryRow } from '../schemas.ts';
import { findDeliveries } from './find-deliveries.ts';
import { viewRow } from './view-delivery.ts';

const pageSize = 50;
const maxPages = 5;
const maxRows = 100;

/**
 * Deliveries of one consumer whose bodies say they are about a meeting, newest first. `meeting.created` is looked for
 * by itself too: of a meeting with many participants it is the oldest of hundreds.
 *
 * @returns `isPartial`: not all that is kept was looked at, or more was found than is given
 */
export async function findMeetingDeliveries(
  source: Pick<OperatorSource, 'search' | 'delivery'>,
  name: ConsumerName,
  meetingId: string,
): Promise<{ readonly rows: readonly DeliveryRow[]; readonly isPartial: boolean }> {
  const [all, created] = await Promise.all([
    findPages(source, name, meetingId, undefined),
    findPages(source, name, meetingId, 'meeting.created'),
  ]);
  const known = new Set(created.rows.map(({ notificationId }) => notificationId));
  const others = all.rows.filter(({ notificationId }) => !known.has(notificationId));
  const newestFirst = [...created.rows, ...others].toSorted((a, b) => b.receivedAt.localeCompare(a.receivedAt));
  return { rows: newestFirst, isPartial: all.isPartial };
}

async function findPages(
  source: Pick<OperatorSource, 'search' | 'delivery'>,
  name: ConsumerName,
  meetingId: string,
  event: string | undefined,
): Promise<{ readonly rows: readonly DeliveryRow[]; readonly isPartial: boolean }> {
  const filter = { app: name.app, consumer: name.consumer, q: meetingId, ...(event !== undefined && { event }) };
  const rows: DeliveryRow[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < maxPages && rows.length < maxRows; page += 1) {
    const found = await findDeliveries(source, [name], filter, { cursor, limit: pageSize });
    // The text stands somewhere in an identifier; it need not be the meeting's.
    rows.push(
      ...found.found.map(({ kept }) => viewRow(name, kept)).filter(({ about }) => about.meetingId === meetingId),
    );
    cursor = found.cursor;
    if (cursor === undefined) return { rows, isPartial: false };
  }
  return { rows, isPartial: true };
}
