import { z } from 'zod';
import type { ZoomEvent } from '../zoom/events.ts';
import { eventTimeOf } from './event-time.ts';
import { latestOccurrence } from './expiry.ts';
import { readText } from './read-text.ts';
import { type About, compareHeard, type Heard, heard, keepAfter, pickLater, type Told, told } from './told.ts';

export type MeetingEvent = ZoomEvent<'meeting.created' | 'meeting.updated' | 'meeting.deleted'>;

/** What is kept, version 1. Each field is as the latest event that told it says: `meeting.updated` tells few. */
export const meetingEntry = z.object({
  v: z.literal(1),
  /** Digits. */
  id: z.string(),
  uuid: told(z.string()).optional(),
  hostId: told(z.string()).optional(),
  /**
   * Who created it: user id and e-mail address. As long as no `meeting.created` was heard, who did the last thing that
   * was. An address without an id is not kept: it could not be deleted with its user.
   */
  operator: told(z.object({ id: z.string(), email: z.string().optional() })).optional(),
  accountId: told(z.string()).optional(),
  topic: told(z.string()).optional(),
  /** As told: ISO 8601. Of a recurring meeting, the first occurrence's. */
  startTime: told(z.string()).optional(),
  /** As scheduled. */
  durationMin: told(z.number()).optional(),
  joinUrl: told(z.string()).optional(),
  /** The end of a recurring meeting, epoch milliseconds: the latest that was ever told. */
  seriesEndMs: told(z.number()).optional(),
  /** `true`: `meeting.deleted` was the last word on it; `false`: `meeting.created` was. */
  deleted: told(z.boolean()).optional(),
  firstHeard: heard,
  lastHeard: heard,
  /** Of all notifications about it, epoch milliseconds. */
  lastReceivedAtMs: z.number(),
});
export type MeetingEntry = Readonly<z.infer<typeof meetingEntry>>;

/**
 * Adds what an event says about the meeting it names; its id has been checked. Any order and any repetition of the same
 * events gives the same entry.
 */
export function mergeMeeting(entry: MeetingEntry | undefined, event: MeetingEvent, about: About): MeetingEntry {
  const news = readMeeting(event, about);
  return entry === undefined ? news : joinMeetings(entry, news);
}

/** Both together: commutative, associative, idempotent. */
export function joinMeetings(one: MeetingEntry, other: MeetingEntry): MeetingEntry {
  return {
    v: 1,
    id: one.id,
    uuid: pickLater(one.uuid, other.uuid),
    hostId: pickLater(one.hostId, other.hostId),
    operator: pickCreator(one.operator, other.operator),
    accountId: pickLater(one.accountId, other.accountId),
    topic: pickLater(one.topic, other.topic),
    startTime: pickLater(one.startTime, other.startTime),
    durationMin: pickLater(one.durationMin, other.durationMin),
    joinUrl: pickLater(one.joinUrl, other.joinUrl),
    seriesEndMs: pickGreater(one.seriesEndMs, other.seriesEndMs),
    deleted: pickLater(one.deleted, other.deleted),
    firstHeard: compareHeard(one.firstHeard, other.firstHeard) <= 0 ? one.firstHeard : other.firstHeard,
    lastHeard: compareHeard(one.lastHeard, other.lastHeard) >= 0 ? one.lastHeard : other.lastHeard,
    lastReceivedAtMs: Math.max(one.lastReceivedAtMs, other.lastReceivedAtMs),
  };
}

/**
 * The entry without what it said about a user up to a time. Of a meeting that is theirs (they host it, or no host is
 * known and they created it) all that was told until then goes; another's meeting only stops naming them.
 *
 * @returns the same entry when nothing has to go, `undefined` when nothing is left
 */
