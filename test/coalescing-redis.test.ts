import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { CoalescingRedis } from '../src/store/coalescing-redis.ts';
import { runScript } from '../src/store/run-script.ts';
import { type RedisServer, startRedis } from './support/redis-server.ts';

let redis: RedisServer;
let client: CoalescingRedis;

beforeAll(async () => {
  redis = await startRedis();
  client = new CoalescingRedis(redis.url, { maxRetriesPerRequest: null });
  await client.ping();
});
afterAll(async () => {
  client.disconnect();
  await redis.stop();
});

test('what is asked in one turn goes out in one write, and is answered in order', async () => {
  const { stream } = client;
  const writes = [vi.spyOn(stream, '_write'), vi.spyOn(stream as Required<typeof stream>, '_writev')];
  const counted = (): number => writes.reduce((sum, { mock }) => sum + mock.calls.length, 0);
  const answers = Array.from({ length: 50 }, () => client.incr('turns'));
  const pipelined = client.pipeline().incr('turns').incr('turns').exec();
  expect(counted()).toBe(0);
  expect(await Promise.all(answers)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  expect((await pipelined)?.map(([, value]) => value)).toEqual([51, 52]);
  expect(counted()).toBe(1);
  await client.incr('turns');
  expect(counted()).toBe(2);
});

test('a connection that is lost in the same turn loses nothing that was asked', async () => {
  const before = client.get('turns');
  client.stream.destroy();
  const after = client.incr('turns');
  expect(await before).toBe('53');
  expect(await after).toBe(54);
});

test('a script is sent by its hash, and by its text to a Redis that does not know it', async () => {
  const evals = vi.spyOn(client, 'eval');
  const script = `return redis.call('INCRBY', KEYS[1], ARGV[1])`;
  expect(await runScript(client, script, 1, 'sum', 5)).toBe(5);
  expect(await runScript(client, script, 1, 'sum', 5)).toBe(10);
  expect(evals).toHaveBeenCalledTimes(1);
  await client.script('FLUSH');
  expect(await runScript(client, script, 1, 'sum', 5)).toBe(15);
  expect(evals).toHaveBeenCalledTimes(2);
  await expect(runScript(client, 'return nothing(', 0)).rejects.toThrow(/script/);
});
