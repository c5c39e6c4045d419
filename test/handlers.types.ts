/** Compile-time tests of what a handler module may say: `tsc` fails when one of the marked lines compiles. */
import { defineHandlers, isEvent } from 'zoom-relay';

export const fine = defineHandlers({
  'meeting.created': (event, { notificationId, signal, body, log }) => {
    const id: string | number = event.payload.object.id;
    log.info({ id, aborted: signal.aborted, bytes: body.length }, notificationId);
  },
  'meeting.*': (event) => (isEvent(event, 'meeting.deleted') ? event.payload.object.id : event.event),
  '*': [{ name: 'all', apps: ['acme'], handle: () => {} }],
});

// @ts-expect-error no such event
export const wrongEvent = defineHandlers({ 'meeting.creatd': () => {} });

// @ts-expect-error an event that is known only by its prefix
export const unknownEvent = defineHandlers({ 'webinar.started': () => {} });

// @ts-expect-error no such field
export const wrongField = defineHandlers({ 'meeting.created': (event) => event.payload.object.idd });

// @ts-expect-error a field of another event
export const otherField = defineHandlers({ 'user.updated': (event) => event.payload.object.join_url });

export const unchecked = defineHandlers({
  // @ts-expect-error what may be missing has to be looked at first
  'meeting.created': (event) => event.payload.object.start_time.length,
});

export const numeric = defineHandlers({
  // @ts-expect-error an id is a number or a text
  'meeting.created': (event) => event.payload.object.id.toFixed(),
});

// @ts-expect-error no such setting
export const wrongSetting = defineHandlers({ 'meeting.created': { handle: () => {}, retries: 3 } });

// @ts-expect-error the context holds no secret
export const wrongContext = defineHandlers({ 'meeting.created': (_event, { secret }) => secret });

// @ts-expect-error a payload of an event that only a prefix names is unknown until it is looked at
export const unknownPayload = defineHandlers({ 'meeting.*': (event) => event.payload?.object.id });
