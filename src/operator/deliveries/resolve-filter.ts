import { parseEventPattern } from '../../delivery/event-pattern.ts';
import { parseDuration } from '../../duration.ts';
import type { ConsumerName, DeliveryQuery } from '../ports.ts';
import type { DeliveryFilter } from '../schemas.ts';

/** A filter whose times are points in time, so that it means the same tomorrow. */
export function resolveFilter(filter: DeliveryFilter, nowMs: number): DeliveryFilter {
  const { since, until } = filter;
  return {
    ...filter,
    ...(since !== undefined && { since: instantOf(since, nowMs) }),
    ...(until !== undefined && { until: instantOf(until, nowMs) }),
  };
}

/** @param filter resolved */
export function queryOf(filter: DeliveryFilter): Pick<DeliveryQuery, 'state' | 'event' | 'sinceMs' | 'untilMs'> {
  const event = filter.event === undefined ? undefined : parseEventPattern(filter.event);
  return {
    ...(filter.state !== undefined && { state: filter.state }),
    ...(event !== undefined && { event }),
    ...(filter.since !== undefined && { sinceMs: Date.parse(filter.since) }),
    ...(filter.until !== undefined && { untilMs: Date.parse(filter.until) }),
  };
}

/** The consumers a filter means. */
export function consumersOf(filter: DeliveryFilter, consumers: readonly ConsumerName[]): readonly ConsumerName[] {
  return consumers.filter(({ app, consumer }) => {
    return (filter.app ?? app) === app && (filter.consumer ?? consumer) === consumer;
  });
}

function instantOf(text: string, nowMs: number): string {
  const ago = parseDuration(text);
  return new Date(ago === undefined ? Date.parse(text) : nowMs - ago).toISOString();
}
