import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../support/postgres-server.ts';
import { startRedis } from '../support/redis-server.ts';

export const countedEngines = ['redis', 'postgres', 'embedded'] as const;
export type CountedEngine = (typeof countedEngines)[number];

export interface StoreCounts {
  /** Commands with those that scripts run, or transactions, since it started. */
  readonly asked: number;
  readonly connections: number;
}

/** A store of its own that tells what is asked of it; an embedded one does not. */
export interface CountedStore {
  readonly url: string;
  count(): Promise<StoreCounts | undefined>;
  stop(): Promise<void>;
}

export function startCountedStore(engine: CountedEngine): Promise<CountedStore> {
  switch (engine) {
    case 'redis':
      return startCountedRedis();
    case 'postgres':
      return startCountedPostgres();
    case 'embedded':
      return createCountedFolder();
  }
}

async function startCountedRedis(): Promise<CountedStore> {
  const redis = await startRedis();
  return {
    url: `redis://127.0.0.1:${redis.port}/0`,
    async count() {
      const info = String(await redis.command('INFO', 'all'));
      const numberOf = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1]);
      return { asked: numberOf('total_commands_processed'), connections: numberOf('connected_clients') - 1 };
    },
    stop: () => redis.stop(),
  };
}

async function startCountedPostgres(): Promise<CountedStore> {
  const postgres = await startPostgres();
  return {
    url: postgres.urlOf('postgres'),
    async count() {
      const text = `SELECT (SELECT sum(xact_commit) FROM pg_stat_database)::int AS asked,
        (SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'zoom-relay%')::int AS connections`;
      const [counts] = (await postgres.query(text)) as StoreCounts[];
      return counts;
    },
    stop: () => postgres.stop(),
  };
}

async function createCountedFolder(): Promise<CountedStore> {
  const folder = await mkdtemp(join(tmpdir(), 'zoom-relay-bench-store-'));
  return {
    url: `file:${folder}`,
    count: async () => undefined,
    stop: () => rm(folder, { recursive: true, force: true }),
  };
}
