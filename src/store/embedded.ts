import { mkdir } from 'node:fs/promises';
import { PGlite } from '@electric-sql/pglite';
import { RelayError } from '../errors.ts';
import type { Engine } from './engine.ts';
import { lockFolder } from './folder-lock.ts';
import { createPglitePool } from './pglite-pool.ts';
import { createSqlEngine, queueSchema } from './sql.ts';

/**
 * PGlite gives PostgreSQL 160 MB for its buffers and touches all of it at start. What they would hold is in the operating
 * system's cache all the same, its files being ordinary ones.
 */
const buffers = 'shared_buffers=16MB';
const startParams = [...PGlite.defaultStartParams, '-c', buffers];
/** A new folder is made in memory and copied, log files and all: of 4 MB each instead of 16. */
const initDbStartParams = ['--set', buffers, '--wal-segsize=4'];

/**
 * PGlite, PostgreSQL in this process, its files in a folder. Survives the process being killed at any moment. It does
 * not ask the disk to flush (PGlite's file system has no fsync), so a power cut can lose what the operating system had
 * not written yet.
 *
 * @param onFatal called with `store_folder_in_use` when another process has taken the folder away from this one
 * @throws RelayError `store_folder_in_use` when another process has the folder open
 */
export function createEmbeddedEngine(folder: string, onFatal: (error: RelayError) => void): Engine {
  return createSqlEngine('embedded', async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const lock = await lockFolder(folder, () => {
      onFatal(
        new RelayError('store_folder_in_use', `another process has taken over ${folder} while this one was frozen`),
      );
    });
    const db = await PGlite.create(`${folder}/pglite`, { startParams, initDbStartParams });
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
