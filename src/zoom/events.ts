import { z } from 'zod';

/**
 * The events whose payload is known here. Everything else Zoom sends is an `OtherZoomEvent`.
 *
 * @see https://developers.zoom.us/docs/api/meetings/events/
 */
export const knownEvents = [
  'meeting.created',
  'meeting.updated',
  'meeting.deleted',
  'meeting.started',
  'meeting.ended',
  'meeting.participant_joined',
  'meeting.participant_left',
  'recording.completed',
  'recording.transcript_completed',
  'user.created',
  'user.updated',
  'app_deauthorized',
] as const;
export type KnownEventName = (typeof knownEvents)[number];

// Zoom's documentation, its own examples and real traffic differ in types, and absent, null and "" all mean absent. So
// only what says what an event is about is required; any other field that is not as described reads as `undefined`.
const text = z.string().nullish().catch(undefined);
const number = z.number().nullish().catch(undefined);
const flag = z.boolean().nullish().catch(undefined);
const numberOrText = z.union([z.number(), z.string()]).nullish().catch(undefined);
const maybe = <Shape extends z.core.$ZodLooseShape>(shape: Shape) => z.looseObject(shape).nullish().catch(undefined);
const list = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.array(z.looseObject(shape)).nullish().catch(undefined);

/** A meeting's id is a number in some events, digits in others; an integer beyond 2^53 is digits always. */
const meetingId = z.union([z.number(), z.string().min(1)]);
const userId = z.string().min(1);

const operated = {
  account_id: text,
  /** E-mail address of who did it. */
  operator: text,
  /** User id of who did it: for `meeting.created` the creator, who need not be the host. */
  operator_id: text,
};

const meeting = {
  id: meetingId,
  /** Base64 of one instance; may contain `/`, `+`, `=` and begin with `/`. */
  uuid: text,
  host_id: text,
  topic: text,
  /** 1 instant, 2 scheduled, 3 recurring without fixed time, 4 personal meeting room, 8 recurring with fixed time. */
  type: number,
  /** ISO 8601 in UTC, `2021-07-13T21:44:51Z`. */
  start_time: text,
  /** As scheduled, minutes; 0 for an instant meeting. */
  duration: number,
  /** IANA name, `America/Los_Angeles`. */
  timezone: text,
};

const occurrences = list({
  occurrence_id: text,
  /** ISO 8601 in UTC. */
  start_time: text,
  /** Minutes. */
  duration: number,
  /** `available` or `deleted`. */
  status: text,
});

const scheduled = {
  ...meeting,
  join_url: text,
  /** Passcode: a secret. */
  password: text,
  /** Personal meeting id of the host: text here, a number in `user.updated`. */
  pmi: numberOrText,
  occurrences,
  recurrence: maybe({
    /** 1 daily, 2 weekly, 3 monthly. */
    type: number,
    repeat_interval: number,
    /** How many occurrences; or `end_date_time`. */
    end_times: number,
    /** ISO 8601 in UTC. */
    end_date_time: text,
  }),
  settings: maybe({
    use_pmi: flag,
    /** E-mail addresses, separated by `;`. */
    alternative_hosts: text,
    join_before_host: flag,
    /** Minutes before the start. */
    jbh_time: number,
    meeting_invitees: list({ email: text }),
  }),
  tracking_fields: list({ field: text, value: text }),
};

/** Zoom's schema has these always in events about one whole meeting. */
const identified = { uuid: z.string(), host_id: z.string() };

const participant = maybe({
  /** Zoom user id; `""` or absent for guests. */
  id: text,
  /** New for each join, digits. */
  user_id: text,
  user_name: text,
  /** `""` for guests. */
  email: text,
  participant_user_id: text,
  participant_uuid: text,
  registrant_id: text,
  /** ISO 8601 in UTC; in `meeting.participant_joined` only. */
  join_time: text,
  /** ISO 8601 in UTC; in `meeting.participant_left` only. */
  leave_time: text,
  leave_reason: text,
});

const recordingFiles = list({
  id: text,
  /** The meeting's uuid, not its id. */
  meeting_id: text,
  /** ISO 8601 in UTC. */
  recording_start: text,
  /** ISO 8601 in UTC. */
  recording_end: text,
  recording_type: text,
  /** `MP4`, `M4A`, `TIMELINE`, `TRANSCRIPT`, `CHAT`, `CC`, `CSV`. */
  file_type: text,
  /** Bytes. */
  file_size: number,
  file_extension: text,
  file_name: text,
  /** Absent for files that cannot be played, such as `TIMELINE` and `CHAT`. */
  play_url: text,
  /** To be fetched with `download_token` as bearer token. */
  download_url: text,
  status: text,
});

const recording = {
  ...meeting,
  account_id: text,
  host_email: text,
  share_url: text,
  /** Bytes, of all files. */
  total_size: number,
  recording_count: number,
  /** Passcode: a secret. */
  password: text,
  /** Passcode in another form: a secret. */
  recording_play_passcode: text,
  auto_delete: flag,
  /** `2028-07-12`. */
  auto_delete_date: text,
  on_prem: flag,
  recording_files: recordingFiles,
  participant_audio_files: recordingFiles,
};

