import type { KnownEventName, OtherZoomEvent, ZoomEvent } from './events.ts';

/** Narrows an event that a prefix or `*` matched to a known one. What a handler is given has been checked already. */
export function isEvent<Name extends KnownEventName>(
  event: OtherZoomEvent | ZoomEvent<KnownEventName>,
  name: Name,
): event is ZoomEvent<Name> {
  return event.event === name;
}
