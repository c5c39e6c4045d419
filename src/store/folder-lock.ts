import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { RelayError } from '../errors.ts';

const fileName = 'zoom-relay.lock';
const heartbeatMs = 2000;
/** An owner elsewhere (another container or host) that has not been heard of for this long is gone, milliseconds. */
const goneAfterMs = 10_000;
const listenForMs = goneAfterMs + heartbeatMs;
const pollMs = 500;
/** Two that take over at once both write; who is in the file after this long has it. */
const settleMs = 200;

interface Owner {
  readonly id: string;
  readonly pid: number;
  /** Where the process id means something: a boot and a process namespace, or a host. */
  readonly scope: string;
}

export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Makes this process the only one on a folder. A file names the owner; its modification time is the owner's heartbeat.
 * A process of the same machine and container is asked for by its id; one of elsewhere, whose id means nothing here, is
 * taken for gone when its heart has stopped for 10 s (so a new container waits that long after an old one was killed).
 *
 * @param onLost called when another process has taken the folder all the same: this one was frozen for too long
 * @throws RelayError `store_folder_in_use`
 */
export async function lockFolder(folder: string, onLost: () => void): Promise<FolderLock> {
  const path = join(folder, fileName);
  const self: Owner = { id: randomUUID(), pid: process.pid, scope: ownScope() };
  const owner = await readOwner(path);
  if (owner !== undefined && (await isThere(owner, self, path))) throw inUse(folder, owner, path);
  await writeFile(`${path}.${self.id}`, JSON.stringify(self));
  await rename(`${path}.${self.id}`, path);
  await delay(owner === undefined ? 0 : settleMs);
  const settled = await readOwner(path);
  if (settled?.id !== self.id) throw inUse(folder, settled ?? self, path);

  const timer = setInterval(() => void beat(), heartbeatMs);
  timer.unref();
  const isOurs = async (): Promise<boolean> => (await readOwner(path))?.id === self.id;
  const beat = async (): Promise<void> => {
    if (await isOurs()) await utimes(path, new Date(), new Date()).catch(() => undefined);
    else {
      clearInterval(timer);
      onLost();
    }
  };
  return {
    async release() {
      clearInterval(timer);
      if (await isOurs()) await rm(path, { force: true });
    },
  };
}

async function isThere(owner: Owner, self: Owner, path: string): Promise<boolean> {
  if (owner.scope === self.scope) return owner.pid !== self.pid && isAlive(owner.pid);
  for (let waitedMs = 0; waitedMs < listenForMs; waitedMs += pollMs) {
    const beatAtMs = await stat(path).then(
      (stats) => stats.mtimeMs,
      () => 0,
    );
    if (Date.now() - beatAtMs > goneAfterMs) return false;
    await delay(pollMs);
  }
  return true;
}

async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return isOwner(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isOwner(value: unknown): value is Owner {
  return typeof value === 'object' && value !== null && 'id' in value && 'pid' in value && 'scope' in value;
}

/** Linux tells boot and process namespace; elsewhere the host name has to do. */
function ownScope(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function inUse(folder: string, { pid }: Owner, path: string): RelayError {
  return new RelayError(
    'store_folder_in_use',
    `${folder} is open in process ${pid}; an embedded store takes one process. Stop that one, or use another folder (STORE_URL=file:./other), Redis or PostgreSQL. If no zoom-relay runs there, delete ${path}`,
  );
}
