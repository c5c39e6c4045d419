import { Pool } from 'pg';
import type { Engine } from './engine.ts';
import { createSqlEngine, queueSchema, type SqlPool } from './sql.ts';

const connectTimeoutMs = 3000;
/** After this a query is given up and its connection closed: a frozen server must not hold the pool for good. */
const queryTimeoutMs = 10_000;
const addingConnections = 4;
/** Queries of all workers share these; none takes longer than a job's bookkeeping. */
const workingConnections = 12;

/**
 * A PostgreSQL server (14 or newer) through `pg`.
 *
 * @param workers how many workers this process will run: each holds one connection to LISTEN on
 */
export function createPostgresEngine(url: string, workers: number): Engine {
  return createSqlEngine('postgres', async () => {
    const adding = openPool(url, addingConnections, 'zoom-relay-add');
    const working = openPool(url, workingConnections + workers, 'zoom-relay-work');
    return {
      adding: adding as SqlPool,
      working: working as SqlPool,
      async close() {
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
    options: `-c search_path=${queueSchema}`,
  });
  pool.on('error', () => {}); // an idle connection dropped; the pool makes another
  return pool;
}
