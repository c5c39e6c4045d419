import { parseUtcTime } from '../zoom/parse-utc-time.ts';
import type { MeetingEntry } from './meeting-entry.ts';
import type { UserEntry } from './user-entry.ts';

/** A meeting further ahead of the event that tells of it (in the year 9999) does not keep its entry, milliseconds. */
const maxAheadMs = 2 * 365 * 24 * 60 * 60 * 1000;
const minuteMs = 60_000;

/**
 * When a meeting's entry may go, epoch milliseconds: some time after it was last heard of, its end, and the end of its
 * series. Heard of is also when the notification came, so that a late one is of some use.
 */
export function meetingExpiresAtMs(entry: MeetingEntry, retainMs: number): number {
  const { startTime, durationMin, seriesEndMs, lastHeard, lastReceivedAtMs } = entry;
  const startMs = parseUtcTime(startTime?.value);
  const endMs = startMs === undefined ? 0 : startMs + Math.max(durationMin?.value ?? 0, 0) * minuteMs;
  const boundedMs = Math.min(endMs, (startTime?.atMs ?? 0) + maxAheadMs);
  return Math.ceil(Math.max(lastHeard.atMs, lastReceivedAtMs, boundedMs, seriesEndMs?.value ?? 0) + retainMs);
}

/** When a user's entry may go, epoch milliseconds: some time after they were last heard of. */
export function userExpiresAtMs({ lastHeard, lastReceivedAtMs }: UserEntry, retainMs: number): number {
  return Math.ceil(Math.max(lastHeard.atMs, lastReceivedAtMs) + retainMs);
}

/**
 * The last start that an event tells of a recurring meeting, epoch milliseconds; at most 2 years after the event.
 *
 * @returns `undefined` when it tells none
 */
export function latestOccurrence(
  meeting: {
    readonly occurrences?: readonly { readonly start_time?: string | null | undefined }[] | null | undefined;
    readonly recurrence?: { readonly end_date_time?: string | null | undefined } | null | undefined;
  },
  eventAtMs: number,
): number | undefined {
  const texts = [meeting.recurrence?.end_date_time, ...(meeting.occurrences ?? []).map((each) => each.start_time)];
  const timesMs = texts.flatMap((text) => parseUtcTime(text) ?? []);
  if (timesMs.length === 0) return undefined;
  const latestMs = timesMs.reduce((latest, each) => Math.max(latest, each));
  return Math.min(latestMs, eventAtMs + maxAheadMs);
}
