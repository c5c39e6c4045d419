import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Decision } from '../src/delivery/decide.ts';
import { type AppKey, notificationIdOf, type QueueName, queueNameOf, recallConsumer } from '../src/delivery/names.ts';
import { encodeDelivery, type NewDelivery } from '../src/delivery/stored-delivery.ts';
import { createLog } from '../src/log.ts';
import { openStore } from '../src/store/open-store.ts';
import type { ProcessDelivery, RateLimit, SettledDelivery, Store } from '../src/store/store.ts';
import { uniqueBody } from './support/bodies.ts';
import { createRedisDatabase, engines, type TestStore } from './support/engines.ts';
import { eventually } from './support/eventually.ts';

const longMs = 3_600_000;
/** A tenth of a second is long for a worker, which claims in a millisecond. */
const holdMs = 100;

interface Queues {
  readonly queue: QueueName;
  readonly fence: QueueName;
}

/** Names that no other test has, since a Redis database may have been used before. */
function newQueues(): Queues {
  const app = `a${randomUUID()}` as AppKey;
  return { queue: queueNameOf(app, recallConsumer), fence: queueNameOf(`${app}-2` as AppKey, recallConsumer) };
}

function create(url: string, { queue, fence }: Queues): Store {
  const setup = { queues: [queue, fence], apps: [], workers: 2, log: createLog('silent'), allowEviction: false };
  return openStore({ url, ...setup, nowMs: () => performance.now(), onFatal: () => {} });
}

function newDelivery(queue: QueueName): NewDelivery {
  const body = uniqueBody();
  const data = encodeDelivery({ body, headers: {}, receivedAtMs: 0, secretId: '' });
  return { queue, id: notificationIdOf(body), label: 'meeting.created', data, sizeBytes: body.length };
}

async function add(store: Store, queue: QueueName, count: number): Promise<readonly string[]> {
  const deliveries = Array.from({ length: count }, () => newDelivery(queue));
  expect(await store.add(deliveries)).toEqual(deliveries.map(() => true));
  return deliveries.map(({ id }) => id);
}

function settle(decision: Decision): SettledDelivery {
  return { decision, record: { attempt: 1, startedAtMs: 0, durationMs: 0, outcome: 'delivered', worker: 'test' } };
}

interface Claim {
  readonly id: string;
  readonly settle: (decision: Decision) => void;
}

/** What was claimed by hand in this test: a store does not close before all of it is settled. */
const claims: Claim[] = [];

/** Processes that settle when, and as, the test says. */
function byHand() {
  const claimed: Claim[] = [];
  const process: ProcessDelivery = ({ id }) => {
    const { promise, resolve } = Promise.withResolvers<SettledDelivery>();
    const claim: Claim = { id, settle: (decision) => resolve(settle(decision)) };
    claimed.push(claim);
    claims.push(claim);
    return promise;
  };
  return { claimed, process };
}

const done: ProcessDelivery = async () => settle({ kind: 'done' });

function work(
  store: Store,
  queue: QueueName,
  process: ProcessDelivery,
  {
    concurrency = 1,
    claimedAhead = 0,
    rateLimit,
  }: { readonly concurrency?: number; readonly claimedAhead?: number; readonly rateLimit?: RateLimit } = {},
): void {
  const retention = { retainDeliveredMs: longMs, retainDeliveredCount: 1000, retainDeadMs: longMs };
  const options = { concurrency, claimedAhead, lockMs: 60_000, ...retention };
  store.work(queue, { ...options, ...(rateLimit && { rateLimit }) }, process);
}

