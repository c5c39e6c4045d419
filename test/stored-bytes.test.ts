import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { notificationIdOf } from '../src/delivery/names.ts';
import { uniqueBody } from './support/bodies.ts';
import { createRedisDatabase, engines } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { startTestRelay, type TestRelay } from './support/test-relay.ts';

const running: TestRelay[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((relay) => relay.stop()));
});

/** Changes the stored data of a queued job behind the relay's back. */
async function tamper(storeUrl: string, id: string, change: (data: string) => string): Promise<void> {
  if (storeUrl.startsWith('redis:')) {
    const client = new Redis(storeUrl);
    const key = `zoom-relay:{default.recall}:${id}`;
    await client.hset(key, 'data', change((await client.hget(key, 'data')) ?? ''));
    client.disconnect();
    return;
  }
  const client = new Client({ connectionString: storeUrl });
  await client.connect();
  const { rows } = await client.query('SELECT data FROM bullmq.job WHERE id = $1', [id]);
  await client.query('UPDATE bullmq.job SET data = $2 WHERE id = $1', [id, change(JSON.stringify(rows[0].data))]);
  await client.end();
}

test('on redis, a delivery whose data is not even JSON dies visibly and does not hold up the next one', async () => {
  const store = await createRedisDatabase();
  const edge = await startTestRelay(store.url, { role: ['edge'] });
  running.push(edge);
  const [touched, next] = [uniqueBody(), uniqueBody()];
  await edge.post(touched);
  await edge.post(next);
  await tamper(store.url, notificationIdOf(touched), () => '{"v":1,');
  const worker = await startTestRelay(store.url, { role: ['worker'] });
  running.push(worker);
  await worker.recall.seen((request) => request.body.equals(next));
  const dead = await eventually('it is dead', () => worker.logged.find(({ event }) => event === 'dead'));
  expect(dead).toMatchObject({ notificationId: notificationIdOf(touched), reason: 'unreadable' });
});

describe.each(engines.filter(({ engine }) => engine !== 'embedded'))('on $engine', ({ createStore }) => {
  test.each([
    [
      'whose body was changed in the store',
      'corrupt',
      (data: string) => data.replace('meeting.created', 'meeting.creatod'),
    ],
    [
      'whose signature was changed in the store',
      'corrupt',
      (data: string) => data.replace(/v0=[0-9a-f]{64}/, `v0=${'0'.repeat(64)}`),
    ],
    ['of a future version', 'unreadable', (data: string) => data.replace(/"v": ?1/, '"v":2')],
    ['that is not ours', 'unreadable', () => '{"something":"else"}'],
  ])('a delivery %s dies visibly, is not sent, and does not hold up the next one', async (_what, reason, change) => {
    const store = await createStore();
    const edge = await startTestRelay(store.url, { role: ['edge'] });
    running.push(edge);
    const [touched, next] = [uniqueBody(), uniqueBody()];
    await edge.post(touched);
    await edge.post(next);
    await tamper(store.url, notificationIdOf(touched), change);

    const worker = await startTestRelay(store.url, { role: ['worker'] });
    running.push(worker);
    await worker.recall.seen((request) => request.body.equals(next));
    const dead = await eventually('it is dead', () => worker.logged.find(({ event }) => event === 'dead'));
    expect(dead).toMatchObject({ notificationId: notificationIdOf(touched), reason });
    expect(worker.recall.requests).toHaveLength(1);
  });
});
