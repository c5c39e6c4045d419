import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closedCircuit } from '../src/delivery/circuit.ts';
import { intakeCountsOf, offBy, receivedOf } from '../src/delivery/ledger.ts';
import { type AppKey, type ConsumerKey, notificationIdOf } from '../src/delivery/names.ts';
import { answering } from '../src/demo/recall-stand-in.ts';
import { IntakeLedger } from '../src/intake/intake-ledger.ts';
import { readLedger } from '../src/operator/ledger.ts';
import type { OperatorSource } from '../src/operator/ports.ts';
import { uniqueBody } from './support/bodies.ts';
import { createRedisDatabase, engines, type TestStore } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { startTestRelay, type TestRelay } from './support/test-relay.ts';

const acme = 'acme' as AppKey;
const token = { authorization: 'Bearer operator-token-for-tests' };

async function ledgerOf(relay: TestRelay) {
  const answer = await fetch(new URL('/api/ledger', relay.relay.privateUrl), { headers: token });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Awaited<ReturnType<typeof readLedger>>;
}

describe('pure parts', () => {
  test('received is the sum of what became of it', () => {
    const counts = intakeCountsOf({
      accepted: 1,
      duplicate: 2,
      'rejected.a': 3,
      'rejected.b': 4,
      challenge: 5,
      turnedAway: 6,
    });
    expect(counts.rejected).toEqual({ a: 3, b: 4 });
    expect(receivedOf(counts)).toBe(21);
  });

  test('a consumer is off by what was accepted and is nowhere', () => {
    expect(offBy({ accepted: 6, delivered: 1, pending: 2, dead: 3 })).toBe(0);
    expect(offBy({ accepted: 7, delivered: 1, pending: 2, dead: 3 })).toBe(1);
    expect(offBy({ accepted: 5, delivered: 1, pending: 2, dead: 3 })).toBe(-1);
  });

  test('counts that cannot be written are written later, once', async () => {
    const written: unknown[] = [];
    let isAway = true;
    const ledger = new IntakeLedger({
      async countIntake(_app, counts) {
        if (isAway) throw new Error('away');
        written.push(counts);
      },
    });
    ledger.count(acme, 'accepted');
    await ledger.flush();
    ledger.count(acme, 'accepted');
    ledger.count(acme, 'rejected.signature_mismatch');
    isAway = false;
    await ledger.stop();
    await ledger.flush();
    expect(written).toEqual([{ accepted: 2, 'rejected.signature_mismatch': 1 }]);
    expect(ledger.sinceStart(acme)).toEqual({ accepted: 2, 'rejected.signature_mismatch': 1 });
  });

  test('a reading that is off is taken again before it is believed', async () => {
    let readings = 0;
    const source: Pick<OperatorSource, 'account' | 'intake' | 'circuit' | 'recount'> = {
      async account() {
        readings += 1;
        return { accepted: readings < 3 ? 0 : 1, delivered: 1, pending: 0, dead: 0, minutes: [] };
      },
      intake: async () => ({ totals: {}, minutes: [] }),
      circuit: async () => closedCircuit,
      recount: async () => {},
    };
    const ledger = await readLedger(source, [{ app: acme, consumer: 'recall' as ConsumerKey }]);
    expect(ledger.addsUp).toBe(true);
    expect(readings).toBe(3);
  });
});