describe.each(engines)('queues on $engine', ({ engine, createStore }) => {
  let folder: TestStore;
  let queues: Queues;
  let queue: QueueName;
  let stores: Store[];

  beforeEach(async () => {
    folder = await createStore();
    queues = newQueues();
    queue = queues.queue;
    stores = [];
  });
  afterEach(async () => {
    const closing = stores.map((store) => store.close());
    for (const claim of claims.splice(0)) claim.settle({ kind: 'done' });
    await Promise.all(closing);
    await folder.remove();
  });

  async function open(): Promise<Store> {
    const store = create(folder.url, queues);
    stores.push(store);
    store.open();
    await eventually('open', () => store.status().ready);
    return store;
  }

  test('what was claimed ahead is not attempted beyond the concurrency, and goes back when the workers stop', async () => {
    const store = await open();
    const { claimed, process } = byHand();
    work(store, queue, process, { concurrency: 2, claimedAhead: 3 });
    await add(store, queue, 7);
    await eventually('claimed', async () => (await store.queueState(queue)).active === 5);
    expect(claimed).toHaveLength(2);
    claimed[0]?.settle({ kind: 'done' });
    await eventually('the next one', () => claimed.length === 3);
    await eventually('claimed again', async () => (await store.queueState(queue)).active === 5);
    const stopped = store.stopWorkers();
    for (const claim of claimed) claim.settle({ kind: 'done' });
    await stopped;
    expect(claimed).toHaveLength(3);
    const { waiting, delayed, active, delivered } = await store.queueState(queue);
    expect({ pending: waiting + delayed, active, delivered }).toEqual({ pending: 4, active: 0, delivered: 3 });
  });

  /** A store as another process has it; an embedded one has no other. */
  async function openAnother(store: Store): Promise<Store> {
    return engine === 'embedded' ? store : open();
  }

  /** Resolves when workers have had time for whatever they were about to do: a delivery elsewhere was held and done. */
  async function passFence(store: Store): Promise<void> {
    await add(store, queues.fence, 1);
    let wasHeld = false;
    work(store, queues.fence, async () => {
      if (wasHeld) return settle({ kind: 'done' });
      wasHeld = true;
      return settle({ kind: 'hold', delayMs: 3 * holdMs });
    });
    await eventually('the fence is passed', async () => (await store.queueState(queues.fence)).delivered === 1);
  }

  test('the state of a queue counts each delivery once, where it is', async () => {
    const store = await open();
    const empty = { waiting: 0, delayed: 0, active: 0, delivered: 0, dead: 0, isPaused: false };
    expect(await store.queueState(queue)).toEqual({ ...empty, oldestPendingAtMs: undefined });
    const { claimed, process } = byHand();
    const decisions: readonly Decision[] = [
      { kind: 'retry', delayMs: longMs },
      { kind: 'done' },
      { kind: 'dead', reason: 'corrupt' },
      { kind: 'done' },
    ];
    await add(store, queue, 7);
    work(store, queue, process);
    for (const [index, decision] of decisions.entries()) {
      (await eventually('claimed', () => claimed[index])).settle(decision);
    }
    await eventually('the fifth is claimed', () => claimed[4]);
    const state = await store.queueState(queue);
    expect(state).toMatchObject({ waiting: 2, delayed: 1, active: 1, delivered: 2, dead: 1, isPaused: false });
    expect(await store.account(queue)).toMatchObject({ accepted: 7, pending: 4, delivered: 2, dead: 1 });
    await store.pause(queue);
    expect(await store.queueState(queue)).toEqual({ ...state, isPaused: true });
  });

  test('the oldest is found while it waits, is active, is delayed, and has come back behind newer ones', async () => {
    const store = await open();
    const from = Date.now();
    await add(store, queue, 1);
    const to = Date.now();
    await eventually('the clock goes on', () => Date.now() > to);
    await add(store, queue, 3);
    const oldest = async (): Promise<number> => (await store.queueState(queue)).oldestPendingAtMs ?? 0;
    const expectFirst = async (): Promise<void> => {
      expect(await oldest()).toBeGreaterThanOrEqual(from);
      expect(await oldest()).toBeLessThanOrEqual(to);
    };
    await expectFirst();

    const { claimed, process } = byHand();
    work(store, queue, process, { concurrency: 2 });
    const [first, second] = await eventually('two active', () => claimed.length === 2 && claimed);
    await expectFirst();

    await store.pause(queue);
    first?.settle({ kind: 'retry', delayMs: 1 });
    await eventually('back', async () => {
      await expectFirst(); // delayed, then promoted
      return (await store.queueState(queue)).waiting === 3;
    });
    await expectFirst();

    second?.settle({ kind: 'done' });
    await store.resume(queue);
    for (const index of [2, 3, 4]) {
      const next = await eventually('claimed', () => claimed[index]);
      const isFirst = next.id === first?.id;
      next.settle(isFirst ? { kind: 'retry', delayMs: longMs } : { kind: 'done' });
    }
    await eventually('only the first is left', async () => (await store.queueState(queue)).delivered === 3);
    expect(await store.queueState(queue)).toMatchObject({ delayed: 1, waiting: 0, active: 0 });
    await expectFirst();
  });

  test('a paused queue takes deliveries and finishes what is active, but claims nothing until it is resumed', async () => {
    const store = await open();
    const operator = await openAnother(store); // without a worker, where it is another process
    const { claimed, process } = byHand();
    work(store, queue, process);
    await add(store, queue, 2);
    const active = await eventually('claimed', () => claimed[0]);

    await operator.pause(queue);
    await operator.pause(queue); // twice is once
    await add(operator, queue, 3);
    expect(await operator.queueState(queue)).toMatchObject({ isPaused: true, waiting: 4, active: 1 });
    active.settle({ kind: 'done' });
    await eventually('finished', async () => (await operator.queueState(queue)).delivered === 1);
    await add(store, queue, 1);
    await passFence(store);
    expect(claimed).toHaveLength(1);
    expect(await operator.queueState(queue)).toMatchObject({ isPaused: true, waiting: 5, active: 0, delivered: 1 });
    expect(await operator.account(queue)).toMatchObject({ accepted: 6, pending: 5, delivered: 1 });

    await operator.resume(queue);
    await eventually('all claimed', () => {
      for (const { settle } of claimed) settle({ kind: 'done' });
      return claimed.length === 6;
    });
    await eventually('all delivered', async () => (await operator.queueState(queue)).delivered === 6);
    expect(new Set(claimed.map(({ id }) => id)).size).toBe(6);
    expect((await operator.queueState(queue)).isPaused).toBe(false);
  });

  test('a pause outlasts a restart of every process', async () => {
    const before = await open();
    await add(before, queue, 2);
    await before.pause(queue);
    await before.close();
    const after = await open();
    let processed = 0;
    work(after, queue, async () => {
      processed += 1;
      return settle({ kind: 'done' });
    });
    await passFence(after);
    expect(processed).toBe(0);
    expect(await after.queueState(queue)).toMatchObject({ isPaused: true, waiting: 2 });
    await after.resume(queue);
    await eventually('delivered', async () => (await after.queueState(queue)).delivered === 2);
  });

  test('a resumed queue goes on at once, though a worker waits for a delivery that is due in an hour', async () => {
    const store = await open();
    await add(store, queue, 1);
    const { claimed, process } = byHand();
    work(store, queue, process);
    (await eventually('claimed', () => claimed[0])).settle({ kind: 'retry', delayMs: longMs });
    await eventually('delayed', async () => (await store.queueState(queue)).delayed === 1);
    await store.pause(queue);
    await add(store, queue, 1);
    await passFence(store);
    await store.resume(queue);
    (await eventually('claimed', () => claimed[1])).settle({ kind: 'done' });
    await eventually('delivered', async () => (await store.queueState(queue)).delivered === 1);
  });

  test('a pause while the queue is held: the end of the hold claims nothing, a resume does', async () => {
    const store = await open();
    await add(store, queue, 2);
    let [attempts, isOver] = [0, false];
    work(store, queue, async () => {
      attempts += 1;
      return settle(isOver ? { kind: 'done' } : { kind: 'hold', delayMs: holdMs });
    });
    await eventually('held', () => attempts > 0);
    await store.pause(queue);
    await eventually('put back', async () => (await store.queueState(queue)).active === 0);
    const before = attempts;
    await passFence(store);
    expect(attempts).toBe(before);
    expect(await store.queueState(queue)).toMatchObject({ isPaused: true, waiting: 2, active: 0 });
    isOver = true;
    await store.resume(queue);
    await eventually('all delivered', async () => (await store.queueState(queue)).delivered === 2);
  });

  test('a resume while the queue is held: the end of the hold goes on', async () => {
    const store = await open();
    await add(store, queue, 2);
    const { claimed, process } = byHand();
    work(store, queue, process);
    const first = await eventually('claimed', () => claimed[0]);
    await store.pause(queue);
    first.settle({ kind: 'hold', delayMs: holdMs });
    await eventually('held', async () => (await store.queueState(queue)).waiting === 2);
    await store.resume(queue);
    await eventually('all delivered', async () => {
      for (const { settle } of claimed) settle({ kind: 'done' });
      return (await store.queueState(queue)).delivered === 2;
    });
  });

  describe('with a rate limit', () => {
    const twoAnHour: RateLimit = { max: 2, durationMs: longMs };

    /** Processes what is left without a limit, which shows that it was only the limit that kept it waiting. */
    async function deliverRest(all: number): Promise<void> {
      const unlimited = await openAnother(stores[0] ?? (await open()));
      work(unlimited, queue, done, { concurrency: 5 });
      await eventually('the rest is delivered', async () => (await unlimited.queueState(queue)).delivered === all);
    }

    test('all processes together attempt no more than it allows', async () => {
      const store = await open();
      const another = await openAnother(store);
      let attempts = 0;
      for (const limited of [store, another]) {
        work(
          limited,
          queue,
          async () => {
            attempts += 1;
            return settle({ kind: 'done' });
          },
          { concurrency: 3, rateLimit: twoAnHour },
        );
      }
      await add(store, queue, 20);
      await eventually('two delivered', async () => (await store.queueState(queue)).delivered === 2);
      await passFence(store);
      expect(await store.queueState(queue)).toMatchObject({ delivered: 2, waiting: 18, active: 0 });
      await deliverRest(20);
      expect(attempts).toBe(2);
    });

    test('a window that ends lets the next ones through', async () => {
      const store = await open();
      await add(store, queue, 7);
      work(store, queue, done, { concurrency: 3, rateLimit: { max: 2, durationMs: holdMs } });
      await eventually('all delivered', async () => (await store.queueState(queue)).delivered === 7);
    });

    test('a hold holds all of it, and after a hold the limit limits again', async () => {
      const store = await open();
      const { claimed, process } = byHand();
      work(store, queue, process, { rateLimit: twoAnHour });
      await add(store, queue, 20);
      (await eventually('claimed', () => claimed[0])).settle({ kind: 'hold', delayMs: holdMs });
      (await eventually('claimed again', () => claimed[1])).settle({ kind: 'done' });
      (await eventually('and the next', () => claimed[2])).settle({ kind: 'done' });
      await eventually('two delivered', async () => (await store.queueState(queue)).delivered === 2);
      await passFence(store);
      expect(await store.queueState(queue)).toMatchObject({ delivered: 2, waiting: 18, active: 0 });
      await deliverRest(20);
      expect(claimed).toHaveLength(3);
    });

    test('a hold keeps also other processes from attempting', async () => {
      const store = await open();
      const { claimed, process } = byHand();
      work(store, queue, process, { rateLimit: { max: 1000, durationMs: 50 } });
      await add(store, queue, 20);
      (await eventually('claimed', () => claimed[0])).settle({ kind: 'hold', delayMs: longMs });
      await eventually('held', async () => (await store.queueState(queue)).waiting === 20);
      const another = await openAnother(store);
      work(another, queue, process, { rateLimit: { max: 1000, durationMs: 50 } });
      await passFence(store);
      expect(await store.queueState(queue)).toMatchObject({ waiting: 20, active: 0 });
      await deliverRest(20);
      expect(claimed).toHaveLength(1);
    });
  });
});

