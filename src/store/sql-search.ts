import type { DeliveryPage, DeliveryQuery, DeliveryState } from './kept-delivery.ts';
import { cursorOf, parseCursor } from './position.ts';
import { searchTexts } from './search-texts.ts';
import { type JobRow, jobColumns, readJobRow } from './sql-job-row.ts';
import type { Queries } from './sql-ledger.ts';

/** Rows that one statement looks at when there is something to look for: a text is rare, anything else soon found. */
const searchedAtOnce = 20_000;
const filteredAtOnce = 5000;

/** BullMQ's indexes order jobs by when they ended, and none by when they were added. */
export function searchIndex(queueSchema: string): string {
  return `CREATE INDEX IF NOT EXISTS zoom_relay_added ON ${queueSchema}.job (queue, added_at_ms, id);`;
}

/** A summary of what was looked at in each row, and a job in it if there is one. */
type ScanRow = JobRow & {
  /** Up to one more than were looked at, which tells that there are more. */
  readonly seen: string | number;
  readonly last_at: string | number | null;
  readonly last_id: string | null;
  /** From 1; null when nothing was found. */
  readonly n: string | number | null;
};

/**
 * One step of a search: a window of rows in the order of an index, and what passes in it. Whatever is looked for, no more
 * than the window is read.
 *
 * @throws RelayError `cursor_invalid`
 */
export async function scanDeliveries(
  pool: Queries,
  queueSchema: string,
  queueName: string,
  query: DeliveryQuery,
): Promise<DeliveryPage> {
  const params = new Params(queueName);
  const filters = filtersOf(query, params);
  const windowSize = filters.length === 0 ? query.limit : query.text ? searchedAtOnce : filteredAtOnce;
  const { rows } = await pool.query<ScanRow>(scanOf(queueSchema, query, filters, windowSize, params), params.values);
  const [summary] = rows;
  const hits = rows.filter(({ n }) => n !== null);
  const last = hits.length === query.limit ? hits.at(-1) : undefined;
  const seen = Number(summary?.seen ?? 0);
  const lookedAt = last === undefined ? Math.min(seen, windowSize) : Number(last.n);
  const end = last ?? { at: summary?.last_at, id: summary?.last_id };
  return {
    deliveries: hits.map(readJobRow),
    lookedAt,
    ...(seen > lookedAt && { cursor: cursorOf({ atMs: String(end.at), id: String(end.id) }) }),
  };
}

/** Rows come in the order of the index as long as PostgreSQL has statistics; without, it sorts all of the queue. */
function scanOf(
  queueSchema: string,
  query: DeliveryQuery,
  filters: readonly string[],
  windowSize: number,
  params: Params,
): string {
  const at = timeOf(query);
  const direction = query.order === 'newest' ? 'DESC' : 'ASC';
  return `
    WITH seen AS MATERIALIZED (
      SELECT id, at, row_number() OVER () AS n, ${filters.length === 0 ? 'true' : filters.join(' AND ')} AS hit
      FROM (SELECT *, ${at} AS at FROM ${queueSchema}.job WHERE ${boundsOf(query, params).join(' AND ')}
        ORDER BY ${at} ${direction}, id ${direction} LIMIT ${windowSize + 1}) AS around),
    hits AS MATERIALIZED (
      SELECT id, at, n FROM seen WHERE hit AND n <= ${windowSize} ORDER BY n LIMIT ${params.add(query.limit)})
    SELECT summary.*, hits.at, hits.n, ${jobColumns('j', query.isBrief)}
    FROM (SELECT (SELECT count(*) FROM seen) AS seen, last.at AS last_at, last.id AS last_id
          FROM (SELECT 1) AS one LEFT JOIN (SELECT * FROM seen WHERE n <= ${windowSize} ORDER BY n DESC LIMIT 1) AS last ON true)
      AS summary
    LEFT JOIN (hits JOIN ${queueSchema}.job j ON j.queue = $1 AND j.id = hits.id) ON true
    ORDER BY hits.n`;
}

const sqlStates: Readonly<Record<DeliveryState, string>> = {
  waiting: 'waiting',
  delayed: 'delayed',
  active: 'active',
  delivered: 'completed',
  dead: 'failed',
};

/** What the list goes by. */
function timeOf({ state }: DeliveryQuery): 'finished_at_ms' | 'added_at_ms' {
  return state === 'delivered' || state === 'dead' ? 'finished_at_ms' : 'added_at_ms';
}

