import type { KnownEventName } from '../events.ts';

/** Whose access a Zoom app is granted: "user-managed" and "admin-managed" in Zoom's words. */
export type ZoomAppKind = 'user_level' | 'account_level';

/** A scope that a Zoom app must have, in both of its names. Apps made before April 2024 have classic ones. */
export interface NeededScope {
  readonly granular: string;
  readonly classic: string;
  /** `recall`: without it Recall's integration does not work. `bots`: for tokens with which bots join meetings. */
  readonly for: 'recall' | 'bots';
  readonly why: string;
}

const recordingToken = 'the join token for local recording, with which a bot records without asking the host';
const meetingSync = 'the list of meetings: which user can give the join token of which meeting';
const personalMeetingId = "the user's Personal Meeting ID, who has connected, and the event user.updated";
const zak = 'the ZAK, with which a bot joins as a signed-in user';
const onBehalf = 'on-behalf-of tokens: since March 2026 bots join meetings of other accounts only with one, or a ZAK';

/**
 * What Zoom adds by itself is left out (`meeting:read:meeting`, along with the list of meetings). Recall's list for
 * account-level apps lacks `user:read:user:admin`; Zoom asks for it for `user.updated`.
 *
 * @see https://docs.recall.ai/docs/step-1-zoom-oauth-setup granular names
 * @see https://docs.recall.ai/docs/zoom-oauth-getting-started classic names, user level
 * @see https://docs.recall.ai/docs/zoom-oauth-faqs classic names, account level
 * @see https://developers.zoom.us/docs/meeting-sdk/obf-faq/ on-behalf-of tokens
 */
export const neededScopes: Readonly<Record<ZoomAppKind, readonly NeededScope[]>> = {
  user_level: [
    {
      granular: 'meeting:read:local_recording_token',
      classic: 'meeting_token:read:local_recording',
      for: 'recall',
      why: recordingToken,
    },
    { granular: 'meeting:read:list_meetings', classic: 'meeting:read', for: 'recall', why: meetingSync },
    { granular: 'user:read:user', classic: 'user:read', for: 'recall', why: personalMeetingId },
    { granular: 'user:read:zak', classic: 'user_zak:read', for: 'bots', why: zak },
    { granular: 'user:read:token', classic: 'user:read', for: 'bots', why: onBehalf },
  ],
  account_level: [
    {
      granular: 'meeting:read:local_recording_token:admin',
      classic: 'meeting_token:read:admin:local_recording',
      for: 'recall',
      why: recordingToken,
    },
    { granular: 'meeting:read:list_meetings:admin', classic: 'meeting:read:admin', for: 'recall', why: meetingSync },
    {
      granular: 'user:read:list_users:admin',
      classic: 'user:read:admin',
      for: 'recall',
      why: 'the list of users of the account: whose meetings there are',
    },
    { granular: 'user:read:user:admin', classic: 'user:read:admin', for: 'recall', why: personalMeetingId },
    { granular: 'user:read:zak:admin', classic: 'user_zak:read:admin', for: 'bots', why: zak },
    { granular: 'user:read:token:admin', classic: 'user:read:admin', for: 'bots', why: onBehalf },
  ],
};

/**
 * Those of `neededScopes` that were not granted, under either name. The `:admin` form does for what a user-level app
 * needs, not the other way round.
 *
 * @param granted as `ZoomTokens.scopes` has them
 */
export function missingScopes(kind: ZoomAppKind, granted: readonly string[]): readonly NeededScope[] {
  return neededScopes[kind].filter((scope) => !namesThatDo(scope).some((name) => granted.includes(name)));
}

function namesThatDo({ granular, classic }: NeededScope): readonly string[] {
  return [granular, `${granular}:admin`, classic, adminFormOf(classic)];
}

/** The classic one for recording tokens has `admin` in its middle. */
function adminFormOf(classic: string): string {
  return classic === 'meeting_token:read:local_recording'
    ? 'meeting_token:read:admin:local_recording'
    : `${classic}:admin`;
}

/** An event that the Zoom app must be subscribed to, under its name on Zoom's page and for which use. */
export interface NeededEvent {
  readonly name: KnownEventName;
  readonly label: string;
  readonly why: string;
}

/**
 * `app_deauthorized` is none of them: it goes to the app's Deauthorization Notification Endpoint URL, a field of its
 * own, from published apps only.
 *
 * @see https://docs.recall.ai/docs/step-1-zoom-oauth-setup
 */
export const neededEvents: readonly NeededEvent[] = [
  {
    name: 'meeting.created',
    label: 'Meeting has been created',
    why: 'tells Recall whose meeting it is; a bot in a meeting that Recall does not know has to ask the host',
  },
  {
    name: 'user.updated',
    label: "User's profile info has been updated",
    why: 'tells Recall when a Personal Meeting ID changes',
  },
];