test('on redis, of many waiting and many delayed the oldest at either end is found', async () => {
  const { url } = await createRedisDatabase();
  const queues = newQueues();
  const { queue } = queues;
  const store = create(url, queues);
  store.open();
  await eventually('open', () => store.status().ready);
  const client = new Redis(url);
  const prefix = `zoom-relay:${queue}:`;
  const ids = await add(store, queue, 1500);
  const ages = { newest: 1000, delayedLast: 900, delayedFirst: 800, waitLeft: 700, waitRight: 600, active: 500 };
  const order = await client.lrange(`${prefix}wait`, 0, -1);
  expect(order.toReversed()).toEqual(ids); // BullMQ takes from the right
  for (const id of ids) await client.hset(`${prefix}${id}`, 'timestamp', ages.newest);
  const oldest = async (): Promise<number | undefined> => (await store.queueState(queue)).oldestPendingAtMs;
  expect(await oldest()).toBe(ages.newest);
  const delayed = Array.from({ length: 1500 }, (_nothing, index) => `delayed-${index}`);
  for (const [index, id] of delayed.entries()) {
    await client.zadd(`${prefix}delayed`, (Date.now() + longMs) * 0x1000 + index, id);
    await client.hset(`${prefix}${id}`, 'timestamp', ages.newest);
  }
  await client.hset(`${prefix}${delayed.at(-1)}`, 'timestamp', ages.delayedLast);
  expect(await oldest()).toBe(ages.delayedLast);
  await client.hset(`${prefix}${delayed.at(0)}`, 'timestamp', ages.delayedFirst);
  expect(await oldest()).toBe(ages.delayedFirst);
  await client.hset(`${prefix}${order.at(0)}`, 'timestamp', ages.waitLeft);
  expect(await oldest()).toBe(ages.waitLeft);
  await client.hset(`${prefix}${order.at(-1)}`, 'timestamp', ages.waitRight);
  expect(await oldest()).toBe(ages.waitRight);
  await client.hset(`${prefix}claimed`, 'timestamp', ages.active);
  await client.lpush(`${prefix}active`, 'claimed');
  expect(await oldest()).toBe(ages.active);
  expect(await store.queueState(queue)).toMatchObject({ waiting: 1500, delayed: 1500, active: 1 });
  client.disconnect();
  await store.close();
});

test('a queue of a store that is not open is not told about, paused or resumed', async () => {
  const queues = newQueues();
  const store = create('redis://127.0.0.1:1', queues);
  const unavailable = { name: 'RelayError', code: 'store_unavailable' };
  await expect(store.queueState(queues.queue)).rejects.toMatchObject(unavailable);
  await expect(store.pause(queues.queue)).rejects.toMatchObject(unavailable);
  await expect(store.resume(queues.queue)).rejects.toMatchObject(unavailable);
  await store.close();
});
