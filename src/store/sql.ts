import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { createPostgresBackend, runMigrations, withBackend } from 'bullmq';
import { RelayError } from '../errors.ts';
import { describeError } from '../log.ts';
import type { BullQueue, BullQueueOptions, BullWorkerOptions, DeliveryProcessor, Engine, NewJob } from './engine.ts';
import { embeddedFindings, judgePostgres } from './findings.ts';
import type { DeliveryQuery, NewReplayMark } from './kept-delivery.ts';
import type { SharedListener } from './shared-listener.ts';
import { locateDeliveries, readKeptDelivery } from './sql-deliveries.ts';
import { countIntake, forgetOldMinutes, ledgerTables, readIntake, readQueueAccount } from './sql-ledger.ts';
import { readNextWork } from './sql-next-work.ts';
import { readQueueState } from './sql-queue-state.ts';
import { openRecordTable, recordTable } from './sql-records.ts';
import { replayDelivery, replayFunction } from './sql-replay.ts';
import { removeExpired } from './sql-retention.ts';
import { scanDeliveries, searchIndex } from './sql-search.ts';
import type { EngineName, Retention, SharedText } from './store.ts';

const { Queue, Worker } = withBackend(createPostgresBackend);

/** What BullMQ's PostgreSQL backend takes as a connection. */
export type SqlPool = Parameters<typeof createPostgresBackend>[1] extends { connection: infer Connection }
  ? Extract<Connection, { query: unknown; connect: unknown }>
  : never;

/** The schema of BullMQ's tables. Connections of the pools must have it as their `search_path`. */
export const queueSchema = 'bullmq';

const judgedSettings = ['server_version_num', 'server_version', 'synchronous_commit', 'fsync'];

/** What the relay keeps besides BullMQ's tables. */
const ownSchema = 'zoom_relay';
const ownTables = `
CREATE SCHEMA IF NOT EXISTS ${ownSchema};
CREATE TABLE IF NOT EXISTS ${ownSchema}.shared_text (key text PRIMARY KEY, value text NOT NULL);
${ledgerTables(ownSchema, queueSchema)}
${recordTable(ownSchema)}
${searchIndex(queueSchema)}
${replayFunction(ownSchema, queueSchema)}`;

/** Where no other process can be at work, what was active when the last one was killed need not wait for its lock. */
const releaseActive = `
UPDATE ${queueSchema}.job SET state = 'waiting', lock_token = NULL, locked_until_ms = NULL, stalled_marked = false
WHERE state = 'active'`;

export interface SqlPools {
  /** Only for adding: nothing blocks on it. */
  readonly adding: SqlPool;
  /** Shared by the workers, each of which takes one client for LISTEN, unless there is a listener. */
  readonly working: SqlPool;
  /** Where there are too many workers for that. */
  readonly listener?: SharedListener;
  close(): Promise<void>;
}

/** BullMQ's PostgreSQL backend over whatever looks like a pool: a server through `pg`, or PGlite in the process. */
export function createSqlEngine(name: EngineName, openPools: () => Promise<SqlPools>): Engine {
  let opening: Promise<SqlPools> | undefined;
  let pools: SqlPools | undefined;
  let obstacle: string | undefined = 'not connected yet';

  return {
    name,
    batchesInFlight: 1,
    removesAsJobsFinish: false,
    removeExpired: (queueName: string, retention: Retention, nowMs: number) => {
      return removeExpired(connected().working, queueSchema, queueName, retention, nowMs);
    },

    async connect() {
      try {
        opening ??= openPools();
        pools = await opening;
        await prepareSchema(pools.adding, name === 'embedded');
        obstacle = undefined;
      } catch (error) {
        if (pools === undefined) opening = undefined;
        obstacle = describeError(error).message;
        throw error;
      }
    },

    obstacle: () => obstacle,

    openQueue(queueName: string, options: BullQueueOptions) {
      return new Queue(queueName, { ...options, connection: connected().adding });
    },

    openWorker(queueName: string, processor: DeliveryProcessor, options: BullWorkerOptions) {
      return new Worker(queueName, processor, { ...options, connection: lendPool(connected()) });
    },

    nextWork: (queueNames: readonly string[]) => {
      return readNextWork(connected().working, queueSchema, queueNames, Date.now());
    },

    async announce() {}, // BullMQ's functions do, in the transaction that puts it there

    hear(onAnnounced: (queueName: string) => void, onError: (error: unknown) => void) {
      void connected().listener?.hear(onAnnounced, onError); // an embedded store has no other process
    },

    async add(queue: BullQueue, queueName: string, jobs: readonly NewJob[]) {
      // BullMQ folds a job whose id is there and does not say so: a nonce in the name shows whose job was stored.
      const named = jobs.map((job) => ({ ...job, name: `${job.label}#${randomBytes(6).toString('base64url')}` }));
      const adds = named.map(({ id, name: jobName, data }) => ({ name: jobName, data, opts: { jobId: id } }));
      await retryDeadlock(() => queue.addBulk(adds));
      const text = `SELECT id, name FROM ${queueSchema}.job WHERE queue = $1 AND id = ANY($2::text[])`;
      const ids = jobs.map(({ id }) => id);
      const { rows } = await connected().adding.query<{ id: string; name: string }>(text, [queueName, ids]);
      const stored = new Map(rows.map((row) => [row.id, row.name]));
      return named.map(({ id, name: jobName }) => {
        const storedName = stored.get(id);
        if (storedName !== undefined) return storedName === jobName;
        // Removed by retention within this very moment: Zoom sends it again, it folds.
        throw new RelayError('store_unavailable', 'a delivery was not found after adding it');
      });
    },

    account: (queueName: string) => {
      return readQueueAccount(connected().adding, ownSchema, queueSchema, queueName, Date.now());
    },

    queueState: (queueName: string) => readQueueState(connected().adding, queueSchema, queueName),

    scan: (queueName: string, query: DeliveryQuery) => {
      return scanDeliveries(connected().working, queueSchema, queueName, query);
    },

    delivery: (queueName: string, id: string) => readKeptDelivery(connected().working, queueSchema, queueName, id),

    whereabouts: (queueName: string, ids: readonly string[]) => {
      return locateDeliveries(connected().working, queueSchema, queueName, ids);
    },

    replay: (queueName: string, id: string, mark: NewReplayMark, isForced: boolean) => {
      return replayDelivery(connected().working, ownSchema, queueName, id, mark, isForced);
    },

    async recount() {}, // counted by the transaction that adds

    countIntake: (app: string, counts: Readonly<Record<string, number>>) => {
      return countIntake(connected().adding, ownSchema, app, counts);
    },

    intake: (app: string) => readIntake(connected().adding, ownSchema, app, Date.now()),

    forgetOldMinutes: () => forgetOldMinutes(connected().adding, ownSchema, Date.now()),

    sharedText: (queueName: string, name: string) => sharedText(() => connected().working, `${queueName}:${name}`),

    records: (space: string) => openRecordTable(() => connected().working, ownSchema, space, Date.now),

    async inspect() {
      if (name === 'embedded') return embeddedFindings;
      const text = 'SELECT name, setting FROM pg_settings WHERE name = ANY($1::text[])';
      const { rows } = await connected().adding.query<{ name: string; setting: string }>(text, [judgedSettings]);
      return judgePostgres(new Map(rows.map((row) => [row.name, row.setting])));
    },

    async ping() {
      await connected().adding.query('SELECT 1');
    },

    async probeWrite() {
      const text = `INSERT INTO ${ownSchema}.shared_text (key, value) VALUES ('probe', $1)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value`;
      await connected().adding.query(text, [String(Date.now())]);
    },

    // A query that times out takes its connection with it, see `postgres.ts`.
    reset() {},

    async close() {
      await (await opening?.catch(() => undefined))?.close(); // also when it is still being opened
    },
  };

  function connected(): SqlPools {
    if (pools === undefined) throw new RelayError('store_unavailable', `${name} store is not connected yet`);
    return pools;
  }
}

