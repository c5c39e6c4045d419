import { EventEmitter } from 'node:events';
import type { PGlite } from '@electric-sql/pglite';
import type { SqlPool } from './sql.ts';

/**
 * PGlite in the shape of a `pg.Pool`. PGlite is one session, so all clients are the same one, and transactions that
 * span several calls must not overlap: BullMQ makes one only while migrating, before anything else runs.
 */
export function createPglitePool(db: PGlite): SqlPool {
  const query = async (text: string, params?: readonly unknown[]) => {
    if (params !== undefined && params.length > 0) {
      const result = await db.query(text, [...params]);
      return { rows: result.rows, rowCount: result.affectedRows ?? result.rows.length };
    }
    const rows = (await db.exec(text)).at(-1)?.rows ?? []; // several statements at once, as migrations have them
    return { rows, rowCount: rows.length };
  };
  const connect = async () => {
    const client = new EventEmitter();
    client.setMaxListeners(0);
    const stop = db.onNotification((channel, payload) => client.emit('notification', { channel, payload }));
    return Object.assign(client, { query, release: stop });
  };
  const end = async (): Promise<void> => {};
  const pool = new EventEmitter();
  pool.setMaxListeners(0); // each queue and worker listens for errors of its own
  return Object.assign(pool, { query, connect, end }) as unknown as SqlPool;
}