/** Where the window may lie: what an index can tell. */
function boundsOf(query: DeliveryQuery, params: Params): readonly string[] {
  const { state, sinceMs, untilMs, endedBeforeMs, cursor } = query;
  const at = timeOf(query);
  const isByEnd = at === 'finished_at_ms';
  const [low, high] = isByEnd ? [undefined, endedBeforeMs] : [sinceMs, untilMs];
  const position = cursor === undefined ? undefined : parseCursor(cursor);
  return [
    'queue = $1',
    // As a literal, so that partial indexes are found.
    ...(state === undefined ? [] : [`state = '${sqlStates[state]}'`]),
    ...(low === undefined ? [] : [`${at} >= ${params.add(low)}::bigint`]),
    ...(high === undefined ? [] : [`${at} < ${params.add(high)}::bigint`]),
    ...(position === undefined
      ? []
      : [
          `(${at}, id) ${query.order === 'newest' ? '<' : '>'} (${params.add(position.atMs)}::bigint, ${params.add(position.id)}::text)`,
        ]),
  ];
}

/** What each row in the window has to be asked. */
function filtersOf(query: DeliveryQuery, params: Params): readonly string[] {
  const { event = '*', sinceMs, untilMs, endedBeforeMs, text } = query;
  const isByEnd = timeOf(query) === 'finished_at_ms';
  const texts = searchTexts(text).flatMap(({ raw, ticked, escaped }) => {
    const [rawParam, escapedParam] = [params.add(raw), params.add(escaped)];
    return [
      standsIn1(rawParam, escapedParam),
      standsInBody2('1', rawParam),
      standsInHeaders2(rawParam, escapedParam),
      ...(ticked === undefined ? [] : [standsInBody2('0', params.add(ticked))]),
    ];
  });
  return [
    ...(event === '*' ? [] : [eventFilter(event, params)]),
    ...(isByEnd && sinceMs !== undefined ? [`added_at_ms >= ${params.add(sinceMs)}::bigint`] : []),
    ...(isByEnd && untilMs !== undefined ? [`added_at_ms < ${params.add(untilMs)}::bigint`] : []),
    ...(isByEnd || endedBeforeMs === undefined
      ? []
      : [`coalesce(finished_at_ms < ${params.add(endedBeforeMs)}::bigint, false)`]),
    ...(texts.length === 0 ? [] : [`(${texts.join(' OR ')})`]),
  ];
}

/** The name of a job is its label and a nonce, see `sql.ts`. */
function eventFilter(event: string, params: Params): string {
  if (event.endsWith('*')) return `starts_with(name, ${params.add(event.slice(0, -1))}::text)`;
  return `split_part(name, '#', 1) = ${params.add(event)}::text`;
}

/** Job data of version 1. In the headers as JSON first, which is quick; what is found there may be the name of a header. */
function standsIn1(raw: string, escaped: string): string {
  return `coalesce(strpos(data->>'text', ${raw}::text) > 0, false)
    OR coalesce(strpos((data->'headers')::text, ${escaped}::text) > 0, false) AND EXISTS (
      SELECT 1 FROM jsonb_each_text(CASE jsonb_typeof(data->'headers') WHEN 'object' THEN data->'headers' ELSE '{}' END)
        AS header WHERE strpos(header.value, ${raw}::text) > 0)`;
}

/** @param form as a literal, see `stored-delivery.ts` */
function standsInBody2(form: '0' | '1', wanted: string): string {
  return `coalesce(data->>1 = '${form}' AND strpos(data->>5, ${wanted}::text) > 0, false)`;
}

function standsInHeaders2(raw: string, escaped: string): string {
  return `coalesce(strpos((data->4)::text, ${escaped}::text) > 0, false) AND EXISTS (
      SELECT 1 FROM jsonb_array_elements_text(CASE jsonb_typeof(data->4) WHEN 'array' THEN data->4 ELSE '[]' END)
        AS header WHERE strpos(header, ${raw}::text) > 0)`;
}

/** The parameters of a statement, numbered as they are added; `$1` is the queue. */
class Params {
  readonly values: (string | number)[];

  constructor(queueName: string) {
    this.values = [queueName];
  }

  /** What stands for the value. */
  add(value: string | number): string {
    return `$${this.values.push(value)}`;
  }
}
