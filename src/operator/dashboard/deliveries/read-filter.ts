import { type DeliveryFilter, deliveryFilter } from '../../schemas.ts';

export const filterNames = ['app', 'consumer', 'state', 'event', 'since', 'until', 'q'] as const;
export type FilterName = (typeof filterNames)[number];

export interface ReadFilter {
  /** As it was typed, to be shown again. */
  readonly given: Readonly<Partial<Record<FilterName, string>>>;
  /** Without the fields that have a problem. */
  readonly filter: DeliveryFilter;
  /** What each wrong field must be. */
  readonly problems: Readonly<Partial<Record<FilterName, string>>>;
}

/** Reads a filter from the query of a form. Times without a zone are UTC, and a date begins at midnight. */
export function readFilter(query: Readonly<Record<string, string>>): ReadFilter {
  const given: Partial<Record<FilterName, string>> = {};
  const filter: DeliveryFilter = {};
  const problems: Partial<Record<FilterName, string>> = {};
  for (const name of filterNames) {
    const text = query[name];
    if (text === undefined) continue;
    given[name] = text;
    const parsed = deliveryFilter.safeParse({ [name]: name === 'since' || name === 'until' ? withZone(text) : text });
    if (parsed.success) Object.assign(filter, parsed.data);
    else problems[name] = problemOf(name, parsed.error.issues[0]?.message);
  }
  return { given, filter, problems };
}

/** `2026-11-18`, `2026-11-18 08:00` → in ISO 8601 and UTC; other texts as they are. */
function withZone(text: string): string {
  const [, date, time, seconds] =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2})?)?(?: ?(?:Z|UTC))?$/.exec(text) ?? [];
  return date === undefined ? text : `${date}T${time ?? '00:00'}${seconds ?? ':00'}Z`;
}

function problemOf(name: FilterName, message: string | undefined): string {
  if (name === 'since' || name === 'until')
    return 'must be how long ago (30m, 24h, 7d) or a time (2026-11-18 08:00, UTC)';
  return message ?? 'is not what it must be';
}
