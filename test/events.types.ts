/** Compile-time tests: `tsc` fails when one of the marked lines compiles. */

import type { KnownEventName, OtherZoomEvent, ZoomEvent } from '../src/zoom/events.ts';
import { isEvent } from '../src/zoom/is-event.ts';
import type { ParsedEvent } from '../src/zoom/parse-event.ts';

declare const created: ZoomEvent<'meeting.created'>;
declare const updated: ZoomEvent<'user.updated'>;
declare const joined: ZoomEvent<'meeting.participant_joined'>;
declare const parsed: ParsedEvent;

// @ts-expect-error no such event
export type Misspelt = ZoomEvent<'meeting.create'>;

// @ts-expect-error no such field of the payload
export const wrongPayloadField = created.payload.objects;

// @ts-expect-error no such field of the object: unknown fields are kept at run time, and have no type
export const wrongObjectField = created.payload.object.start_tim;

// @ts-expect-error no such field two levels down
export const wrongSetting = created.payload.object.settings?.use_pmy;

// @ts-expect-error no such field in a list
export const wrongOccurrence = created.payload.object.occurrences?.[0]?.begin;

// @ts-expect-error the field is of another event
export const otherEventsField = joined.payload.object.pmi;

// @ts-expect-error an optional field may be absent
export const unchecked: string = created.payload.object.topic;

// @ts-expect-error an optional object may be absent
export const uncheckedObject = updated.payload.old_object.pmi;

// @ts-expect-error an id may be text
export const idAsNumber: number = created.payload.object.id;

// @ts-expect-error an id may be a number
export const idAsText: string = created.payload.object.id;

// @ts-expect-error when it happened is optional
export const uncheckedTime: number = created.event_ts;

// @ts-expect-error an event is not to be changed
created.payload.object.topic = 'mine';

// @ts-expect-error nothing is known of another event's payload
export const otherPayload: string = (created as OtherZoomEvent).payload?.topic;

// @ts-expect-error an event that was only parsed may be any
export const unnarrowed: ZoomEvent<'meeting.created'> = parsed.event;

export const uuid: string = created.payload.object.uuid;
export const accountId: string | null | undefined = created.payload.account_id;
export const asOther: OtherZoomEvent = created;
export const name: KnownEventName = created.event;
export const narrowed: ZoomEvent<'user.updated'> | undefined = isEvent(parsed.event, 'user.updated')
  ? parsed.event
  : undefined;
export const narrowedOther: OtherZoomEvent = parsed.event;
