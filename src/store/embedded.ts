import { mkdir } from 'node:fs/promises';
import { PGlite } from '@electric-sql/pglite';
import type { Engine } from './engine.ts';
import { lockFolder } from './folder-lock.ts';
import { createPglitePool } from './pglite-pool.ts';
import { createSqlEngine, queueSchema } from './sql.ts';

/**
 * PGlite, PostgreSQL in this process, its files in a folder. Survives the process being killed at any moment. It does
 * not ask the disk to flush (PGlite's file system has no fsync), so a power cut can lose what the operating system had
 * not written yet.
 *
 * @throws RelayError `store_folder_in_use` at once when another process has the folder open
 */
export function createEmbeddedEngine(folder: string): Engine {
  return createSqlEngine('embedded', async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const lock = await lockFolder(folder);
    const db = await PGlite.create(`${folder}/pglite`);
    await db.exec(`SET search_path TO ${queueSchema}`);
    const pool = createPglitePool(db);
    return {
      adding: pool,
      working: pool,
      async close() {
        await db.close();
        await lock.release();
      },
    };
  });
}
