import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AppKey, type ConsumerKey, recallConsumer } from '../src/delivery/names.ts';
import { answering } from '../src/demo/recall-stand-in.ts';
import { RelayError } from '../src/errors.ts';
import { createLog } from '../src/log.ts';
import { createOutageLog, type OutageLog, type OutageRecords } from '../src/operator/outage-log.ts';
import { openStore } from '../src/store/open-store.ts';
import type { Records, Store } from '../src/store/store.ts';
import { uniqueBody } from './support/bodies.ts';
import { createRedisDatabase, engines, type TestStore } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { stopAfterEach } from './support/keep.ts';
import { ask, operatorToken } from './support/operator-client.ts';
import { startTestRelay } from './support/test-relay.ts';

const keep = stopAfterEach();
const app = 'acme' as AppKey;
const crm = 'crm' as ConsumerKey;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const today = Date.now();

describe.each(engines)('on $engine', ({ createStore }) => {
  let folder: TestStore;
  let store: Store;

  beforeAll(async () => {
    folder = await createStore();
    const setup = { url: folder.url, queues: [], apps: [], workers: 0, log: createLog('silent'), allowEviction: false };
    store = openStore({ ...setup, nowMs: () => performance.now(), onFatal: () => {} });
    store.open();
    await eventually('open', () => store.status().ready);
  });
  afterAll(async () => {
    await store.close();
    await folder.remove();
  });

  /** Several processes that share their records and a clock. */
  async function start(count: number) {
    const records = store.records(`outages-${randomUUID()}`);
    const clock = { nowMs: today };
    const logs: OutageLog[] = [];
    while (logs.length < count) logs.push(await keep(createOutageLog(records, () => clock.nowMs)));
    const endAt = async (log: OutageLog | undefined, minute: number, lengthMin: number) => {
      clock.nowMs = today + minute * minuteMs;
      log?.ended(app, crm, clock.nowMs - lengthMin * minuteMs);
      await log?.stop();
    };
    const read = async (log: OutageLog | undefined) => {
      const outages = await log?.read(app, crm);
      return outages?.map(({ fromMs, toMs }) => [fromMs, toMs].map((ms) => (ms - today) / minuteMs));
    };
    return { records, clock, logs, endAt, read };
  }

  test('an outage that has ended is known to all processes, of its consumer alone', async () => {
    const { logs, endAt, read } = await start(2);
    const [here, there] = logs;
    expect(await read(here)).toEqual([]);
    await endAt(here, 10, 4);
    await endAt(there, 30, 15);
    expect(await read(here)).toEqual([
      [6, 10],
      [15, 30],
    ]);
    expect(await read(there)).toEqual(await read(here));
    expect(await here?.read(app, recallConsumer)).toEqual([]);
  });

  test('outages less than a minute apart are one', async () => {
    const { logs, endAt, read } = await start(1);
    await endAt(logs[0], 10, 4);
    await endAt(logs[0], 11, 0.5);
    await endAt(logs[0], 14, 2);
    expect(await read(logs[0])).toEqual([
      [6, 11],
      [12, 14],
    ]);
  });

  test('what ended over 25 h ago is gone', async () => {
    const { records, clock, logs, endAt, read } = await start(1);
    await endAt(logs[0], 0, 5);
    clock.nowMs = today + 25 * hourMs - 1;
    expect(await read(logs[0])).toEqual([[-5, 0]]);
    clock.nowMs += 1;
    expect(await read(logs[0])).toEqual([]);
    await endAt(logs[0], 26 * 60, 5);
    expect(await records.read('acme/crm')).not.toContain(String(today));
  });

  test('while the store is away they wait in memory', async () => {
    const kept = store.records(`outages-${randomUUID()}`);
    let isAway = true;
    const records: OutageRecords = {
      read: (key) => kept.read(key),
      async swap(...args: Parameters<Records['swap']>) {
        if (isAway) throw new RelayError('store_unavailable', 'away');
        return kept.swap(...args);
      },
    };
    const log = await keep(createOutageLog(records, () => today));
    log.ended(app, crm, today - 5 * minuteMs);
    log.ended(app, crm, today - 9 * minuteMs);
    const outages = [{ fromMs: today - 9 * minuteMs, toMs: today }];
    expect(await log.read(app, crm)).toEqual(outages);
    expect(await kept.read('acme/crm')).toBeUndefined();
    isAway = false;
    await log.stop();
    expect(await createOutageLog(kept, () => today).read(app, crm)).toEqual(outages);
  });
});

test('an outage of Recall is on the overview while it lasts and when it is over', async () => {
  const store = await createRedisDatabase();
  const relay = await keep(startTestRelay(store.url));
  const figures = async () => {
    const url = new URL('/', relay.relay.privateUrl);
    const answer = await fetch(url, { headers: { authorization: `Bearer ${operatorToken}`, accept: 'text/html' } });
    const [, json = ''] = /data-figures="([^"]+)"/.exec(await answer.text()) ?? [];
    const { charts } = JSON.parse(json.replaceAll('&quot;', '"'));
    return charts.find(({ id }: { id: string }) => id === 'default/recall');
  };
  expect(await figures()).toMatchObject({ shaded: [], note: '' });
  const beganAtSec = Date.now() / 1000;
  relay.recall.misbehaveAlways(answering(503));
  for (let serial = 0; serial < 6; serial += 1) await relay.post(uniqueBody());
  await eventually('open', () => relay.logged.some(({ event }) => event === 'circuit_open'));
  const during = await figures();
  expect(during.note).toMatch(/^shaded: down since \d\d:\d\d UTC$/);
  expect(during.shaded[0][0]).toBeGreaterThanOrEqual(beganAtSec);
  relay.recall.misbehaveAlways();
  await eventually('closed', () => relay.logged.some(({ event }) => event === 'circuit_closed'));
  const over = await eventually('noted', async () => {
    const now = await figures();
    return now.shaded.length === 1 && !now.note.includes('since') && now;
  });
  expect(over.shaded[0][0]).toBe(during.shaded[0][0]);
  expect(over.shaded[0][1]).toBeLessThanOrEqual(Date.now() / 1000);
  expect((await ask(relay, '/api/ledger')).json.addsUp).toBe(true);
});