/** BullMQ listens for errors of a pool and never stops: each worker gets one of its own, over the one there is. */
function lendPool({ working, listener }: SqlPools): SqlPool {
  const lent = {
    options: 'options' in working ? working.options : undefined, // it asks for keepAlive
    query: (text: string, params?: readonly unknown[]) => working.query(text, params),
    connect: () => listener?.connect() ?? working.connect(),
    end: async () => {},
  };
  return Object.assign(new EventEmitter(), lent) as SqlPool;
}

/** Creates or migrates BullMQ's tables; a lock in the database lets one process at a time do it. */
async function prepareSchema(pool: SqlPool, isAlone: boolean): Promise<void> {
  const client = await pool.connect();
  try {
    const { rows } = await client.query<{ server_encoding: string }>('SHOW server_encoding');
    if (rows[0]?.server_encoding !== 'UTF8') {
      throw new RelayError(
        'store_unsupported',
        `the PostgreSQL database has encoding ${rows[0]?.server_encoding}; it must be UTF8 to keep every body (CREATE DATABASE … ENCODING 'UTF8')`,
      );
    }
    await runMigrations(client, queueSchema);
    await prepareOwnTables(client);
    // A server's autovacuum keeps statistics; PGlite has none of that.
    if (isAlone) await client.query(`${releaseActive}; ANALYZE ${queueSchema}.job`);
  } finally {
    client.release();
  }
}

const deadlockDetected = '40P01';
const deadlockRetries = 3;

/** Two writers that add the same ids in opposite order lock each other out; PostgreSQL lets one of them try again. */
async function retryDeadlock(add: () => Promise<unknown>): Promise<void> {
  for (let retries = 0; ; retries += 1) {
    try {
      await add();
      return;
    } catch (error) {
      const isDeadlock = error instanceof Error && 'code' in error && error.code === deadlockDetected;
      if (!isDeadlock || retries === deadlockRetries) throw error;
    }
  }
}

/** Changes with `ownTables`, so that a start on tables that are up to date takes no locks. */
const ownVersion = '3';
const ownLock = 0x7a6f6f6d; // 'zoom'

async function prepareOwnTables(client: Pick<SqlPool, 'query'>): Promise<void> {
  const known = `SELECT value FROM ${ownSchema}.shared_text WHERE key = 'tables'`;
  const { rows } = await client.query<{ value: string }>(known).catch(() => ({ rows: [] }));
  if (rows[0]?.value === ownVersion) return;
  // Several statements in one query are one transaction, which ends with them whether they succeed or fail.
  await client.query(`
    SELECT pg_advisory_xact_lock(${ownLock}); ${ownTables}
    INSERT INTO ${ownSchema}.shared_text (key, value) VALUES ('tables', '${ownVersion}')
      ON CONFLICT (key) DO UPDATE SET value = excluded.value`);
}

function sharedText(pool: () => SqlPool, key: string): SharedText {
  const table = `${ownSchema}.shared_text`;
  return {
    async read() {
      const { rows } = await pool().query<{ value: string }>(`SELECT value FROM ${table} WHERE key = $1`, [key]);
      return rows[0]?.value;
    },
    async swap(expected, next) {
      const [text, params] =
        expected === undefined
          ? [`INSERT INTO ${table} (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING key`, [key, next]]
          : [`UPDATE ${table} SET value = $2 WHERE key = $1 AND value = $3 RETURNING key`, [key, next, expected]];
      return (await pool().query(text, params)).rows.length === 1;
    },
  };
}
