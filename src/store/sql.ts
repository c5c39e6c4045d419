import { createPostgresBackend, runMigrations, withBackend } from 'bullmq';
import { RelayError } from '../errors.ts';
import { describeError } from '../log.ts';
import type { BullQueue, BullQueueOptions, BullWorkerOptions, DeliveryProcessor, Engine } from './engine.ts';
import type { EngineName } from './store.ts';

const { Queue, Worker } = withBackend(createPostgresBackend);

/** What BullMQ's PostgreSQL backend takes as a connection. */
export type SqlPool = Parameters<typeof createPostgresBackend>[1] extends { connection: infer Connection }
  ? Extract<Connection, { query: unknown; connect: unknown }>
  : never;

/** The schema of BullMQ's tables. Connections of the pools must have it as their `search_path`. */
export const queueSchema = 'bullmq';

export interface SqlPools {
  /** Only for adding: nothing blocks on it. */
  readonly adding: SqlPool;
  /** Shared by the workers, each of which takes one client for LISTEN. */
  readonly working: SqlPool;
  close(): Promise<void>;
}

/** BullMQ's PostgreSQL backend over whatever looks like a pool: a server through `pg`, or PGlite in the process. */
export function createSqlEngine(name: EngineName, openPools: () => Promise<SqlPools>): Engine {
  let pools: SqlPools | undefined;
  let obstacle: string | undefined = 'not connected yet';

  return {
    name,
    batchesInFlight: 1,

    async connect() {
      try {
        pools ??= await openPools();
        await prepareSchema(pools.adding);
        obstacle = undefined;
      } catch (error) {
        obstacle = describeError(error).message;
        throw error;
      }
    },

    obstacle: () => obstacle,

    openQueue(queueName: string, options: BullQueueOptions) {
      return new Queue(queueName, { ...options, connection: connected().adding });
    },

    openWorker(queueName: string, processor: DeliveryProcessor, options: BullWorkerOptions) {
      return new Worker(queueName, processor, { ...options, connection: connected().working });
    },

    async jobNames(_queue: BullQueue, queueName: string, ids: readonly string[]) {
      const text = `SELECT id, name FROM ${queueSchema}.job WHERE queue = $1 AND id = ANY($2::text[])`;
      const { rows } = await connected().adding.query<{ id: string; name: string }>(text, [queueName, [...ids]]);
      return new Map(rows.map((row) => [row.id, row.name]));
    },

    async ping() {
      await connected().adding.query('SELECT 1');
    },

    // A query that times out takes its connection with it, see `postgres.ts`.
    reset() {},

    async close() {
      await pools?.close();
    },
  };

  function connected(): SqlPools {
    if (pools === undefined) throw new RelayError('store_unavailable', `${name} store is not connected yet`);
    return pools;
  }
}

/** Creates or migrates BullMQ's tables; a lock in the database lets one process at a time do it. */
async function prepareSchema(pool: SqlPool): Promise<void> {
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
  } finally {
    client.release();
  }
}
