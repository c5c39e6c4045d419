import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';

export interface Contender {
  readonly name: string;
  readonly script: string;
  readonly args: (role: string) => readonly string[];
  readonly env: (at: Place) => Readonly<Record<string, string>>;
  /** Beside the store's prefix: where Redis has what was delivered and is kept. */
  readonly keptKeys: readonly string[];
}

export interface Place {
  readonly storeUrl: string;
  readonly targetUrl: string;
  readonly port: number;
  readonly role: string;
}

export interface Running {
  readonly url: URL;
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

export const benchSecret = 'a-secret-token-for-the-bench';

export const baseline: Contender = {
  name: 'baseline',
  script: pathOf('baseline.ts'),
  args: () => [],
  env: ({ storeUrl, targetUrl, port, role }) => ({
    REDIS_URL: storeUrl,
    TARGET_URL: targetUrl,
    SECRET: benchSecret,
    PORT: String(port),
    ROLE: role,
  }),
  keptKeys: ['bull:notifications:completed'],
};

/** @param env on top of the defaults */
export function relayWith(name: string, env: Readonly<Record<string, string>>): Contender {
  return {
    name,
    script: pathOf('../../src/main.ts'),
    args: (role) => ['start', '--role', role],
    env: ({ storeUrl, targetUrl, port }) => ({
      STORE_URL: storeUrl,
      RECALL_BASE_URL: targetUrl,
      ZOOM_APP_SECRET_TOKEN: benchSecret,
      RECALL_ZOOM_OAUTH_APP_ID: '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
      HOST: '127.0.0.1',
      PORT: String(port),
      OPERATOR_PORT: '0',
      OPERATOR_TOKEN: 'operator-token-for-the-bench',
      ...env,
    }),
    keptKeys: ['zoom-relay:{default.recall}:completed', 'zoom-relay:{default.directory}:completed'],
  };
}

/**
 * @param roles of each process; the first has the edge
 * @param folder for what it prints
 * @param profileFolder where V8 writes profiles when the processes end
 */
export async function startContender(
  contender: Contender,
  at: { readonly storeUrl: string; readonly targetUrl: string },
  roles: readonly string[],
  folder: string,
  profileFolder?: string,
): Promise<Running> {
  const port = await freePort();
  const profiling = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`];
  const children = roles.map((role) => {
    const env = { PATH: process.env.PATH, ...contender.env({ ...at, port, role }) };
    const output = openSync(join(folder, `${contender.name}.log`), 'w');
    const args = [...profiling, contender.script, ...contender.args(role)];
    return spawn(process.execPath, args, { env, stdio: ['ignore', output, 'inherit'], cwd: folder });
  });
  const url = new URL(`http://127.0.0.1:${port}/webhooks/zoom`);
  const stop = async (): Promise<void> => void (await Promise.all(children.map(end)));
  try {
    await eventually(`${contender.name} is ready`, () => {
      if (children.some(({ exitCode }) => exitCode !== null)) throw new Error(`${contender.name} has ended`);
      return isUp(new URL('/readyz', url));
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, pids: children.flatMap(({ pid }) => pid ?? []), stop };
}

/** The baseline has no such route: that it answers is enough. */
async function isUp(url: URL): Promise<boolean> {
  const answer = await fetch(url).catch(() => undefined);
  await answer?.arrayBuffer();
  return answer !== undefined && answer.status !== 503;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  await ended;
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}
