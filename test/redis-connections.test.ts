import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { uniqueBody } from './support/bodies.ts';
import { eventually } from './support/eventually.ts';
import { type RedisServer, startRedis } from './support/redis-server.ts';
import { startTestRelay, type TestRelay } from './support/test-relay.ts';

let redis: RedisServer;
let relay: TestRelay;

beforeAll(async () => {
  redis = await startRedis();
  relay = await startTestRelay(redis.url);
});
afterAll(async () => {
  await relay.stop();
  await redis.stop();
});

/** Name and last command of each connection, as Redis sees them. */
async function connections(): Promise<{ name: string; command: string }[]> {
  const lines = String(await redis.command('CLIENT', 'LIST'))
    .trim()
    .split('\n');
  return lines.map((line) => {
    const field = (key: string): string => new RegExp(` ${key}=(\\S*)`).exec(line)?.[1] ?? '';
    return { name: field('name'), command: field('cmd') };
  });
}

test('no blocking command shares a connection with adding', async () => {
  const body = uniqueBody();
  await relay.post(body);
  await relay.recall.seen((request) => request.body.equals(body));
  const blocked = await eventually('the worker blocks on a connection of its own', async () =>
    (await connections()).find(({ command }) => command === 'bzpopmin'),
  );
  expect(blocked.name).not.toMatch(/^zoom-relay-(add|work)$/);
  const names = (await connections()).map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['zoom-relay-add', 'zoom-relay-work']));
});

test('all keys of a queue carry its hash tag and the prefix', async () => {
  const client = new Redis(redis.url);
  const keys = await client.keys('*');
  client.disconnect();
  expect(keys.length).toBeGreaterThan(3);
  for (const key of keys) expect(key).toMatch(/^zoom-relay:\{default\.recall\}:/);
});
