import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { eventually } from './eventually.ts';
import { findProgram } from './find-program.ts';
import { freePort } from './free-port.ts';
import { ServerProcess, spawnQuietly } from './server-process.ts';

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  readonly process: ServerProcess;
  /** Runs one command on a connection of its own. */
  command(name: string, ...args: string[]): Promise<unknown>;
  stop(): Promise<void>;
}

/** A real Redis, durable as production's should be: an append-only file, flushed for every write. */
export async function startRedis(...extraArgs: string[]): Promise<RedisServer> {
  const program = findProgram('redis-server');
  if (program === undefined) throw new Error('redis-server is not installed; npm test installs or asks for it');
  const folder = await mkdtemp(join(tmpdir(), 'zoom-relay-redis-'));
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--databases', '1000'];
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];

  async function command(name: string, ...commandArgs: string[]): Promise<unknown> {
    const client = new Redis({ port, retryStrategy: null, lazyConnect: true, maxRetriesPerRequest: 0 });
    client.on('error', () => {});
    try {
      await client.connect();
      return await client.call(name, ...commandArgs);
    } finally {
      client.disconnect();
    }
  }

  const server = new ServerProcess(
    () => spawnQuietly(program, [...args, ...durable, ...extraArgs]),
    async () => {
      await eventually('redis-server answers', () => command('PING').catch(() => undefined));
    },
  );
  await server.start();
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    process: server,
    command,
    async stop() {
      await server.end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