describe.each(engines)('on $engine', ({ createStore }) => {
  let store: TestStore;
  let relay: TestRelay;

  beforeAll(async () => {
    store = await createStore();
    relay = await startTestRelay(store.url, { env: { RETRY_SCHEDULE: '100ms' } });
  });
  afterAll(async () => {
    await relay.stop();
    await store.remove();
  });

  test('every notification is accounted for, by the minute too, and still after a restart', async () => {
    const bodies = Array.from({ length: 12 }, () => uniqueBody());
    await Promise.all(bodies.map((body) => relay.post(body)));
    await Promise.all(bodies.map((body) => relay.recall.seen((request) => request.body.equals(body))));
    await relay.post(bodies[0] ?? '');
    await relay.post(uniqueBody(), { headers: { 'x-zm-signature': `v0=${'ab'.repeat(32)}` } });
    await relay.post('{"event":"endpoint.url_validation","payload":{"plainToken":"abc"}}');
    const dying = uniqueBody();
    relay.recall.misbehave(answering(404), answering(404));
    await relay.post(dying);
    await eventually('dead', () => relay.logged.some(({ event }) => event === 'dead'));

    const ledger = await eventually('all counted', async () => {
      const read = await ledgerOf(relay);
      return read.apps[0]?.total.received === 16 && read.apps[0].consumers[0]?.pending === 0 && read;
    });
    const [app] = ledger.apps;
    expect(ledger.addsUp).toBe(true);
    const counts = {
      received: 16,
      accepted: 13,
      duplicate: 1,
      challenge: 1,
      rejected: { signature_mismatch: 1 },
      turnedAway: 0,
    };
    expect(app?.total).toEqual(counts);
    expect(app?.lastDay).toEqual(counts);
    expect(app?.consumers[0]).toMatchObject({
      consumer: 'recall',
      accepted: 13,
      delivered: 12,
      pending: 0,
      dead: 1,
      offBy: 0,
      circuit: { kind: 'closed' },
    });
    for (const name of ['accepted', 'delivered', 'dead'] as const) {
      const sum = app?.consumers[0]?.minutes.reduce((total, minute) => total + minute[name], 0);
      expect([name, sum]).toEqual([name, app?.consumers[0]?.[name]]);
    }
    expect(app?.minutes.reduce((total, { received }) => total + received, 0)).toBe(16);

    await relay.stop();
    relay = await startTestRelay(store.url);
    expect((await ledgerOf(relay)).apps[0]?.total).toEqual(counts);
  });

  test('the operator API takes the token and nothing else', async () => {
    for (const path of ['/api/ledger', '/api/store', '/api/anything']) {
      const url = new URL(path, relay.relay.privateUrl);
      for (const headers of [
        {},
        { authorization: 'Bearer wrong' },
        { authorization: 'Basic operator-token-for-tests' },
      ]) {
        const answer = await fetch(url, { headers });
        expect(answer.status).toBe(401);
        expect(Object.keys(JSON.parse(await answer.text()))).toEqual(['error']);
      }
      expect((await fetch(new URL(path, relay.endpoint), { headers: token })).status).toBe(404);
    }
  });
});

describe('on redis, what a killed process had stored but not counted', () => {
  const key = 'zoom-relay:{default.recall}';
  let store: TestStore;
  let relay: TestRelay;
  let client: Redis;

  beforeAll(async () => {
    store = await createRedisDatabase();
    relay = await startTestRelay(store.url);
    client = new Redis(store.url);
  });
  afterAll(async () => {
    client.disconnect();
    await relay.stop();
    await store.remove();
  });

  /** Delivers five, and leaves it as it is when the process dies between adding two of them and counting. */
  async function leaveUncounted(): Promise<readonly string[]> {
    const bodies = Array.from({ length: 5 }, () => uniqueBody());
    for (const body of bodies) await relay.post(body);
    await Promise.all(bodies.map((body) => relay.recall.seen((request) => request.body.equals(body))));
    await eventually('it adds up', async () => (await ledgerOf(relay)).addsUp);
    const ids = bodies.slice(0, 2).map((body) => notificationIdOf(body));
    await client.zrem(`${key}:index`, ...ids);
    await client.hincrby(`${key}:ledger`, 'accepted', -2);
    return ids;
  }

  test('is counted by the next reading', async () => {
    for (const id of await leaveUncounted()) await client.hset(`${key}:${id}`, 'timestamp', Date.now() - 10_000);
    const ledger = await ledgerOf(relay);
    expect(ledger.apps[0]?.consumers[0]).toMatchObject({ accepted: 5, delivered: 5, offBy: 0 });
    expect(await client.zcard(`${key}:index`)).toBe(5);
  });

  test('is left to its process for 5 s, which else would be told that it was not the first', async () => {
    const [id = ''] = await leaveUncounted();
    const addedAtMs = Number(await client.hget(`${key}:${id}`, 'timestamp'));
    expect((await ledgerOf(relay)).apps[0]?.consumers[0]).toMatchObject({ accepted: 8, offBy: -2 });
    await eventually('counted', async () => (await ledgerOf(relay)).addsUp, 10_000);
    expect(Date.now()).toBeGreaterThan(addedAtMs + 5000);
  });
});
