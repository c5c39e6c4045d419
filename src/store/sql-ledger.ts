import { dayMinutes, minuteMs } from './minutes.ts';
import type { IntakeAccount, QueueAccount } from './store.ts';

/**
 * The ledger of the SQL engines. Triggers on BullMQ's table count in the very transaction that adds, delivers or buries
 * a job, or puts it back: exact, and no round trip more. Minute 0 holds the totals. The other minutes tell what ended in
 * them, also of what was put back later.
 */
export function ledgerTables(schema: string, queueSchema: string): string {
  return `
CREATE TABLE IF NOT EXISTS ${schema}.ledger (
  queue text, minute bigint, accepted bigint NOT NULL DEFAULT 0, delivered bigint NOT NULL DEFAULT 0,
  dead bigint NOT NULL DEFAULT 0, PRIMARY KEY (queue, minute));
CREATE TABLE IF NOT EXISTS ${schema}.intake (
  app text, minute bigint, name text, count bigint NOT NULL, PRIMARY KEY (app, minute, name));

CREATE OR REPLACE FUNCTION ${schema}.this_minute() RETURNS bigint LANGUAGE sql AS
  $$ SELECT floor(extract(epoch FROM clock_timestamp()) / 60)::bigint $$;

CREATE OR REPLACE FUNCTION ${schema}.count_accepted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ${schema}.ledger AS l (queue, minute, accepted)
    SELECT n.queue, m.minute, count(*) FROM new_jobs n, (VALUES (0::bigint), (${schema}.this_minute())) AS m(minute)
    GROUP BY n.queue, m.minute ORDER BY n.queue, m.minute
    ON CONFLICT (queue, minute) DO UPDATE SET accepted = l.accepted + excluded.accepted;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION ${schema}.count_finished() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  delta_delivered bigint := (NEW.state = 'completed')::int - (OLD.state = 'completed')::int;
  delta_dead bigint := (NEW.state = 'failed')::int - (OLD.state = 'failed')::int;
BEGIN
  INSERT INTO ${schema}.ledger AS l (queue, minute, delivered, dead)
    VALUES (NEW.queue, 0, delta_delivered, delta_dead),
      (NEW.queue, ${schema}.this_minute(), greatest(delta_delivered, 0), greatest(delta_dead, 0))
    ON CONFLICT (queue, minute) DO UPDATE
      SET delivered = l.delivered + excluded.delivered, dead = l.dead + excluded.dead;
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER zoom_relay_accepted AFTER INSERT ON ${queueSchema}.job
  REFERENCING NEW TABLE AS new_jobs FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.count_accepted();
CREATE OR REPLACE TRIGGER zoom_relay_finished AFTER UPDATE OF state ON ${queueSchema}.job FOR EACH ROW
  WHEN ((NEW.state IN ('completed', 'failed') OR OLD.state IN ('completed', 'failed')) AND NEW.state <> OLD.state)
  EXECUTE FUNCTION ${schema}.count_finished();`;
}

/** What of a pool is used here. */
export interface Queries {
  query<Row>(text: string, params: readonly unknown[]): Promise<{ rows: Row[] }>;
}

type LedgerRow = Record<'minute' | 'accepted' | 'delivered' | 'dead' | 'pending', string | number>;

/** One statement, so that the ledger and the queue are seen at the same moment. */
export async function readQueueAccount(
  pool: Queries,
  schema: string,
  queueSchema: string,
  queueName: string,
  nowMs: number,
): Promise<QueueAccount> {
  const text = `
    SELECT coalesce(l.minute, 0) AS minute, coalesce(l.accepted, 0) AS accepted, coalesce(l.delivered, 0) AS delivered,
      coalesce(l.dead, 0) AS dead, p.pending
    FROM (SELECT count(*) AS pending FROM ${queueSchema}.job
          WHERE queue = $1 AND state NOT IN ('completed', 'failed')) AS p
    LEFT JOIN ${schema}.ledger l ON l.queue = $1 AND (l.minute = 0 OR l.minute > $2)
    ORDER BY 1`;
  const { rows } = await pool.query<LedgerRow>(text, [queueName, Math.floor(nowMs / minuteMs) - dayMinutes]);
  const [total, ...minutes] = rows.map((row) => ({
    atMs: Number(row.minute) * minuteMs,
    accepted: Number(row.accepted),
    delivered: Number(row.delivered),
    dead: Number(row.dead),
    pending: Number(row.pending),
  }));
  const { accepted = 0, delivered = 0, dead = 0, pending = 0 } = total ?? {};
  const perMinute = minutes.map(({ pending: _pending, ...minute }) => minute);
  return { accepted, delivered, dead, pending, minutes: perMinute };
}

export async function countIntake(
  pool: Queries,
  schema: string,
  app: string,
  counts: Readonly<Record<string, number>>,
): Promise<void> {
  const text = `
    INSERT INTO ${schema}.intake AS i (app, minute, name, count)
    SELECT $1, m.minute, c.name, c.count
    FROM unnest($2::text[], $3::bigint[]) AS c(name, count), (VALUES (0::bigint), (${schema}.this_minute())) AS m(minute)
    ORDER BY 2, 3
    ON CONFLICT (app, minute, name) DO UPDATE SET count = i.count + excluded.count`;
  await pool.query(text, [app, Object.keys(counts), Object.values(counts)]);
}

type IntakeRow = { minute: string | number; name: string; count: string | number };

export async function readIntake(pool: Queries, schema: string, app: string, nowMs: number): Promise<IntakeAccount> {
  const text = `SELECT minute, name, count FROM ${schema}.intake
    WHERE app = $1 AND (minute = 0 OR minute > $2) ORDER BY minute`;
  const { rows } = await pool.query<IntakeRow>(text, [app, Math.floor(nowMs / minuteMs) - dayMinutes]);
  const minutes = new Map<number, Record<string, number>>();
  for (const { minute, name, count } of rows) {
    minutes.set(Number(minute), { ...minutes.get(Number(minute)), [name]: Number(count) });
  }
  const { 0: totals = {} } = Object.fromEntries(minutes);
  minutes.delete(0);
  return { totals, minutes: [...minutes].map(([minute, counts]) => ({ atMs: minute * minuteMs, counts })) };
}

/** Removes the minutes that are older than a day. */
export async function forgetOldMinutes(pool: Queries, schema: string, nowMs: number): Promise<void> {
  const oldest = Math.floor(nowMs / minuteMs) - dayMinutes;
  for (const table of ['ledger', 'intake']) {
    await pool.query(`DELETE FROM ${schema}.${table} WHERE minute > 0 AND minute <= $1`, [oldest]);
  }
}
