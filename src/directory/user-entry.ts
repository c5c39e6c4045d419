import { z } from 'zod';
import type { ZoomEvent } from '../zoom/events.ts';
import { eventTimeOf } from './event-time.ts';
import { readText } from './read-text.ts';
import { type About, compareHeard, type Heard, heard, keepAfter, pickLater, type Told, told } from './told.ts';

/** `meeting.created` tells the e-mail address of whoever created the meeting. */
export type UserEvent = ZoomEvent<'user.updated' | 'meeting.created'>;

const pmiChange = heard.extend({
  pmi: z.string(),
  /** What it was before, if the event says so. */
  previous: z.string().optional(),
});
type PmiChange = Readonly<z.infer<typeof pmiChange>>;

/** How many changes of the PMI are kept, the latest. */
export const maxPmiChanges = 20;

/** What is kept, version 1. Each field is as the latest event that told it says. */
export const userEntry = z.object({
  v: z.literal(1),
  id: z.string(),
  email: told(z.string()).optional(),
  accountId: told(z.string()).optional(),
  /** Personal meeting id, digits. */
  pmi: told(z.string()).optional(),
  /** The oldest first, at most 20. */
  pmiChanges: z.array(pmiChange).readonly(),
  firstHeard: heard,
  lastHeard: heard,
  /** Of all notifications about them, epoch milliseconds. */
  lastReceivedAtMs: z.number(),
});
export type UserEntry = Readonly<z.infer<typeof userEntry>>;

/** Whom an event tells something about; `undefined`: nobody. */
function userIdIn(event: UserEvent): string | undefined {
  return event.event === 'user.updated' ? event.payload.object.id : readText(event.payload.operator_id);
}

/**
 * Adds what an event says about the user it is about. Any order and any repetition of the same events
 * gives the same entry.
 *
 * @returns the entry as it is when the event is about nobody
 */
export function mergeUser(entry: UserEntry | undefined, event: UserEvent, about: About): UserEntry | undefined {
  const news = readUser(event, about);
  return entry === undefined || news === undefined ? (news ?? entry) : joinUsers(entry, news);
}

/** Both together: commutative, associative, idempotent. */
export function joinUsers(one: UserEntry, other: UserEntry): UserEntry {
  return {
    v: 1,
    id: one.id,
    email: pickLater(one.email, other.email),
    accountId: pickLater(one.accountId, other.accountId),
    pmi: pickLater(one.pmi, other.pmi),
    pmiChanges: joinChanges(one.pmiChanges, other.pmiChanges),
    firstHeard: compareHeard(one.firstHeard, other.firstHeard) <= 0 ? one.firstHeard : other.firstHeard,
    lastHeard: compareHeard(one.lastHeard, other.lastHeard) >= 0 ? one.lastHeard : other.lastHeard,
    lastReceivedAtMs: Math.max(one.lastReceivedAtMs, other.lastReceivedAtMs),
  };
}

/**
 * The entry without what it said up to a time.
 *
 * @returns the same entry when nothing has to go, `undefined` when nothing is left
 */
export function forgetInUser(entry: UserEntry, userId: string, untilMs: number): UserEntry | undefined {
  if (entry.id !== userId || entry.firstHeard.atMs > untilMs) return entry;
  const { id, lastHeard, lastReceivedAtMs } = entry;
  if (lastHeard.atMs <= untilMs) return undefined;
  const kept = {
    email: keepAfter(entry.email, untilMs),
    accountId: keepAfter(entry.accountId, untilMs),
    pmi: keepAfter(entry.pmi, untilMs),
  };
  const pmiChanges = entry.pmiChanges.filter(({ atMs }) => atMs > untilMs);
  const events = [...pmiChanges, ...Object.values(kept).filter((field) => field !== undefined)];
  const [first = lastHeard] = events.toSorted(compareHeard);
  const { atMs, notificationId, event } = first;
  return { v: 1, id, ...kept, pmiChanges, firstHeard: { atMs, notificationId, event }, lastHeard, lastReceivedAtMs };
}

function readUser(event: UserEvent, { notificationId, receivedAtMs }: About): UserEntry | undefined {
  const id = userIdIn(event);
  if (id === undefined) return undefined;
  const from: Heard = { atMs: eventTimeOf(event, receivedAtMs), notificationId, event: event.event };
  const tell = (value: string | undefined): Told<string> | undefined =>
    value === undefined ? undefined : { ...from, value };
  const pmi = event.event === 'user.updated' ? readPmi(event.payload.object.pmi) : undefined;
  return {
    v: 1,
    id,
    email: tell(readText(event.event === 'user.updated' ? event.payload.object.email : event.payload.operator)),
    accountId: tell(readText(event.payload.account_id)),
    pmi: tell(pmi),
    pmiChanges: event.event === 'user.updated' && pmi !== undefined ? readChange(event, pmi, from) : [],
    firstHeard: from,
    lastHeard: from,
    lastReceivedAtMs: receivedAtMs,
  };
}

/** Zoom's own example has another user's id in `old_object`: what such a one says was not this user's. */
function readChange(event: ZoomEvent<'user.updated'>, pmi: string, from: Heard): readonly PmiChange[] {
  const { object, old_object: old } = event.payload;
  const previous = old && (!old.id || old.id === object.id) ? readPmi(old.pmi) : undefined;
  return previous === pmi ? [] : [{ ...from, pmi, ...(previous === undefined ? {} : { previous }) }];
}

/** A number by Zoom's schema, text elsewhere. */
function readPmi(pmi: number | string | null | undefined): string | undefined {
  return typeof pmi === 'number' && Number.isSafeInteger(pmi)
    ? String(pmi)
    : readText(typeof pmi === 'string' ? pmi : '');
}

function joinChanges(one: readonly PmiChange[], other: readonly PmiChange[]): readonly PmiChange[] {
  const sorted = [...one, ...other].toSorted(compareHeard);
  const unique = sorted.filter((change, index) => {
    const next = sorted[index + 1];
    return next === undefined || compareHeard(change, next) !== 0;
  });
  return unique.slice(-maxPmiChanges);
}