export function forgetInMeeting(entry: MeetingEntry, userId: string, untilMs: number): MeetingEntry | undefined {
  const owner = entry.hostId?.value ?? entry.operator?.value.id;
  if (owner === userId) return entry.firstHeard.atMs > untilMs ? entry : keepSince(entry, untilMs);
  const { operator } = entry;
  return operator?.value.id === userId && operator.atMs <= untilMs ? { ...entry, operator: undefined } : entry;
}

function keepSince(entry: MeetingEntry, untilMs: number): MeetingEntry | undefined {
  const { id, lastHeard, lastReceivedAtMs } = entry;
  if (lastHeard.atMs <= untilMs) return undefined;
  const kept = {
    uuid: keepAfter(entry.uuid, untilMs),
    hostId: keepAfter(entry.hostId, untilMs),
    operator: keepAfter(entry.operator, untilMs),
    accountId: keepAfter(entry.accountId, untilMs),
    topic: keepAfter(entry.topic, untilMs),
    startTime: keepAfter(entry.startTime, untilMs),
    durationMin: keepAfter(entry.durationMin, untilMs),
    joinUrl: keepAfter(entry.joinUrl, untilMs),
    seriesEndMs: keepAfter(entry.seriesEndMs, untilMs),
    deleted: keepAfter(entry.deleted, untilMs),
  };
  const events = Object.values(kept).filter((field) => field !== undefined);
  const [first = lastHeard] = events.toSorted(compareHeard);
  const { atMs, notificationId, event } = first;
  return { v: 1, id, ...kept, firstHeard: { atMs, notificationId, event }, lastHeard, lastReceivedAtMs };
}

function readMeeting(event: MeetingEvent, { notificationId, receivedAtMs }: About): MeetingEntry {
  const { payload } = event;
  const { object } = payload;
  const from: Heard = { atMs: eventTimeOf(event, receivedAtMs), notificationId, event: event.event };
  const tell = <Value>(value: Value | null | undefined): Told<Value> | undefined =>
    value === undefined || value === null ? undefined : { ...from, value };
  const whole = !isAboutOneOccurrence(event);
  return {
    v: 1,
    id: String(object.id),
    uuid: tell(whole ? readText(object.uuid) : undefined),
    hostId: tell(readText(object.host_id)),
    operator: tell(readOperator(payload.operator_id, payload.operator)),
    accountId: tell(readText(payload.account_id)),
    topic: tell(readText(object.topic)),
    startTime: tell(whole ? readText(object.start_time) : undefined),
    durationMin: tell(whole ? object.duration : undefined),
    joinUrl: tell('join_url' in object ? readText(object.join_url) : undefined),
    seriesEndMs: tell(latestOccurrence(object, from.atMs)),
    deleted: tell(event.event === 'meeting.updated' || !whole ? undefined : event.event === 'meeting.deleted'),
    firstHeard: from,
    lastHeard: from,
    lastReceivedAtMs: receivedAtMs,
  };
}

/** A change or deletion of one occurrence says nothing about when the meeting is, nor that it is deleted. */
function isAboutOneOccurrence(event: MeetingEvent): boolean {
  if (event.event === 'meeting.created') return false;
  const extent = event.event === 'meeting.updated' ? event.payload.scope : event.payload.operation;
  return extent === 'single' && (event.payload.object.occurrences ?? []).length > 0;
}

type Operator = NonNullable<MeetingEntry['operator']>;

function readOperator(id: string | null | undefined, email: string | null | undefined): Operator['value'] | undefined {
  return id ? { id, email: readText(email) } : undefined;
}

function pickCreator(one: Operator | undefined, other: Operator | undefined): Operator | undefined {
  const creators = [one, other].filter((operator) => operator?.event === 'meeting.created');
  return creators.length === 1 ? creators[0] : pickLater(one, other);
}

function pickGreater(one: Told<number> | undefined, other: Told<number> | undefined): Told<number> | undefined {
  if (one === undefined || other === undefined || one.value === other.value) return pickLater(one, other);
  return one.value > other.value ? one : other;
}
