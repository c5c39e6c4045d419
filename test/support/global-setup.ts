import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres-server.ts';
import { startRedis } from './redis-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    redisPort: number;
    postgresUrl: string;
  }
}

/** One Redis and one PostgreSQL for all test files; each suite gets a database of its own, see `engines.ts`. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
  project.provide('redisPort', redis.port);
  project.provide('postgresUrl', postgres.urlOf('postgres'));
  return async () => {
    await Promise.all([redis.stop(), postgres.stop()]);
  };
}
