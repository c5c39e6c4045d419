import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../support/postgres-server.ts';
import { startRedis } from '../support/redis-server.ts';

export const benchEngines = ['redis', 'postgres', 'embedded'] as const;
export type BenchEngine = (typeof benchEngines)[number];

/** An empty store on a server (or in a folder) of its own. */
export interface BenchStore {
  readonly url: string;
  /** What the store's memory holds now, bytes, and how many deliveries of `keptKeys` are among it. Redis only. */
  memory(keptKeys: readonly string[]): Promise<{ readonly bytes: number; readonly kept: number } | undefined>;
  stop(): Promise<void>;
}

export async function startStore(engine: BenchEngine): Promise<BenchStore> {
  switch (engine) {
    case 'redis':
      return startRedisStore();
    case 'postgres': {
      const server = await startPostgres();
      return { url: server.urlOf('postgres'), memory: async () => undefined, stop: () => server.stop() };
    }
    case 'embedded': {
      const folder = await mkdtemp(join(tmpdir(), 'zoom-relay-bench-store-'));
      const stop = (): Promise<void> => rm(folder, { recursive: true, force: true });
      return { url: `file:${folder}`, memory: async () => undefined, stop };
    }
  }
}

async function startRedisStore(): Promise<BenchStore> {
  const server = await startRedis();
  return {
    url: `${server.url}/0`,
    async memory(keptKeys) {
      const kept = await Promise.all(keptKeys.map((key) => server.command('ZCARD', key)));
      const bytes = /^used_memory:(\d+)/m.exec(String(await server.command('INFO', 'memory')))?.[1];
      return { bytes: Number(bytes), kept: kept.reduce<number>((sum, count) => sum + Number(count), 0) };
    },
    stop: () => server.stop(),
  };
}
