import type { Queries } from './sql-ledger.ts';
import type { Retention } from './store.ts';

/** Rows that one statement removes, so that none holds its locks for long. */
const rowsAtOnce = 10_000;

/** Removes finished jobs past their retention; never one that is waiting, delayed or active. */
export async function removeExpired(
  pool: Queries,
  queueSchema: string,
  queueName: string,
  retention: Retention,
  nowMs: number,
): Promise<void> {
  const older = (state: string, beforeMs: number) => ({
    where: `state = '${state}' AND finished_at_ms < $2 ORDER BY finished_at_ms LIMIT ${rowsAtOnce}`,
    param: beforeMs,
  });
  const surplus = {
    where: `state = 'completed' ORDER BY finished_at_ms DESC OFFSET $2 LIMIT ${rowsAtOnce}`,
    param: retention.retainDeliveredCount,
  };
  const expired = [
    older('completed', nowMs - retention.retainDeliveredMs),
    older('failed', nowMs - retention.retainDeadMs),
    surplus,
  ];
  for (const { where, param } of expired) {
    const text = `WITH gone AS (
        DELETE FROM ${queueSchema}.job WHERE queue = $1 AND state IN ('completed', 'failed')
          AND id IN (SELECT id FROM ${queueSchema}.job WHERE queue = $1 AND ${where}) RETURNING 1)
      SELECT count(*) AS removed FROM gone`;
    for (let removed = rowsAtOnce; removed === rowsAtOnce; ) {
      const { rows } = await pool.query<{ removed: string | number }>(text, [queueName, param]);
      removed = Number(rows[0]?.removed ?? 0);
    }
  }
}
