import type { KeptDelivery, Whereabouts } from './kept-delivery.ts';
import { type JobRow, jobColumns, readJobRow, whereaboutsOf } from './sql-job-row.ts';
import type { Queries } from './sql-ledger.ts';

export async function readKeptDelivery(
  pool: Queries,
  queueSchema: string,
  queueName: string,
  id: string,
): Promise<KeptDelivery | undefined> {
  const text = `SELECT added_at_ms AS at, ${jobColumns('job')} FROM ${queueSchema}.job WHERE queue = $1 AND id = $2`;
  const { rows } = await pool.query<JobRow>(text, [queueName, id]);
  return rows[0] && readJobRow(rows[0]);
}

export async function locateDeliveries(
  pool: Queries,
  queueSchema: string,
  queueName: string,
  ids: readonly string[],
): Promise<readonly (Whereabouts | undefined)[]> {
  const text = `SELECT id, state, finished_at_ms FROM ${queueSchema}.job WHERE queue = $1 AND id = ANY($2::text[])`;
  const { rows } = await pool.query<JobRow>(text, [queueName, ids]);
  const found = new Map(rows.map((row) => [row.id, whereaboutsOf(row)]));
  return ids.map((id) => found.get(id));
}
