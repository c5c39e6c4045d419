import type { Queries } from './sql-ledger.ts';
import type { QueueState } from './store.ts';

/** PostgreSQL gives counts and bigints as text, PGlite as numbers. */
type StateRow = Record<'waiting' | 'delayed' | 'active' | 'delivered' | 'dead', string | number> & {
  readonly oldest: string | number | null;
  readonly is_paused: boolean;
};

/** One statement, so that all is seen at the same moment; a part for each state, because BullMQ's indexes are partial. */
export async function readQueueState(pool: Queries, queueSchema: string, queueName: string): Promise<QueueState> {
  const pending = (state: string): string => {
    return `(SELECT count(*), min(added_at_ms) AS oldest FROM ${queueSchema}.job
      WHERE queue = $1 AND state = '${state}') AS ${state}`;
  };
  const finished = (state: string): string => {
    return `(SELECT count(*) FROM ${queueSchema}.job WHERE queue = $1 AND state = '${state}')`;
  };
  const text = `
    SELECT waiting.count AS waiting, delayed.count AS delayed, active.count AS active,
      ${finished('completed')} AS delivered, ${finished('failed')} AS dead,
      least(waiting.oldest, delayed.oldest, active.oldest) AS oldest,
      EXISTS (SELECT 1 FROM ${queueSchema}.meta WHERE queue = $1 AND field = 'paused' AND value = '1') AS is_paused
    FROM ${pending('waiting')}, ${pending('delayed')}, ${pending('active')}`;
  const { rows } = await pool.query<StateRow>(text, [queueName]);
  const [row] = rows;
  return {
    waiting: Number(row?.waiting ?? 0),
    delayed: Number(row?.delayed ?? 0),
    active: Number(row?.active ?? 0),
    delivered: Number(row?.delivered ?? 0),
    dead: Number(row?.dead ?? 0),
    isPaused: row?.is_paused ?? false,
    oldestPendingAtMs: typeof row?.oldest === 'undefined' || row.oldest === null ? undefined : Number(row.oldest),
  };
}
