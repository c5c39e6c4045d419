import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import type { Decision } from '../src/delivery/decide.ts';
import { type EventPattern, parseEventPattern } from '../src/delivery/event-pattern.ts';
import { type AppKey, notificationIdOf, type QueueName, queueNameOf, recallConsumer } from '../src/delivery/names.ts';
import { encodeDelivery, type StoredDelivery } from '../src/delivery/stored-delivery.ts';
import { createLog } from '../src/log.ts';
import type { DeliveryQuery, KeptDelivery } from '../src/store/kept-delivery.ts';
import { openStore } from '../src/store/open-store.ts';
import { searchDeliveries } from '../src/store/search-deliveries.ts';
import type { ClaimedDelivery, SettledDelivery, Store } from '../src/store/store.ts';
import { uniqueBody } from './support/bodies.ts';
import { createRedisDatabase, engines } from './support/engines.ts';
import { eventually } from './support/eventually.ts';

const longMs = 3_600_000;
const newest = { order: 'newest', limit: 1000 } as const;
const oldest = { order: 'oldest', limit: 1000 } as const;
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanups.splice(0).toReversed()) await cleanUp();
});

/** A name that no other test has, since a Redis database may have been used before. */
function newQueue(): QueueName {
  return queueNameOf(`a${randomUUID()}` as AppKey, recallConsumer);
}

function keyOf(queue: QueueName, id: string): string {
  return `zoom-relay:${queue}:${id}`;
}

async function open(url: string, queue: QueueName, upkeepIntervalMs = 60_000): Promise<Store> {
  const setup = { url, queues: [queue], apps: [], workers: 1, log: createLog('silent'), allowEviction: false };
  const store = openStore({ ...setup, upkeepIntervalMs, nowMs: () => performance.now(), onFatal: () => {} });
  cleanups.push(() => store.close());
  store.open();
  await eventually('open', () => store.status().ready);
  return store;
}

interface Content {
  readonly body?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly label?: string;
  readonly handles?: readonly string[];
  /** Of the job data; the current one unless told otherwise. */
  readonly version?: number;
}

/** As releases before wrote it. */
function encodeVersion1(body: Uint8Array, headers: Readonly<Record<string, string>>): StoredDelivery {
  const version1: unknown = {
    v: 1,
    receivedAtMs: 0,
    secretId: 'the-secret',
    headers,
    text: Buffer.from(body).toString(),
  };
  return version1 as StoredDelivery;
}

async function add(store: Store, queue: QueueName, contents: readonly Content[]): Promise<readonly string[]> {
  const deliveries = contents.map(
    ({ body = uniqueBody(), headers = {}, label = 'meeting.created', handles, version }) => {
      const current = encodeDelivery({ body, headers, receivedAtMs: 0, secretId: 'the-secret' });
      const data = version === 1 ? encodeVersion1(body, headers) : current;
      const known = handles === undefined ? {} : { handles };
      return { queue, id: notificationIdOf(body), label, data, ...known, sizeBytes: body.length };
    },
  );
  expect(await store.add(deliveries)).toEqual(deliveries.map(() => true));
  return deliveries.map(({ id }) => id);
}

function many(count: number): readonly Content[] {
  return Array.from({ length: count }, () => ({}));
}

/** One after the other, no two in the same millisecond. */
async function addApart(store: Store, queue: QueueName, contents: readonly Content[]): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const content of contents) {
    ids.push(...(await add(store, queue, [content])));
    await nextMillisecond();
  }
  return ids;
}

async function nextMillisecond(): Promise<void> {
  const before = Date.now();
  await eventually('the clock goes on', () => Date.now() > before);
}

interface Claim extends ClaimedDelivery {
  settle(decision: Decision): void;
}

