import type { EventLook } from './event.ts';

/** When Zoom says that the event happened: `event_ts`, epoch milliseconds; `undefined` when the body says none. */
export function readEventTimestamp({ parsed }: EventLook): number | undefined {
  const told = typeof parsed === 'object' && parsed !== null && 'event_ts' in parsed ? parsed.event_ts : undefined;
  return typeof told === 'number' && Number.isFinite(told) && told > 0 ? told : undefined;
}
