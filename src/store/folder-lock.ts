import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RelayError } from '../errors.ts';

const fileName = 'zoom-relay.pid';

/**
 * Makes this process the only one on a folder, by a file with its process id as PostgreSQL does it. A file left by a
 * process that is gone (killed, or this very id before a container restarted) is taken over.
 *
 * @throws RelayError `store_folder_in_use`
 */
export async function lockFolder(folder: string): Promise<{ release(): Promise<void> }> {
  const path = join(folder, fileName);
  const owner = await ownerOf(path);
  if (owner !== undefined) {
    throw new RelayError(
      'store_folder_in_use',
      `${folder} is open in process ${owner}; an embedded store takes one process. Stop that one, or use another folder (STORE_URL=file:./other), Redis or PostgreSQL. If process ${owner} is no zoom-relay, delete ${path}`,
    );
  }
  await rm(path, { force: true });
  await writeFile(path, `${process.pid}\n`, { flag: 'wx' });
  return { release: () => rm(path, { force: true }) };
}

async function ownerOf(path: string): Promise<number | undefined> {
  const pid = Number((await readFile(path, 'utf8').catch(() => '')).trim());
  return Number.isInteger(pid) && pid > 0 && pid !== process.pid && isAlive(pid) ? pid : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
