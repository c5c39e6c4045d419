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

  test('the list is of one app where it is said, and an app that is not there is refused with those that are', async () => {
    const { consumers } = JSON.parse((await command('list', '--app', 'default', '--json')).out);
    expect(consumers).toEqual([expect.objectContaining({ app: 'default', consumer: 'recall' })]);
    await expect(command('list', '--app', 'nope')).rejects.toThrow('no app nope: the only app is default');
  });

  test('a filter that is not what it must be, or names nobody, is refused in plain words', async () => {
    const refused = async (args: string[], message: RegExp) => {
      const [name = '', ...rest] = args;
      await expect(runCommand(relay, name, ...rest)).rejects.toThrow(message);
    };
    await refused(['deliveries', 'list', '--since', 'yesterday'], /^since: must be a time as .*, or how long ago: 90s/);
    await refused(['deliveries', 'list', '--limit', '1000'], /^limit: must be a whole number from 1 to 200$/);
    await refused(['deliveries', 'list', '--limit', '-1.5'], /^limit: must be a whole number from 1 to 200$/);
    await refused(['replay', '--state', 'dead', '--rate', '0'], /^rate: must be a number from 0.1 to 1000$/);
    await refused(['deliveries', 'list', '--app', 'nope'], /^no app nope: the only app is default$/);
    await refused(['deliveries', 'list', '--consumer', 'crm'], /^no consumer crm: there are recall; /);
    await refused(['deliveries', 'tail', '--app', 'nope'], /^no app nope: the only app is default$/);
    await refused(['deliveries', 'show', '0'.repeat(32), '--app', 'nope'], /^no app nope/);
    await refused(
      ['deliveries', 'show', '0'.repeat(32), '--app', 'default'],
      / of app default: it was not accepted for it/,
    );
    await refused(['replays', 'pause', 'nope'], /^no such replay: "replays list" \(GET \/api\/replays\) shows them$/);
  });

  test('a consumer that is not there is refused by name', async () => {
    await expect(command('pause', 'crm')).rejects.toMatchObject({
      code: 'request_refused',
      message: /^no consumer crm of app default: it has recall; "consumers list"/,
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
