import type { ZoomEvent } from './events.ts';
import { parseUtcTime } from './parse-utc-time.ts';
import { pickEventTime } from './pick-event-time.ts';

/** A user has taken the app's access away. */
export interface Deauthorization {
  readonly userId: string;
  readonly accountId: string;
  readonly clientId: string;
  /** When, epoch milliseconds. */
  readonly atMs: number;
}

/**
 * Reads `app_deauthorized` in all its shapes: the time is `event_ts` at the top, else `deauthorization_time`, else
 * `event_ts` in the payload (a date in Zoom's example, taken to be UTC; milliseconds by its schema), else when it came.
 */
export function readDeauthorization(event: ZoomEvent<'app_deauthorized'>, receivedAtMs: number): Deauthorization {
  const { user_id: userId, account_id: accountId, client_id: clientId, ...payload } = event.payload;
  const innerMs = typeof payload.event_ts === 'string' ? parseUtcTime(payload.event_ts) : payload.event_ts;
  const candidates = [event.event_ts, parseUtcTime(payload.deauthorization_time), innerMs];
  return { userId, accountId, clientId, atMs: pickEventTime(candidates, receivedAtMs) };
}
