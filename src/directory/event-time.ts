import { pickEventTime } from '../zoom/pick-event-time.ts';
import type { MeetingEvent } from './meeting-entry.ts';
import type { UserEvent } from './user-entry.ts';

/**
 * The time of an event about a meeting or a user. `event_ts` comes first because nearly every such event has it, so that
 * they compare; `time_stamp` (when a change was made) was seen a second before it.
 */
export function eventTimeOf({ event_ts: eventMs, payload }: MeetingEvent | UserEvent, receivedAtMs: number): number {
  return pickEventTime([eventMs, 'time_stamp' in payload ? payload.time_stamp : undefined], receivedAtMs);
}
