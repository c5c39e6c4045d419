import { readDeauthorization } from '../zoom/deauthorization.ts';
import type { ZoomEvent } from '../zoom/events.ts';
import { isEvent } from '../zoom/is-event.ts';
import type { ParsedEvent } from '../zoom/parse-event.ts';
import { meetingKind, userKind } from './entry-kind.ts';
import { forgetUser } from './forget-user.ts';
import { keepEntry } from './keep-entry.ts';
import { isUserId, meetingIdOf, meetingKeyOf, userKeyOf } from './keys.ts';
import { type MeetingEntry, type MeetingEvent, mergeMeeting } from './meeting-entry.ts';
import { parseRecord } from './parse-record.ts';
import type { DirectoryRecords } from './records.ts';
import type { About } from './told.ts';
import { mergeUser, type UserEntry, type UserEvent } from './user-entry.ts';

export type Noted = { readonly kind: 'kept' } | { readonly kind: 'nothing'; readonly reason: string };

/** Which meeting belongs to whom and whose PMI is what, as far as events have told. Of one app. */
export interface Directory {
  /**
   * Keeps what an event tells. Events may come in any order and more than once. After a throw, and after an
   * interruption, the event is to be noted again.
   *
   * @throws RelayError of the store, or `internal` when others were faster too often
   */
  note(event: ParsedEvent, about: About, nowMs: number): Promise<Noted>;
  /** @param id digits, as text */
  meeting(id: string): Promise<MeetingEntry | undefined>;
  user(id: string): Promise<UserEntry | undefined>;
}

/** @param retainMs how long a meeting is kept after it was, and a user after they were last heard of */
export function createDirectory(records: DirectoryRecords, retainMs: number): Directory {
  return {
    async note({ event }, about, nowMs) {
      if (isEvent(event, 'app_deauthorized')) return noteDeauthorization(event, about, nowMs);
      // A tombstone may have expired since: nobody knows any more whether its user has gone.
      if (about.receivedAtMs + retainMs <= nowMs) return nothing('received longer ago than anything is kept');
      if (isEvent(event, 'user.updated')) return noteUser(event, about);
      if (isEvent(event, 'meeting.created')) return noteCreation(event, about);
      if (isEvent(event, 'meeting.updated') || isEvent(event, 'meeting.deleted')) return noteMeeting(event, about);
      return nothing('tells neither whose a meeting nor what a PMI is');
    },
    async meeting(id) {
      const known = meetingIdOf(id);
      return known === undefined ? undefined : parseRecord(meetingKind.schema, await records.read(meetingKeyOf(known)));
    },
    async user(id) {
      return isUserId(id) ? parseRecord(userKind.schema, await records.read(userKeyOf(id))) : undefined;
    },
  };

  async function noteDeauthorization(
    event: ZoomEvent<'app_deauthorized'>,
    { receivedAtMs }: About,
    nowMs: number,
  ): Promise<Noted> {
    if (!isUserId(event.payload.user_id)) return unusable('payload.user_id');
    await forgetUser(records, readDeauthorization(event, receivedAtMs), retainMs, nowMs);
    return { kind: 'kept' };
  }

  /** It tells of a meeting and of its creator, each of whom may be known when the other has gone. */
  async function noteCreation(event: ZoomEvent<'meeting.created'>, about: About): Promise<Noted> {
    const meeting = await noteMeeting(event, about);
    if (unusableIdIn(event) !== undefined) return meeting;
    const creator = await noteUser(event, about);
    return meeting.kind === 'kept' ? meeting : creator;
  }

  async function noteMeeting(event: MeetingEvent, about: About): Promise<Noted> {
    const path = unusableIdIn(event);
    if (path !== undefined) return unusable(path);
    const news = mergeMeeting(undefined, event, about);
    return notedAs(await keepEntry(records, meetingKind, meetingKeyOf(news.id), news, retainMs));
  }

  async function noteUser(event: UserEvent, about: About): Promise<Noted> {
    const news = mergeUser(undefined, event, about);
    if (news === undefined) return nothing('names no user');
    if (!isUserId(news.id)) return unusable('payload.object.id');
    return notedAs(await keepEntry(records, userKind, userKeyOf(news.id), news, retainMs));
  }
}

/** The path of an id that can be neither key nor tag, so that what it names could not be deleted with its user. */
function unusableIdIn({ payload }: MeetingEvent): string | undefined {
  if (meetingIdOf(payload.object.id) === undefined) return 'payload.object.id';
  if (payload.object.host_id && !isUserId(payload.object.host_id)) return 'payload.object.host_id';
  return payload.operator_id && !isUserId(payload.operator_id) ? 'payload.operator_id' : undefined;
}

function notedAs(isKept: boolean): Noted {
  return isKept ? { kind: 'kept' } : nothing('its user has deauthorized the app since');
}

function unusable(path: string): Noted {
  return nothing(`${path} cannot be a key`);
}

function nothing(reason: string): Noted {
  return { kind: 'nothing', reason };
}
