import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { inject } from 'vitest';

export interface TestStore {
  readonly url: string;
  remove(): Promise<void>;
}

/** The three engines, each giving an empty store on a real server (or in a real folder). */
export const engines = [
  { engine: 'embedded', createStore: createFolder },
  { engine: 'redis', createStore: createRedisDatabase },
  { engine: 'postgres', createStore: createPostgresDatabase },
] as const;

async function createFolder(): Promise<TestStore> {
  const folder = await mkdtemp(join(tmpdir(), 'zoom-relay-store-'));
  return { url: `file:${folder}`, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** A database that no other suite has: they are counted in database 0, by all test processes together. */
export async function createRedisDatabase(): Promise<TestStore> {
  const url = `redis://127.0.0.1:${inject('redisPort')}`;
  const counter = new Redis(`${url}/0`);
  const index = await counter.incr('test-databases');
  await counter.quit();
  return { url: `${url}/${index}`, remove: async () => {} };
}

async function createPostgresDatabase(): Promise<TestStore> {
  const name = `relay_${randomBytes(6).toString('hex')}`;
  await onServer(`CREATE DATABASE ${name}`);
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${name}`;
  return { url: url.href, remove: () => onServer(`DROP DATABASE ${name} WITH (FORCE)`) };
}

async function onServer(text: string): Promise<void> {
  const client = new Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  await client.query(text);
  await client.end();
}
