import type { z } from 'zod';
import { meetingExpiresAtMs, userExpiresAtMs } from './expiry.ts';
import { userTagOf } from './keys.ts';
import { forgetInMeeting, joinMeetings, type MeetingEntry, meetingEntry } from './meeting-entry.ts';
import { forgetInUser, joinUsers, type UserEntry, userEntry } from './user-entry.ts';

/** What keeping needs to know of a kind of entry. */
export interface EntryKind<Entry> {
  readonly schema: z.ZodType<Entry>;
  readonly join: (one: Entry, other: Entry) => Entry;
  /** Whom the entry names. */
  readonly usersIn: (entry: Entry) => readonly string[];
  /** Returns the same entry when nothing has to go, `undefined` when nothing is left. */
  readonly forget: (entry: Entry, userId: string, untilMs: number) => Entry | undefined;
  readonly tagsOf: (entry: Entry) => readonly string[];
  readonly expiresAtMs: (entry: Entry, retainMs: number) => number;
}

export const meetingKind: EntryKind<MeetingEntry> = {
  schema: meetingEntry,
  join: joinMeetings,
  usersIn: usersInMeeting,
  forget: forgetInMeeting,
  tagsOf: (entry) => usersInMeeting(entry).map(userTagOf),
  expiresAtMs: meetingExpiresAtMs,
};

export const userKind: EntryKind<UserEntry> = {
  schema: userEntry,
  join: joinUsers,
  usersIn: ({ id }) => [id],
  forget: forgetInUser,
  tagsOf: () => [],
  expiresAtMs: userExpiresAtMs,
};

function usersInMeeting({ hostId, operator }: MeetingEntry): readonly string[] {
  return [...new Set([hostId?.value, operator?.value.id])].filter((id) => id !== undefined);
}