/** A worker whose deliveries are settled by the test. */
function workByHand(store: Store, queue: QueueName, concurrency: number, retainDeliveredCount = 1000): Claim[] {
  const claimed: Claim[] = [];
  let isOver = false;
  const retention = { retainDeliveredMs: longMs, retainDeliveredCount, retainDeadMs: longMs };
  store.work(queue, { concurrency, lockMs: 60_000, ...retention }, (delivery) => {
    const { promise, resolve } = Promise.withResolvers<SettledDelivery>();
    const settle = (decision: Decision): void => {
      const outcome = decision.kind === 'done' ? 'delivered' : 'refused';
      const record = { attempt: delivery.attempt, startedAtMs: 1, durationMs: 2, outcome, worker: 'test' } as const;
      resolve({ decision, record });
    };
    claimed.push({ ...delivery, settle });
    if (isOver) settle({ kind: 'done' });
    return promise;
  });
  cleanups.push(async () => {
    isOver = true;
    for (const { settle } of claimed) settle({ kind: 'done' });
  });
  return claimed;
}

/** Settles one and waits until that is in the store. */
async function settle(store: Store, queue: QueueName, claim: Claim | undefined, decision: Decision): Promise<void> {
  claim?.settle(decision);
  await eventually('settled', async () => (await store.whereabouts(queue, [claim?.id ?? '']))[0]?.state !== 'active');
}

/** All pages of a search. */
async function collect(store: Store, queue: QueueName, query: DeliveryQuery): Promise<readonly KeptDelivery[]> {
  const found: KeptDelivery[] = [];
  for (let cursor = query.cursor, pages = 0; pages < 1000; pages += 1) {
    const page = await store.search(queue, { ...query, ...(cursor !== undefined && { cursor }) });
    expect(page.deliveries.length).toBeLessThanOrEqual(query.limit);
    found.push(...page.deliveries);
    cursor = page.cursor;
    if (cursor === undefined) return found;
  }
  throw new Error('the pages do not end');
}

async function idsOf(store: Store, queue: QueueName, query: DeliveryQuery): Promise<readonly string[]> {
  return (await collect(store, queue, query)).map(({ id }) => id);
}

function pattern(text: string): EventPattern {
  const event = parseEventPattern(text);
  if (event === undefined) throw new Error(`${text} is no pattern`);
  return event;
}

