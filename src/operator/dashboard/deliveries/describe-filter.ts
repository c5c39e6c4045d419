import type { DeliveryState } from '../../ports.ts';
import type { DeliveryFilter } from '../../schemas.ts';

const states: Readonly<Record<DeliveryState, string>> = {
  waiting: 'Waiting deliveries',
  delayed: 'Deliveries delayed until their next attempt',
  active: 'Deliveries being attempted',
  delivered: 'Deliveries that arrived',
  dead: 'Dead deliveries',
};

/** A filter in words: `Dead deliveries to recall, meeting.created, received since 2026-11-18 08:00:00 UTC`. No full stop. */
export function describeFilter({ app, consumer, state, event, since, until, q }: DeliveryFilter): string {
  const what = state === undefined ? 'All deliveries' : states[state];
  const whom = [...(consumer === undefined ? [] : [`to ${consumer}`]), ...(app === undefined ? [] : [`of app ${app}`])];
  return [
    [what, ...whom].join(' '),
    ...(event === undefined || event === '*' ? [] : [event]),
    ...(since === undefined ? [] : [`received ${sinceWords(since)}`]),
    ...(until === undefined ? [] : [`received ${untilWords(until)}`]),
    ...(q === undefined ? [] : [`about “${q}”`]),
  ].join(', ');
}

function sinceWords(text: string): string {
  return isAgo(text) ? `in the last ${text}` : `since ${timeWords(text)}`;
}

function untilWords(text: string): string {
  return isAgo(text) ? `over ${text} ago` : `before ${timeWords(text)}`;
}

function isAgo(text: string): boolean {
  return /^\d+[smhd]$/.test(text);
}

function timeWords(text: string): string {
  return `${new Date(text).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
