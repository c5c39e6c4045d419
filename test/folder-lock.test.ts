import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockFolder } from '../src/store/folder-lock.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zoom-relay-lock-'));
  path = join(folder, 'zoom-relay.lock');
});
afterEach(() => rm(folder, { recursive: true }));

const ignore = (): void => {};

async function ownScope(): Promise<string> {
  const lock = await lockFolder(folder, ignore);
  const { scope } = JSON.parse(await readFile(path, 'utf8'));
  await lock.release();
  return scope;
}

test('a released folder leaves nothing behind and can be taken again', async () => {
  await (await lockFolder(folder, ignore)).release();
  expect(existsSync(path)).toBe(false);
  await (await lockFolder(folder, ignore)).release();
});

test('a folder that a living process of this machine has is refused, with its id and what to do', async () => {
  await writeFile(path, JSON.stringify({ id: 'x', pid: process.ppid, scope: await ownScope() }));
  await expect(lockFolder(folder, ignore)).rejects.toMatchObject({
    code: 'store_folder_in_use',
    message: expect.stringContaining(`is open in process ${process.ppid}`),
  });
});

test('a folder left by a process of this machine that is gone is taken over at once', async () => {
  await writeFile(path, JSON.stringify({ id: 'x', pid: 2 ** 22 + 1, scope: await ownScope() }));
  await (await lockFolder(folder, ignore)).release();
});

test('the same process id in another container says nothing: only a heart that has stopped does', async () => {
  await writeFile(path, JSON.stringify({ id: 'x', pid: process.pid, scope: 'another container' }));
  const beating = setInterval(() => void utimes(path, new Date(), new Date()), 500);
  await expect(lockFolder(folder, ignore)).rejects.toMatchObject({ code: 'store_folder_in_use' });
  clearInterval(beating);
  const longAgo = new Date(Date.now() - 11_000);
  await utimes(path, longAgo, longAgo);
  await (await lockFolder(folder, ignore)).release();
});

test('a file that cannot be read is no owner', async () => {
  await writeFile(path, 'garbage');
  await (await lockFolder(folder, ignore)).release();
});

test('an owner that was frozen for so long that another took over is told', async () => {
  const lost = Promise.withResolvers<void>();
  const lock = await lockFolder(folder, () => lost.resolve());
  await writeFile(path, JSON.stringify({ id: 'another', pid: 1, scope: 'elsewhere' }));
  await lost.promise;
  await lock.release();
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ id: 'another' }); // not ours to remove
});
