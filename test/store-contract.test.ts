import { describe, expect, test } from 'vitest';
import { notificationIdOf, queueNameOf, recallConsumer } from '../src/delivery/names.ts';
import { encodeDelivery } from '../src/delivery/stored-delivery.ts';
import { createLog } from '../src/log.ts';
import { openStore } from '../src/store/open-store.ts';
import type { Store } from '../src/store/store.ts';
import { uniqueBody } from './support/bodies.ts';
import { engines } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { defaultApp } from './support/test-relay.ts';

const queue = queueNameOf(defaultApp, recallConsumer);

function newDelivery() {
  const body = uniqueBody();
  const data = encodeDelivery({ body, headers: {}, receivedAtMs: 0, secretId: '' });
  return { queue, id: notificationIdOf(body), label: 'meeting.created', data, sizeBytes: body.length };
}

async function open(url: string): Promise<Store> {
  const setup = {
    url,
    queues: [queue],
    apps: [defaultApp],
    workers: 1,
    log: createLog('silent'),
    allowEviction: false,
  };
  const store = openStore({ ...setup, upkeepIntervalMs: 200, nowMs: () => performance.now(), onFatal: () => {} });
  store.open();
  await eventually('open', () => store.status().ready);
  return store;
}

describe.each(engines)('on $engine', ({ createStore }) => {
  test('of two copies in one batch the first is new and the second is not; so are later ones', async () => {
    const folder = await createStore();
    const store = await open(folder.url);
    const [once, twice] = [newDelivery(), newDelivery()];
    expect(await store.add([twice, once, twice])).toEqual([true, true, false]);
    expect(await store.add([twice, once])).toEqual([false, false]);
    expect(await store.account(queue)).toMatchObject({ accepted: 2, pending: 2 });
    await store.close();
    await folder.remove();
  });

  test('what is delivered is kept up to the count; what is pending is never removed; the ledger still adds up', async () => {
    const folder = await createStore();
    const store = await open(folder.url);
    const held = Promise.withResolvers<void>();
    const deliveries = Array.from({ length: 30 }, newDelivery);
    let processed = 0;
    const retention = { retainDeliveredMs: 3_600_000, retainDeliveredCount: 10, retainDeadMs: 3_600_000 };
    store.work(queue, { concurrency: 1, lockMs: 60_000, ...retention }, async () => {
      processed += 1;
      if (processed > 25) await held.promise; // five are left pending
      const record = { attempt: 1, startedAtMs: 0, durationMs: 0, outcome: 'delivered', worker: 'test' } as const;
      return { decision: { kind: 'done' }, record };
    });
    expect(await store.add(deliveries)).toEqual(deliveries.map(() => true));
    await eventually('25 delivered', async () => (await store.account(queue)).delivered === 25);
    // A delivery whose record was removed is new again; one that is kept, or pending, is not.
    const areNew = await eventually('the surplus is removed', async () => {
      const first = deliveries[0];
      const answer = first === undefined ? [] : await store.add([first]);
      return answer[0] === true && answer;
    });
    expect(areNew).toEqual([true]);
    expect(await store.add(deliveries.slice(-6))).toEqual(Array(6).fill(false));
    const { accepted, delivered, pending, dead } = await store.account(queue);
    expect({ accepted, delivered, pending, dead }).toEqual({ accepted: 31, delivered: 25, pending: 6, dead: 0 });
    held.resolve();
    await store.close();
    await folder.remove();
  });
});

test('on postgres, two writers of the same ids in opposite order do not refuse each other', async () => {
  const database = await engines[2].createStore();
  const [one, other] = [await open(database.url), await open(database.url)];
  for (let round = 0; round < 30; round += 1) {
    const deliveries = Array.from({ length: 60 }, newDelivery);
    const answers = await Promise.all([one.add(deliveries), other.add(deliveries.toReversed())]);
    expect(answers.flat().filter(Boolean)).toHaveLength(60);
  }
  await Promise.all([one.close(), other.close()]);
  await database.remove();
});