const user = {
  id: userId,
  email: text,
  first_name: text,
  last_name: text,
  display_name: text,
  /** 1 basic, 2 licensed; Zoom's own example has a 3. */
  type: number,
};

const profile = {
  ...user,
  /** Personal meeting id: an integer by Zoom's schema, text elsewhere; compare as text. */
  pmi: numberOrText,
  /** Whether instant meetings take place under the personal meeting id. */
  use_pmi: flag,
  vanity_name: text,
  /** A secret. */
  host_key: text,
  pic_url: text,
  timezone: text,
};

function event<Name extends KnownEventName, Payload extends z.core.$ZodLooseShape>(name: Name, payload: Payload) {
  return z.looseObject({
    event: z.literal(name),
    /** When it happened, epoch milliseconds (the header `x-zm-request-timestamp` is in seconds). */
    event_ts: number,
    payload: z.looseObject(payload),
  });
}

/** Short-lived bearer token for the download URLs: a secret. */
const withDownload = { download_token: text };
const participation = { account_id: text, object: z.looseObject({ ...meeting, participant }) };
const recorded = { account_id: text, object: z.looseObject(recording) };

/** A schema for each known event. Fields that are not described are kept. */
export const eventSchemas = {
  'meeting.created': event('meeting.created', {
    ...operated,
    /** Of a recurring meeting: `single` or `all`. */
    operation: text,
    object: z.looseObject({ ...scheduled, ...identified }),
  }),
  'meeting.updated': event('meeting.updated', {
    ...operated,
    /** Of a recurring meeting: `single` or `all`. */
    scope: text,
    /** When it was changed, epoch milliseconds. */
    time_stamp: number,
    /** The id and what has changed, nothing else: often not even `host_id`. */
    object: z.looseObject(scheduled),
    /** What `object` was before. */
    old_object: maybe({ ...scheduled, id: numberOrText }),
  }),
  'meeting.deleted': event('meeting.deleted', {
    ...operated,
    /** `single` with `occurrences`: these occurrences only. */
    operation: text,
    object: z.looseObject({ ...meeting, ...identified, occurrences }),
  }),
  'meeting.started': event('meeting.started', { account_id: text, object: z.looseObject(meeting) }),
  'meeting.ended': event('meeting.ended', {
    account_id: text,
    /** `end_time`: ISO 8601 in UTC. */
    object: z.looseObject({ ...meeting, end_time: text }),
  }),
  'meeting.participant_joined': event('meeting.participant_joined', participation),
  'meeting.participant_left': event('meeting.participant_left', participation),
  'recording.completed': event('recording.completed', recorded).extend(withDownload),
  'recording.transcript_completed': event('recording.transcript_completed', recorded).extend(withDownload),
  'user.created': event('user.created', {
    ...operated,
    /** `create`, `ssoCreate`, `autoCreate`, `custCreate`. */
    creation_type: text,
    object: z.looseObject(user),
  }),
  'user.updated': event('user.updated', {
    ...operated,
    /** `change_password`, `sign_out_from_all_devices`. */
    operation: text,
    /** When it was changed, epoch milliseconds. */
    time_stamp: number,
    /** The id and what has changed. */
    object: z.looseObject(profile),
    /** What `object` was before. */
    old_object: maybe({ ...profile, id: text }),
  }),
  app_deauthorized: event('app_deauthorized', {
    user_id: userId,
    account_id: z.string(),
    client_id: z.string(),
    /** ISO 8601 in UTC. */
    deauthorization_time: text,
    /** An opaque id; nothing that could be checked. */
    signature: text,
    /** `2024-09-08 15:58:40` in Zoom's example, a number in its schema; others have it at the top level. */
    event_ts: numberOrText,
    /** `"false"`, as text; of old, no longer sent. */
    user_data_retention: text,
  }),
} as const satisfies Record<KnownEventName, z.ZodType>;

/** What a schema reads, less the index signatures that keep unknown fields at run time: a misspelt field must not compile. */
type Exact<Value> = Value extends readonly (infer Item)[]
  ? readonly Exact<Item>[]
  : Value extends object
    ? { readonly [Key in keyof Value as string extends Key ? never : Key]: Exact<Value[Key]> }
    : Value;

/** The known events by name. */
export type ZoomEvents = { readonly [Name in KnownEventName]: Exact<z.infer<(typeof eventSchemas)[Name]>> };

export type ZoomEvent<Name extends KnownEventName> = ZoomEvents[Name];

/** An event that is not known here, as it came. */
export interface OtherZoomEvent {
  readonly event: string;
  /** Epoch milliseconds wherever it has been seen. */
  readonly event_ts?: number | string | null | undefined;
  readonly payload?: Readonly<Record<string, unknown>> | undefined;
}