describe.each(engines)('on $engine', ({ createStore }) => {
  const queue = newQueue();

  async function start(): Promise<Store> {
    const folder = await createStore();
    cleanups.push(folder.remove);
    return open(folder.url, queue);
  }

  test('an empty queue is one empty page', async () => {
    const store = await start();
    expect(await store.search(queue, newest)).toEqual({ deliveries: [], lookedAt: 0 });
    expect(await store.search(queue, { ...oldest, state: 'dead', text: 'a' })).toEqual({ deliveries: [], lookedAt: 0 });
  });

  test('pages of any size list each delivery once, newest or oldest first, also those of one moment', async () => {
    const store = await start();
    const ids = [...(await add(store, queue, many(120))), ...(await add(store, queue, many(60)))];
    for (const order of ['newest', 'oldest'] as const) {
      const whole = await collect(store, queue, { order, limit: 1000 });
      expect(whole.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
      const times = whole.map(({ addedAtMs }) => addedAtMs);
      expect(times).toEqual(times.toSorted((a, b) => (order === 'newest' ? b - a : a - b)));
      expect(new Set(times).size).toBeLessThan(times.length); // there are ties
      for (const limit of [1, 7, 60, 179, 180]) {
        expect(await idsOf(store, queue, { order, limit })).toEqual(whole.map(({ id }) => id));
      }
    }
    const page = await store.search(queue, { order: 'newest', limit: 180 });
    expect(page).toMatchObject({ lookedAt: 180 });
    expect(page.cursor).toBeUndefined(); // nothing more is kept
  });

  test('each delivery is a place to go on from, and so is one that is not kept', async () => {
    const store = await start();
    await add(store, queue, many(40));
    for (const order of ['newest', 'oldest'] as const) {
      const whole = await collect(store, queue, { order, limit: 1000 });
      for (const [index, { cursor }] of whole.entries()) {
        const rest = whole.slice(index + 1).map(({ id }) => id);
        expect(await idsOf(store, queue, { order, limit: 15, cursor })).toEqual(rest);
        const justAbove = whole.slice(order === 'newest' ? index : index + 1).map(({ id }) => id);
        expect(await idsOf(store, queue, { order, limit: 1000, cursor: `${cursor}0` })).toEqual(justAbove);
      }
    }
  });

  test('a cursor stays good while deliveries arrive and end', async () => {
    const store = await start();
    await addApart(store, queue, many(10));
    const whole = await idsOf(store, queue, newest);
    const first = await store.search(queue, { order: 'newest', limit: 4 });
    await add(store, queue, many(5));
    const claims = workByHand(store, queue, 3);
    await eventually('claimed', () => claims.length === 3);
    await settle(store, queue, claims[0], { kind: 'done' });
    await settle(store, queue, claims[1], { kind: 'dead', reason: 'gave_up' });
    const rest = await idsOf(store, queue, { order: 'newest', limit: 3, cursor: first.cursor ?? '' });
    expect([...first.deliveries.map(({ id }) => id), ...rest]).toEqual(whole);
  });

  test('delivered and dead ones are listed by when they ended, and bounded by it', async () => {
    const store = await start();
    await addApart(store, queue, many(6));
    const claims = workByHand(store, queue, 6);
    await eventually('claimed', () => claims.length === 6);
    for (const [index, claim] of claims.toReversed().entries()) {
      await settle(store, queue, claim, index % 2 === 0 ? { kind: 'done' } : { kind: 'dead', reason: 'gave_up' });
      await nextMillisecond();
    }
    const added = claims.map(({ id }) => id);
    const [delivered, dead] = [
      [added[5], added[3], added[1]],
      [added[4], added[2], added[0]],
    ];
    expect(await idsOf(store, queue, { order: 'oldest', limit: 2, state: 'delivered' })).toEqual(delivered);
    expect(await idsOf(store, queue, { order: 'newest', limit: 2, state: 'dead' })).toEqual(dead.toReversed());
    const [, second] = await collect(store, queue, { ...oldest, state: 'dead' });
    const endedBeforeMs = second?.endedAtMs ?? 0;
    expect(second).toMatchObject({ id: added[2], state: 'dead', deathReason: 'gave_up: refused' });
    expect(await idsOf(store, queue, { ...oldest, state: 'dead', endedBeforeMs })).toEqual(dead.slice(0, 1));
    expect(await idsOf(store, queue, { ...oldest, state: 'delivered', endedBeforeMs })).toEqual(delivered.slice(0, 2));
    expect(await idsOf(store, queue, { ...oldest, endedBeforeMs })).toEqual([added[3], added[4], added[5]]);
    // Bounds on when they were added still mean that.
    const sinceMs = (await store.delivery(queue, added[3] ?? ''))?.addedAtMs ?? 0;
    expect(await idsOf(store, queue, { ...oldest, state: 'delivered', sinceMs })).toEqual([added[5], added[3]]);
    expect(await idsOf(store, queue, { ...oldest, state: 'delivered', untilMs: sinceMs })).toEqual([added[1]]);
  });

  test('each state is a filter, and a delivery has one', async () => {
    const store = await start();
    await addApart(store, queue, many(6));
    const claims = workByHand(store, queue, 1);
    for (const [index, decision] of (
      [{ kind: 'retry', delayMs: longMs }, { kind: 'done' }, { kind: 'dead', reason: 'gave_up' }] as const
    ).entries()) {
      await eventually('claimed', () => claims.length > index);
      await settle(store, queue, claims[index], decision);
    }
    await eventually('the fourth is claimed', () => claims[3]);
    const all = await collect(store, queue, oldest);
    expect(all.map(({ state }) => state)).toEqual(['delayed', 'delivered', 'dead', 'active', 'waiting', 'waiting']);
    for (const state of ['waiting', 'delayed', 'active', 'delivered', 'dead'] as const) {
      const expected = all.filter((kept) => kept.state === state).map(({ id }) => id);
      expect(await idsOf(store, queue, { order: 'oldest', limit: 1, state })).toEqual(expected);
    }
    const [delayed, delivered, dead, active, waiting] = all;
    const ids = [dead, delayed, undefined, active, delivered, waiting].map((kept) => kept?.id ?? 'not kept');
    expect(await store.whereabouts(queue, ids)).toEqual([
      { state: 'dead', endedAtMs: dead?.endedAtMs },
      { state: 'delayed' },
      undefined,
      { state: 'active' },
      { state: 'delivered', endedAtMs: delivered?.endedAtMs },
      { state: 'waiting' },
    ]);
    expect(delayed?.nextAttemptAtMs).toBeGreaterThan(Date.now() + longMs / 2);
    expect(delayed?.endedAtMs).toBeUndefined();
    expect(delivered?.nextAttemptAtMs).toBeUndefined();
  });

  test('a state is listed in the same order whether there are few or many of it', async () => {
    const store = await start();
    for (let round = 0; round < 7; round += 1) await add(store, queue, many(200));
    const claims = workByHand(store, queue, 200);
    await eventually('claimed', () => claims.length === 200);
    const whole = await collect(store, queue, oldest);
    for (const state of ['waiting', 'active'] as const) {
      const expected = whole.filter((kept) => kept.state === state);
      expect(expected).toHaveLength(state === 'active' ? 200 : 1200);
      const expectedIds = expected.map(({ id }) => id);
      for (const limit of [1000, 90]) {
        expect(await idsOf(store, queue, { order: 'oldest', limit, state })).toEqual(expectedIds);
        expect(await idsOf(store, queue, { order: 'newest', limit, state })).toEqual(expectedIds.toReversed());
      }
      for (const index of [0, 57, 199]) {
        const cursor = expected[index]?.cursor ?? '';
        const [below, above] = [expectedIds.slice(0, index).toReversed(), expectedIds.slice(index + 1)];
        expect(await idsOf(store, queue, { ...newest, state, cursor })).toEqual(below);
        expect(await idsOf(store, queue, { ...oldest, state, cursor })).toEqual(above);
        const untilMs = expected[index]?.addedAtMs ?? 0;
        const before = expected.filter(({ addedAtMs }) => addedAtMs < untilMs).map(({ id }) => id);
        expect(await idsOf(store, queue, { ...oldest, state, untilMs })).toEqual(before);
        expect(await idsOf(store, queue, { ...oldest, state, sinceMs: untilMs })).toEqual(
          expectedIds.slice(before.length),
        );
      }
    }
  });

  test('an event is filtered by its exact name, by a prefix, or not at all', async () => {
    const store = await start();
    const labels = [
      'meeting.created',
      'meeting.created_x',
      'meeting.ended',
      'meetingXended',
      'user.updated',
      'unknown',
    ];
    const ids = await addApart(
      store,
      queue,
      labels.map((label) => ({ label })),
    );
    const find = (event: string) => idsOf(store, queue, { ...oldest, event: pattern(event) });
    expect(await find('meeting.created')).toEqual([ids[0]]);
    expect(await find('meeting.*')).toEqual(ids.slice(0, 3));
    expect(await find('unknown')).toEqual([ids[5]]);
    expect(await find('meeting')).toEqual([]);
    expect(await find('*')).toEqual(ids);
    expect((await collect(store, queue, oldest)).map(({ event }) => event)).toEqual(labels);
  });

  test('what was added is bounded from its first to before its last millisecond, with every other filter', async () => {
    const store = await start();
    const ids = await addApart(
      store,
      queue,
      ['a.b', 'a.c', 'a.b', 'a.c', 'a.b'].map((label) => ({ label })),
    );
    const times = (await collect(store, queue, oldest)).map(({ addedAtMs }) => addedAtMs);
    const [sinceMs = 0, untilMs = 0] = [times[1], times[4]];
    expect(await idsOf(store, queue, { ...oldest, sinceMs, untilMs })).toEqual(ids.slice(1, 4));
    expect(await idsOf(store, queue, { order: 'newest', limit: 1, sinceMs, untilMs })).toEqual(
      ids.slice(1, 4).toReversed(),
    );
    const { cursor = '' } = await store.search(queue, { order: 'newest', limit: 2, sinceMs, untilMs });
    expect(await idsOf(store, queue, { ...newest, sinceMs, untilMs, cursor })).toEqual([ids[1]]);
    const event = pattern('a.b');
    expect(await idsOf(store, queue, { ...oldest, sinceMs, untilMs, event, state: 'waiting' })).toEqual([ids[2]]);
    expect(await idsOf(store, queue, { ...oldest, sinceMs, untilMs, event, state: 'delayed' })).toEqual([]);
  });

  test.each([1, 2])(
    'a text is found in body and headers of the delivery that has it, and nowhere else: version %i of the data',
    async (version) => {
      const store = await start();
      const requestId = 'x_9f8e7d6c5b4a';
      const bodies = [
        '{"event":"meeting.created","payload":{"object":{"uuid":"4444AAAiAAAAAiAiAiiAii==","topic":"🚒 ë"}}}',
        '{"event":"meeting.created","payload":{"object":{"host_email":"jane@example.com"}}}',
        'line\nfeed "quoted" back\\slash',
        'begins with one',
        'two ends it',
        'a `tick` and a "quote"',
      ];
      const ids = await addApart(
        store,
        queue,
        bodies.map((text, index) => ({
          body: Buffer.from(text),
          headers: index === 1 ? { 'x-zm-request-id': requestId, 'x-zm-trackingid': 'a "b" \\ c' } : {},
          version,
        })),
      );
      const find = (text: string) => idsOf(store, queue, { ...oldest, text });
      expect(await find('4444AAAiAAAAAiAiAiiAii==')).toEqual([ids[0]]);
      expect(await find('"uuid":"4444')).toEqual([ids[0]]);
      expect(await find('🚒 ë')).toEqual([ids[0]]);
      expect(await find('meeting.created')).toEqual(ids.slice(0, 2));
      expect(await find(requestId)).toEqual([ids[1]]);
      expect(await find('a "b" \\ c')).toEqual([ids[1]]);
      expect(await find('line\nfeed "quoted" back\\slash')).toEqual([ids[2]]);
      expect(await find('`tick` and a "quote"')).toEqual([ids[5]]);
      expect(await find('`')).toEqual([ids[5]]);
      expect(await find('.')).toEqual(ids.slice(0, 2)); // no pattern
      expect(await find('%')).toEqual([]);
      // As typed, or in lower case; not the other way round.
      expect(await find('JANE@Example.com')).toEqual([ids[1]]);
      expect(await find('4444aaaiaaaaaiaiaiiaii==')).toEqual([]);
      // Not as it is kept: names of fields and headers, escapes, the secret's id.
      for (const text of [
        'x-zm-request-id',
        'the-secret',
        'secretId',
        'receivedAtMs',
        'line\\nfeed',
        '\\"quoted',
        '`uuid',
      ]) {
        expect([text, await find(text)]).toEqual([text, []]);
      }
      expect(await find('onetwo')).toEqual([]);
      expect(await find('one two')).toEqual([]);
      // What can be in no text is in none, and no text is in all.
      expect(await find('a\0b')).toEqual([]);
      expect(await find('\ud800')).toEqual([]);
      expect(await find('')).toEqual(ids);
    },
  );

  test('a text is found in a handle of the delivery that has it', async () => {
    const store = await start();
    const bodies = ['{"topic":"one","id":85746065432,"host":"jane@example.com"}', '{"topic":"two","id":8}', 'three'];
    const handles = [['85746065432', 'jane@example.com'], ['8'], []];
    const contents = bodies.map((text, index) => ({ body: Buffer.from(text), handles: handles[index] ?? [] }));
    const ids = await addApart(store, queue, contents);
    const find = (text: string) => idsOf(store, queue, { ...oldest, text });
    expect(await find('85746065432')).toEqual([ids[0]]);
    expect(await find('57460')).toEqual([ids[0]]);
    expect(await find('JANE@Example.com')).toEqual([ids[0]]);
    expect(await find('8')).toEqual(ids.slice(0, 2));
    expect(await find('857460654321')).toEqual([]);
    expect(await find('.')).toEqual(ids.slice(0, 1)); // no pattern
    expect(await idsOf(store, queue, { ...oldest, text: '8', event: pattern('user.*') })).toEqual([]);
    expect(await find('')).toEqual(ids);
  });

  test('what is rare is found wherever it is, in any order, with small pages', async () => {
    const store = await start();
    const wanted = { body: Buffer.from('{"needle":1}') };
    const contents = [wanted, ...many(600), { body: Buffer.from('{"needle":2}') }, ...many(600)];
    const ids: string[] = [];
    for (let from = 0; from < contents.length; from += 200) {
      ids.push(...(await add(store, queue, contents.slice(from, from + 200))));
    }
    const expected = [ids[0], ids[601]];
    for (const limit of [1, 50]) {
      expect(await idsOf(store, queue, { order: 'oldest', limit, text: 'needle' })).toEqual(expected);
      expect(await idsOf(store, queue, { order: 'newest', limit, text: 'needle' })).toEqual(expected.toReversed());
    }
    expect(await store.search(queue, { ...newest, text: 'nowhere' })).toEqual({ deliveries: [], lookedAt: 1202 });
    const place = (await idsOf(store, queue, oldest)).indexOf(ids[0] ?? '');
    const first = await store.search(queue, { order: 'oldest', limit: 1, text: 'needle' });
    expect(first).toMatchObject({ lookedAt: place + 1, cursor: first.deliveries[0]?.cursor });
    const found = await store.whereabouts(queue, ids);
    expect(found).toEqual(ids.map(() => ({ state: 'waiting' })));
  });

  test('a delivery is told with every attempt, and briefly without them and its data', async () => {
    const store = await start();
    const body = uniqueBody();
    const headers = { 'x-zm-request-id': 'abc' };
    const [id = ''] = await add(store, queue, [{ body, headers }]);
    const claims = workByHand(store, queue, 1);
    (await eventually('claimed', () => claims[0])).settle({ kind: 'retry', delayMs: 0 });
    await settle(store, queue, await eventually('claimed again', () => claims[1]), { kind: 'done' });
    const kept = await store.delivery(queue, id);
    const record = { startedAtMs: 1, durationMs: 2, worker: 'test' };
    expect(kept).toEqual({
      id,
      event: 'meeting.created',
      state: 'delivered',
      addedAtMs: kept?.addedAtMs,
      endedAtMs: kept?.endedAtMs,
      attempts: [
        { ...record, attempt: 1, outcome: 'refused' },
        { ...record, attempt: 2, outcome: 'delivered' },
      ],
      replays: [],
      data: encodeDelivery({ body, headers, receivedAtMs: 0, secretId: 'the-secret' }),
      cursor: `${kept?.addedAtMs}:${id}`,
    });
    expect(kept?.endedAtMs).toBeGreaterThanOrEqual(kept?.addedAtMs ?? Number.POSITIVE_INFINITY);
    expect((await store.search(queue, newest)).deliveries).toEqual([kept]);
    const brief = { ...kept, attempts: [], data: undefined };
    expect((await store.search(queue, { ...newest, isBrief: true })).deliveries).toEqual([brief]);
    expect(await store.delivery(queue, 'not kept')).toBeUndefined();
  });

  test('a cursor that is none is refused', async () => {
    const store = await start();
    for (const cursor of ['', 'garbage', ':a', '1:', '-1:a', '1e3:a', '1:a\0', `1:${'a'.repeat(201)}`]) {
      await expect(store.search(queue, { ...newest, cursor })).rejects.toMatchObject({ code: 'cursor_invalid' });
    }
  });
});

test('a search ends after 20,000 that were looked at or 400 ms, and says where to go on', async () => {
  const steps = { lookedAt: 500, deliveries: [], cursor: '1:a' };
  const stopped = { lookedAt: 20_000, deliveries: [], cursor: '1:a' };
  expect(
    await searchDeliveries(
      async () => steps,
      newest,
      () => 0,
    ),
  ).toEqual(stopped);
  let nowMs = 0;
  const slow = async () => {
    nowMs += 150;
    return steps;
  };
  expect(await searchDeliveries(slow, newest, () => nowMs)).toEqual({ ...stopped, lookedAt: 1500 });
});

test('each step of a search is asked for what is still missing, from where the one before ended', async () => {
  const asked: unknown[] = [];
  const one = {
    id: 'a',
    event: '',
    state: 'dead',
    addedAtMs: 1,
    attempts: [],
    replays: [],
    data: {},
    cursor: '',
  } as const;
  const page = await searchDeliveries(
    async ({ limit, cursor }) => {
      asked.push([limit, cursor]);
      return { deliveries: [one], lookedAt: 10, cursor: `${asked.length}:a` };
    },
    { order: 'newest', limit: 3 },
    () => 0,
  );
  expect(asked).toEqual([
    [3, undefined],
    [2, '1:a'],
    [1, '2:a'],
  ]);
  expect(page).toEqual({ deliveries: [one, one, one], lookedAt: 30, cursor: '3:a' });
});

describe('the index of all jobs on redis', () => {
  /** A store with upkeep every tenth of a second, and a connection to look at its keys. */
  async function startIndexed() {
    const { url } = await createRedisDatabase();
    const queue = newQueue();
    const store = await open(url, queue, 100);
    const client = new Redis(url);
    cleanups.push(async () => client.disconnect());
    return { store, queue, client, index: `zoom-relay:${queue}:index`, ledger: `zoom-relay:${queue}:ledger` };
  }

  test('loses what retention has removed, and nothing else', async () => {
    const { store, queue, client, index } = await startIndexed();
    await add(store, queue, many(150));
    const claims = workByHand(store, queue, 5, 20);
    for (let settled = 0; settled < 120; settled += 1) {
      const decision: Decision = settled % 10 === 0 ? { kind: 'dead', reason: 'gave_up' } : { kind: 'done' };
      (await eventually('claimed', () => claims[settled])).settle(decision);
    }
    const pending = (await store.queueState(queue)).waiting + 5;
    await eventually('tidied', async () => (await client.zcard(index)) === 12 + 20 + 30);
    expect(pending).toBeGreaterThanOrEqual(30);
    const { deliveries } = await store.search(queue, newest);
    const states = Map.groupBy(deliveries, ({ state }) => state);
    expect(states.get('dead')).toHaveLength(12);
    expect(states.get('delivered')).toHaveLength(20);
  });

  test('takes in what was kept before there was one, and counts none of it again', async () => {
    const { store, queue, client, index, ledger } = await startIndexed();
    await add(store, queue, many(50));
    const whole = await idsOf(store, queue, newest);
    for (const id of whole) await client.hset(keyOf(queue, id), { counted: 1, timestamp: Date.now() - 10_000 }); // as then
    await client.del(index);
    await client.hdel(ledger, 'indexed');
    workByHand(store, queue, 1); // upkeep is the workers'
    await eventually('indexed', async () => (await idsOf(store, queue, newest)).length === 50);
    expect((await idsOf(store, queue, newest)).toSorted()).toEqual(whole.toSorted());
    await eventually('said', async () => (await client.hget(ledger, 'indexed')) === '1');
    expect(await store.account(queue)).toMatchObject({ accepted: 50, pending: 50, delivered: 0, dead: 0 });
  });

  test('what a killed process left out is found by upkeep, wherever it is by now', async () => {
    const { store, queue, client, index, ledger } = await startIndexed();
    const claims = workByHand(store, queue, 50);
    await add(store, queue, many(10));
    const decisions: readonly Decision[] = [
      { kind: 'done' },
      { kind: 'retry', delayMs: 60_000 },
      { kind: 'dead', reason: 'gave_up' },
    ];
    for (const [nth, decision] of decisions.entries())
      (await eventually('claimed', () => claims[nth])).settle(decision);
    await store.pause(queue);
    const waiting = await add(store, queue, many(2500));
    const { delivered, dead, delayed, active } = await eventually('settled', async () => {
      const state = await store.queueState(queue);
      return state.dead === 1 && state.delayed === 1 && state.delivered === 1 && state;
    });
    expect({ delivered, dead, delayed, active }).toEqual({ delivered: 1, dead: 1, delayed: 1, active: 7 });
    const claimed = claims.map(({ id }) => id);
    const missed = [...claimed, waiting[0] ?? '', waiting[1200] ?? '', waiting[2499] ?? ''];
    for (const id of missed) await client.hset(keyOf(queue, id), 'timestamp', Date.now() - 10_000);
    await client.zrem(index, ...missed);
    await client.hincrby(ledger, 'accepted', -missed.length);
    await eventually('counted', async () => (await store.account(queue)).accepted === 2510);
    expect(await client.zcard(index)).toBe(2510);
  });

  test('what retention has removed is new when it is added again, though the index still has it', async () => {
    const { url } = await createRedisDatabase();
    const queue = newQueue();
    const store = await open(url, queue); // upkeep after a minute
    const client = new Redis(url);
    cleanups.push(async () => client.disconnect());
    const claims = workByHand(store, queue, 1, 1);
    const body = uniqueBody();
    const [id = ''] = await add(store, queue, [{ body }]);
    (await eventually('claimed', () => claims[0])).settle({ kind: 'done' });
    await add(store, queue, many(1));
    (await eventually('claimed', () => claims[1])).settle({ kind: 'done' });
    await eventually('removed', async () => (await client.exists(keyOf(queue, id))) === 0);
    const addedBefore = await client.zscore(keyOf(queue, 'index'), id);
    expect(addedBefore).not.toBeNull();
    await add(store, queue, [{ body }]);
    expect(await store.account(queue)).toMatchObject({ accepted: 3 });
    expect(Number(await client.zscore(keyOf(queue, 'index'), id))).toBeGreaterThan(Number(addedBefore));
    (await eventually('claimed', () => claims[2])).settle({ kind: 'done' });
  });

  test('a delivery that waits has no more with it than it needs, since a backlog is kept in memory', async () => {
    const { store, queue, client } = await startIndexed();
    const [id = ''] = await add(store, queue, [{ handles: ['Jane'] }]);
    const { timestamp, data, ...rest } = await client.hgetall(keyOf(queue, id));
    expect(rest).toEqual({ name: 'meeting.created#jane', opts: '{}', delay: '0', priority: '0' });
    expect(data).toMatch(/^\[2,0,0,"the-secret",\[0,0,0,0,0,0,0\],"\{`event`/);
    expect(timestamp).toMatch(/^\d{13}$/);
  });

  test('a delivery is found by its handles alone, whatever the case, also by none; without them by what stands in it', async () => {
    const { store, queue, client } = await startIndexed();
    const body = (topic: string) => Buffer.from(JSON.stringify({ topic, host: 'Jane' }));
    const contents = [
      { body: body('one'), handles: ['Jane'] },
      { body: body('two'), handles: [] },
      { body: body('three') },
    ];
    const [known = '', none = '', unknown = ''] = await addApart(store, queue, contents);
    const find = (text: string) => idsOf(store, queue, { ...oldest, text });
    expect(await find('jane')).toEqual([known]);
    expect(await find('Jane')).toEqual([known, unknown]);
    expect(await find('topic')).toEqual([unknown]);
    // Releases before kept handles in a field of their own, if at all.
    for (const [id, handles] of [
      [known, '\njane'],
      [none, '\n'],
    ] as const)
      await client.hset(`zoom-relay:${queue}:${id}`, { name: 'meeting.created', handles });
    expect(await find('jane')).toEqual([known]);
    expect(await find('topic')).toEqual([unknown]);
    for (const id of [known, none]) await client.hdel(`zoom-relay:${queue}:${id}`, 'handles');
    expect(await find('topic')).toEqual([known, none, unknown]);
  });

  test('handles beside the name of the event are no part of it, and an event is not found as a handle', async () => {
    const { store, queue } = await startIndexed();
    const contents = [
      { label: 'meeting.created', handles: ['user.updated'] },
      { label: 'user.updated', handles: [] },
    ];
    const [first, second] = await addApart(store, queue, contents);
    const find = (query: Partial<DeliveryQuery>) => idsOf(store, queue, { ...oldest, ...query });
    expect(await find({ event: pattern('meeting.created') })).toEqual([first]);
    expect(await find({ event: pattern('user.*') })).toEqual([second]);
    expect(await find({ text: 'user.updated' })).toEqual([first]);
    expect(await find({ text: 'created' })).toEqual([]);
    const { deliveries } = await store.search(queue, oldest);
    expect(deliveries.map(({ event }) => event)).toEqual(['meeting.created', 'user.updated']);
  });

  test('data that is no JSON is found as it is', async () => {
    const { store, queue, client } = await startIndexed();
    const [id = ''] = await add(store, queue, many(1));
    await client.hset(`zoom-relay:${queue}:${id}`, 'data', 'garbage {');
    expect(await store.delivery(queue, id)).toMatchObject({ data: 'garbage {' });
    expect(await idsOf(store, queue, { ...newest, text: 'bage {' })).toEqual([id]);
    expect(await idsOf(store, queue, { ...newest, text: 'other' })).toEqual([]);
  });
});
