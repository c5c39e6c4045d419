import type { Context } from 'hono';
import type { RecallApiSettings } from './settings.ts';

export interface Filter<T> {
  /** What the value must look like. */
  readonly pattern: RegExp;
  matches(item: T, value: string): boolean;
}

export interface Listing<T> {
  readonly items: Iterable<T>;
  readonly filters: Readonly<Record<string, Filter<T>>>;
  /** What `ordering` may name: the time that is shown. */
  readonly timeField: 'created_at' | 'synced_at';
  readonly render: (item: T) => unknown;
}

interface Item {
  readonly seq: number;
  readonly atMs: number;
}

const time = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/;
export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
export const anything = /./s;

/** One page, the newest first unless `ordering` says otherwise. A parameter that is not documented is refused. */
export function listPage<T extends Item>(c: Context, settings: RecallApiSettings, listing: Listing<T>): Response {
  const { timeField, render } = listing;
  const { ordering = `-${timeField}`, cursor, ...values } = c.req.query();
  if (ordering !== timeField && ordering !== `-${timeField}`) return refuse(c, 'ordering', 'Select a valid choice.');
  const filters: Readonly<Record<string, Filter<T>>> = { ...listing.filters, ...timeFilters(timeField) };
  for (const [name, value] of Object.entries(values)) {
    const filter = filters[name];
    if (filter === undefined) return refuse(c, name, 'There is no such filter.');
    if (!filter.pattern.test(value)) return refuse(c, name, 'Enter a valid value.');
  }
  const matching = [...listing.items].filter((item) => {
    return Object.entries(values).every(([name, value]) => filters[name]?.matches(item, value));
  });
  const direction = ordering.startsWith('-') ? -1 : 1;
  const ordered = matching.toSorted((a, b) => direction * (a.seq - b.seq));
  const afterSeq = cursor === undefined ? undefined : readCursor(cursor);
  if (afterSeq === null) return c.json({ detail: 'Invalid cursor' }, 404);
  const rest = ordered.filter(({ seq }) => afterSeq === undefined || direction * (seq - afterSeq) > 0);
  const page = rest.slice(0, settings.pageSize);
  const last = rest.length > page.length ? page.at(-1) : undefined;
  const next = last === undefined ? null : linkTo(c, settings, last.seq);
  return c.json({ next, previous: null, results: page.map(render) });
}

function timeFilters<T extends Item>(timeField: string): Readonly<Record<string, Filter<T>>> {
  return {
    [`${timeField}_after`]: { pattern: time, matches: ({ atMs }, value) => atMs >= Date.parse(value) },
    [`${timeField}_before`]: { pattern: time, matches: ({ atMs }, value) => atMs <= Date.parse(value) },
  };
}

function linkTo(c: Context, { linkOrigin }: RecallApiSettings, seq: number): string {
  const { pathname, searchParams, origin } = new URL(c.req.url);
  const link = new URL(pathname, linkOrigin ?? origin);
  link.search = searchParams.toString();
  link.searchParams.set('cursor', Buffer.from(`p=${seq}`).toString('base64'));
  return link.href;
}

function readCursor(cursor: string): number | null {
  const seq = /^p=(\d+)$/.exec(Buffer.from(cursor, 'base64').toString('latin1'))?.[1];
  return seq === undefined ? null : Number(seq);
}

function refuse(c: Context, field: string, message: string): Response {
  return c.json({ [field]: [message] }, 400);
}
