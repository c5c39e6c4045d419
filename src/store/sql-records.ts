import type { RecordSpace } from './engine.ts';
import { highestKeyFrom } from './record-text.ts';
import type { Queries } from './sql-ledger.ts';
import type { KeptRecord, RecordChange, RecordQuery } from './store.ts';

/** Rows that one statement removes, so that none holds its locks for long. */
const rowsAtOnce = 1000;

/** Keys are ordered by their bytes whatever the database's collation: in UTF-8 as in Redis. */
export function recordTable(schema: string): string {
  return `
CREATE TABLE IF NOT EXISTS ${schema}.record (
  space text COLLATE "C", key text COLLATE "C", value text COLLATE "C" NOT NULL, tags text[] NOT NULL DEFAULT '{}',
  expires_at_ms bigint, PRIMARY KEY (space, key));
CREATE INDEX IF NOT EXISTS record_tags ON ${schema}.record USING gin (tags);
CREATE INDEX IF NOT EXISTS record_expiry ON ${schema}.record (space, expires_at_ms) WHERE expires_at_ms IS NOT NULL;`;
}

/** A space of records in the table of all spaces. */
export function openRecordTable(pool: () => Queries, schema: string, space: string, nowMs: () => number): RecordSpace {
  const table = `${schema}.record`;
  return {
    async read(key: string) {
      const text = `SELECT value FROM ${table} WHERE space = $1 AND ${isLive('$2')} AND key = $3`;
      const { rows } = await pool().query<{ value: string }>(text, [space, nowMs(), key]);
      return rows[0]?.value;
    },

    async swap(key: string, expected: string | undefined, next: RecordChange) {
      const params = [space, nowMs(), key, next.value, next.tags ?? [], next.expiresAtMs ?? null];
      const { rows } =
        expected === undefined
          ? await pool().query(
              `INSERT INTO ${table} AS held (space, key, value, tags, expires_at_ms) VALUES ($1, $3, $4, $5, $6)
                ON CONFLICT (space, key) DO UPDATE
                SET value = excluded.value, tags = excluded.tags, expires_at_ms = excluded.expires_at_ms
                WHERE held.expires_at_ms <= $2 RETURNING 1`,
              params,
            )
          : await pool().query(
              `UPDATE ${table} SET value = $4, tags = $5, expires_at_ms = $6
                WHERE space = $1 AND ${isLive('$2')} AND key = $3 AND value = $7 RETURNING 1`,
              [...params, expected],
            );
      return rows.length === 1;
    },

    async remove(key: string) {
      const text = `DELETE FROM ${table} WHERE space = $1 AND key = $3 RETURNING ${isLive('$2')} AS was_there`;
      const { rows } = await pool().query<{ was_there: boolean }>(text, [space, nowMs(), key]);
      return rows[0]?.was_there ?? false;
    },

    async list(query: RecordQuery) {
      const { where, params } = conditionsOf(query);
      const text = `SELECT key, value FROM ${table} WHERE space = $1 AND ${isLive('$2')} ${where}
        ORDER BY key DESC LIMIT $3`;
      return (await pool().query<KeptRecord>(text, [space, nowMs(), query.limit, ...params])).rows;
    },

    async forgetExpired() {
      const text = `WITH gone AS (
          DELETE FROM ${table} WHERE space = $1 AND expires_at_ms <= $2 AND key IN (
            SELECT key FROM ${table} WHERE space = $1 AND expires_at_ms <= $2 LIMIT ${rowsAtOnce}) RETURNING 1)
        SELECT count(*) AS removed FROM gone`;
      const expiredAtMs = nowMs();
      for (let removed = rowsAtOnce; removed === rowsAtOnce; ) {
        const { rows } = await pool().query<{ removed: string | number }>(text, [space, expiredAtMs]);
        removed = Number(rows[0]?.removed ?? 0);
      }
    },
  };
}

function isLive(now: string): string {
  return `(expires_at_ms IS NULL OR expires_at_ms > ${now})`;
}

/** What a query asks for beyond `$1` to `$3`; as few conditions as it has, so that each finds its index. */
function conditionsOf({ tag, prefix = '', before }: RecordQuery): { where: string; params: readonly string[] } {
  const conditions = [
    ...(tag === undefined ? [] : ([['tags @>', 'ARRAY[?]::text[]', tag]] as const)),
    ...(prefix === ''
      ? []
      : ([
          ['key >=', '?', prefix],
          ['key <=', '?', highestKeyFrom(prefix)],
        ] as const)),
    ...(before === undefined ? [] : ([['key <', '?', before]] as const)),
  ];
  return {
    where: conditions.map(([left, right], index) => `AND ${left} ${right.replace('?', `$${index + 4}`)}`).join(' '),
    params: conditions.map(([, , param]) => param),
  };
}
