import type { Queries } from './sql-ledger.ts';

/** PostgreSQL gives bigints as text, PGlite as numbers. */
interface NextRow {
  readonly due_at_ms: string | number | null;
}

/**
 * One statement for all queues. Each part of it is answered by one of BullMQ's partial indexes, however much there is. A
 * hold is a rate limit with the number BullMQ's `rateLimit` gives it.
 *
 * @returns for each queue in how many milliseconds there is something to do
 */
export async function readNextWork(
  pool: Queries,
  queueSchema: string,
  queueNames: readonly string[],
  nowMs: number,
): Promise<readonly (number | undefined)[]> {
  const exists = (state: string): string => {
    return `EXISTS (SELECT 1 FROM ${queueSchema}.job WHERE queue = asked.queue AND state = '${state}')`;
  };
  const text = `
    SELECT CASE
      WHEN ${exists('active')} THEN 0
      WHEN EXISTS (SELECT 1 FROM ${queueSchema}.meta WHERE queue = asked.queue AND field = 'paused' AND value = '1') THEN NULL
      WHEN ${exists('waiting')} THEN coalesce(hold.expire_at_ms, 0)
      ELSE CASE WHEN delayed.due_at_ms IS NOT NULL THEN greatest(delayed.due_at_ms, hold.expire_at_ms) END
    END AS due_at_ms
    FROM unnest($1::text[]) WITH ORDINALITY AS asked (queue, position)
    LEFT JOIN LATERAL (
      SELECT process_at_ms AS due_at_ms FROM ${queueSchema}.job
      WHERE queue = asked.queue AND state = 'delayed' ORDER BY process_at_ms LIMIT 1
    ) AS delayed ON true
    LEFT JOIN ${queueSchema}.rate_limit AS hold ON hold.queue = asked.queue AND hold.points >= 9007199254740991
    ORDER BY asked.position`;
  const { rows } = await pool.query<NextRow>(text, [queueNames]);
  return rows.map(({ due_at_ms }) => (due_at_ms === null ? undefined : Number(due_at_ms) - nowMs));
}
