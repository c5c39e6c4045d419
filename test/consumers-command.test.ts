import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answering } from '../src/demo/recall-stand-in.ts';
import { uniqueBody } from './support/bodies.ts';
import { engines, type TestStore } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { runCommand } from './support/run-command.ts';
import { startTestRelay, type TestRelay } from './support/test-relay.ts';

describe.each(engines)('on $engine', ({ createStore }) => {
  let store: TestStore;
  let relay: TestRelay;

  beforeAll(async () => {
    store = await createStore();
    relay = await startTestRelay(store.url, { env: { RETRY_SCHEDULE: '24h' } });
  });
  afterAll(async () => {
    await relay.stop();
    await store.remove();
  });

  const command = (...args: string[]) => runCommand(relay, 'consumers', ...args);
  const listed = async () => JSON.parse((await command('list', '--json')).out).consumers;

  test('a paused consumer collects, and delivers all of it when it goes on', async () => {
    expect((await command('pause', 'recall')).out).toBe(
      'recall of app default is paused: its deliveries are kept and wait\n',
    );
    const bodies = Array.from({ length: 5 }, () => uniqueBody());
    for (const body of bodies) expect((await relay.post(body)).status).toBe(204);
    const [paused] = await listed();
    expect(paused).toMatchObject({ app: 'default', consumer: 'recall', isPaused: true, waiting: 5, active: 0 });
    expect(paused.oldestPendingMs).toBeGreaterThanOrEqual(0);
    expect(relay.recall.requests).toHaveLength(0);
    expect((await command('resume', 'recall')).out).toBe('recall of app default goes on\n');
    await Promise.all(bodies.map((body) => relay.recall.seen((request) => request.body.equals(body))));
    await eventually('all delivered', async () => (await listed())[0].deliveredLastMinute === 5);
    expect((await listed())[0]).toMatchObject({ isPaused: false, waiting: 0, delayed: 0 });
    expect((await listed())[0]).not.toHaveProperty('oldestPendingMs');
  });

  test('what waits for its next attempt and what is dead are shown, with the age of the oldest', async () => {
    relay.recall.misbehave(answering(404));
    await relay.post(uniqueBody());
    await eventually('delayed', async () => (await listed())[0].delayed === 1);
    const { out } = await command('list');
    const [headings, row] = out.split('\n');
    expect(headings?.split(/ {2,}/)).toEqual([
      'app',
      'consumer',
      'state',
      'waiting',
      'delayed',
      'active',
      'dead',
      'oldest',
      'delivered/min',
    ]);
    expect(row).toMatch(/^default {2}recall +● running +0 +1 +0 +0 +\d+ m?s +\d+$/);
  });

  test('a consumer that is not there is refused by name', async () => {
    await expect(command('pause', 'crm')).rejects.toMatchObject({
      code: 'request_refused',
      message: /no such consumer/,
    });
    await expect(command('pause', 'recall', '--app', '../x')).rejects.toMatchObject({ code: 'request_refused' });
  });
});

test('pause and resume need the token', async () => {
  const { createStore } = engines[1];
  const store = await createStore();
  const relay = await startTestRelay(store.url);
  for (const action of ['pause', 'resume']) {
    const url = new URL(`/api/consumers/default/recall/${action}`, relay.relay.privateUrl);
    expect((await fetch(url, { method: 'POST' })).status).toBe(401);
  }
  await relay.stop();
  await store.remove();
});
