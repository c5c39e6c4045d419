import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { notificationIdOf } from '../src/delivery/names.ts';
import { decodeDelivery } from '../src/delivery/stored-delivery.ts';
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
    await client.hset(key, 'data', changed((await client.hget(key, 'data')) ?? '', change));
    client.disconnect();
    return;
  }
  const client = new Client({ connectionString: storeUrl });
  await client.connect();
  const { rows } = await client.query('SELECT data FROM bullmq.job WHERE id = $1', [id]);
  await client.query('UPDATE bullmq.job SET data = $2 WHERE id = $1', [
    id,
    changed(JSON.stringify(rows[0].data), change),
  ]);
  await client.end();
}

function changed(data: string, change: (data: string) => string): string {
  expect(change(data)).not.toBe(data);
  return change(data);
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

/** As releases before wrote it. */
function asVersion1(data: string): string {
  const decoded = decodeDelivery(JSON.parse(data));
  if (decoded.kind !== 'content') return expect.unreachable(decoded.reason);
  const { body, ...content } = decoded.content;
  return JSON.stringify({ v: 1, ...content, text: Buffer.from(body).toString() });
}

describe.each(engines.filter(({ engine }) => engine !== 'embedded'))('on $engine', ({ createStore }) => {
  test('a delivery of version 1, queued by a release before, leaves as it came', async () => {
    const store = await createStore();
    const edge = await startTestRelay(store.url, { role: ['edge'] });
    running.push(edge);
    const body = uniqueBody();
    await edge.post(body);
    await tamper(store.url, notificationIdOf(body), asVersion1);
    const worker = await startTestRelay(store.url, { role: ['worker'] });
    running.push(worker);
    const sent = await worker.recall.seen((request) => request.body.equals(body));
    expect(sent.headers['content-type']).toBe('application/json; charset=utf-8');
  });

  test.each([
    [
      'whose body was changed in the store',
      'corrupt',
      (data: string) => data.replace('meeting.created', 'meeting.creatod'),
    ],
    [
      'whose signature was changed in the store',
      'corrupt',
      (data: string) => data.replace(/v0=~[\w-]{43}~/, `v0=~${'A'.repeat(43)}~`),
    ],
    ['of a future version', 'unreadable', (data: string) => data.replace(/^\[2/, '[3')],
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
