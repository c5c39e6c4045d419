import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'pg';
import { alwaysAttended } from './attendance.ts';
import type { Engine } from './engine.ts';
import { shareListener } from './shared-listener.ts';
import { createSqlEngine, queueSchema, type SqlPool } from './sql.ts';

const connectTimeoutMs = 3000;
/** After this a query is given up and its connection closed: a frozen server must not hold the pool for good. */
const queryTimeoutMs = 10_000;
const addingConnections = 4;
/** Queries of all workers share these; none takes longer than a job's bookkeeping. */
const workingConnections = 12;
/** BullMQ's workers ask again at once after most errors; so long they are kept from it, milliseconds. */
const pauseAfterErrorMs = 1000;
/** BullMQ's own refusals (a lost lock, say) come with this SQLSTATE and are no trouble of the server's. */
const refusalCode = 'BM001';

/**
 * A PostgreSQL server (14 or newer) through `pg`.
 *
 * @param workers how many workers this process will run: each holds one connection to LISTEN on; of more than are there
 *   all the time, all together one
 */
export function createPostgresEngine(url: string, workers: number): Engine {
  return createSqlEngine('postgres', async () => {
    const adding = openPool(url, addingConnections, 'zoom-relay-add');
    const listening = workers > alwaysAttended ? 1 : workers;
    const working = pausing(openPool(url, workingConnections + listening, 'zoom-relay-work'));
    const listener = workers > alwaysAttended ? shareListener(working as SqlPool) : undefined;
    return {
      adding: adding as SqlPool,
      working: working as SqlPool,
      ...(listener !== undefined && { listener }),
      async close() {
        listener?.close();
        await Promise.allSettled([adding.end(), working.end()]);
      },
    };
  });
}

function openPool(url: string, max: number, applicationName: string): Pool {
  const pool = new Pool({
    connectionString: url,
    max,
    application_name: applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: queryTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // Not by `options`, which the URL may have for itself.
    onConnect: async (client) => void (await client.query(`SET search_path TO ${queueSchema}`)),
  });
  pool.setMaxListeners(0); // each queue listens for errors of its own
  pool.on('error', () => {}); // an idle connection dropped; the pool makes another
  return pool;
}

function pausing(pool: Pool): Pool {
  const query = pool.query.bind(pool) as (...args: unknown[]) => Promise<unknown>;
  const patient = async (...args: unknown[]): Promise<unknown> => {
    try {
      return await query(...args);
    } catch (error) {
      const isRefusal = error instanceof Error && 'code' in error && error.code === refusalCode;
      if (!isRefusal) await delay(pauseAfterErrorMs);
      throw error;
    }
  };
  return Object.assign(pool, { query: patient });
}
