import { spawn } from 'node:child_process';
import { createHash, createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setImmediate as turn } from 'node:timers/promises';
import { Client } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { type AttemptParts, attemptDelivery } from '../src/consumers/attempt-delivery.ts';
import { CircuitBreaker } from '../src/consumers/circuit-breaker.ts';
import { createHttpTarget } from '../src/consumers/http-target.ts';
import type { DeliveryEvent, Sender, SendResult } from '../src/consumers/ports.ts';
import type { ResignMode } from '../src/consumers/resign.ts';
import { signAsZoom } from '../src/consumers/sign-as-zoom.ts';
import type { Decision } from '../src/delivery/decide.ts';
import { offBy } from '../src/delivery/ledger.ts';
import { type AppKey, notificationIdOf, type QueueName, queueNameOf, recallConsumer } from '../src/delivery/names.ts';
import { encodeDelivery } from '../src/delivery/stored-delivery.ts';
import { createLog } from '../src/log.ts';
import { Secret } from '../src/secret.ts';
import type { NewReplayMark } from '../src/store/kept-delivery.ts';
import { openStore } from '../src/store/open-store.ts';
import type { ClaimedDelivery, SettledDelivery, Store } from '../src/store/store.ts';
import { secretIdOf } from '../src/zoom/secret-token.ts';
import { uniqueBody } from './support/bodies.ts';
import { engines } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { startRedis } from './support/redis-server.ts';

const longMs = 3_600_000;
const retention = { retainDeliveredMs: longMs, retainDeliveredCount: 1000, retainDeadMs: longMs };
const dead: Decision = { kind: 'dead', reason: 'gave_up' };
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanups.splice(0).toReversed()) await cleanUp();
});

/** A name that no other test has, since a Redis database may have been used before. */
function newQueue(): QueueName {
  return queueNameOf(`a${randomUUID()}` as AppKey, recallConsumer);
}

async function open(url: string, queue: QueueName): Promise<Store> {
  const setup = { url, queues: [queue], apps: [], workers: 1, log: createLog('silent'), allowEviction: true };
  const store = openStore({ ...setup, nowMs: () => performance.now(), onFatal: () => {} });
  cleanups.push(() => store.close());
  store.open();
  await eventually('open', () => store.status().ready);
  return store;
}

async function add(store: Store, queue: QueueName, count: number): Promise<readonly string[]> {
  const deliveries = Array.from({ length: count }, () => {
    const body = uniqueBody();
    const data = encodeDelivery({ body, headers: {}, receivedAtMs: 0, secretId: '' });
    return { queue, id: notificationIdOf(body), label: 'meeting.created', data, sizeBytes: body.length };
  });
  expect(await store.add(deliveries)).toEqual(deliveries.map(() => true));
  return deliveries.map(({ id }) => id);
}

function mark(replayId: string, resign = false): NewReplayMark {
  return { replayId, atMs: Date.now(), resign };
}

interface Claim extends ClaimedDelivery {
  settle(decision: Decision): void;
}

function settledAs(decision: Decision, { attempt }: ClaimedDelivery): SettledDelivery {
  const outcome = decision.kind === 'done' ? 'delivered' : 'refused';
  return { decision, record: { attempt, startedAtMs: 1, durationMs: 2, outcome, worker: 'test' } };
}

/** A worker whose deliveries are settled by the test. */
function workByHand(store: Store, queue: QueueName): Claim[] {
  const claimed: Claim[] = [];
  let isOver = false;
  store.work(queue, { concurrency: 1, lockMs: 60_000, ...retention }, (delivery) => {
    const { promise, resolve } = Promise.withResolvers<SettledDelivery>();
    const settle = (decision: Decision): void => resolve(settledAs(decision, delivery));
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

/** Waits for the next claim, settles it, and waits until that is in the store. */
async function settle(
  store: Store,
  queue: QueueName,
  claims: Claim[],
  index: number,
  decision: Decision,
): Promise<Claim> {
  const claim = await eventually('claimed', () => claims[index]);
  claim.settle(decision);
  await eventually('settled', async () => (await store.whereabouts(queue, [claim.id]))[0]?.state !== 'active');
  return claim;
}

/** What the ledger says, which must add up, and of no minute less than nothing. */
async function account(store: Store, queue: QueueName) {
  const { minutes, ...counts } = await store.account(queue);
  expect(offBy(counts)).toBe(0);
  for (const minute of minutes)
    expect(Math.min(minute.accepted, minute.delivered, minute.dead)).toBeGreaterThanOrEqual(0);
  return counts;
}

/**
 * A process that adds ten deliveries, delivers or buries whatever it gets, and puts all of it back without end; killed while
 * it does.
 */
const replayingProcess = `
const [sources, url, queue, ...ids] = process.argv.slice(1);
const { openStore } = await import(sources + 'store/open-store.ts');
const { createLog } = await import(sources + 'log.ts');
const setup = { url, queues: [queue], apps: [], workers: 1, log: createLog('silent'), allowEviction: false };
const store = openStore({ ...setup, nowMs: () => performance.now(), onFatal: () => process.exit(1) });
store.open();
while (!store.status().ready) await new Promise((resolve) => setTimeout(resolve, 20));
const data = { v: 1, receivedAtMs: 0, secretId: '', headers: {}, text: '{}' };
await store.add(ids.map((id) => ({ queue, id, label: 'meeting.created', data, sizeBytes: 2 })));
let attempts = 0;
const retention = { retainDeliveredMs: 3600000, retainDeliveredCount: 1000, retainDeadMs: 3600000 };
store.work(queue, { concurrency: 5, lockMs: 60000, ...retention }, async ({ attempt }) => {
  attempts += 1;
  const isDead = attempts % 2 === 0;
  const record = { attempt, startedAtMs: 1, durationMs: 2, outcome: isDead ? 'refused' : 'delivered', worker: 'test' };
  return { decision: isDead ? { kind: 'dead', reason: 'gave_up' } : { kind: 'done' }, record };
});
for (let round = 0; ; round += 1) {
  const mark = { replayId: process.pid + '.' + round, atMs: Date.now(), resign: false };
  await Promise.all(ids.map((id) => store.replay(queue, id, mark, true)));
  console.log(attempts);
  await new Promise((resolve) => setImmediate(resolve)); // PGlite answers within the turn it is asked in
}`;

async function killReplaying(url: string, queue: QueueName): Promise<void> {
  const ids = Array.from({ length: 10 }, () => notificationIdOf(uniqueBody()));
  const sources = new URL('../src/', import.meta.url).href;
  const args = ['--input-type=module', '-e', replayingProcess, sources, url, queue, ...ids];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  for await (const attempts of createInterface({ input: child.stdout })) if (Number(attempts) > 30) break;
  child.kill('SIGKILL');
  expect(await closed).toEqual([null, 'SIGKILL']);
}

describe.each(engines)('on $engine', ({ engine, createStore }) => {
  const queue = newQueue();
  let url = '';

  async function start(): Promise<Store> {
    const folder = await createStore();
    cleanups.push(folder.remove);
    url = folder.url;
    return open(url, queue);
  }

  test('a dead delivery is attempted anew, goes on counting its attempts, and moves in the ledger', async () => {
    const store = await start();
    const [id = ''] = await add(store, queue, 1);
    const claims = workByHand(store, queue);
    (await eventually('claimed', () => claims[0])).settle({ kind: 'retry', delayMs: 0 });
    await settle(store, queue, claims, 1, dead);
    expect(await account(store, queue)).toEqual({ accepted: 1, delivered: 0, pending: 0, dead: 1 });

    const asked = mark('r1');
    expect(await store.replay(queue, id, asked, false)).toBe('replayed');
    const again = await eventually('claimed', () => claims[2]);
    expect(await account(store, queue)).toEqual({ accepted: 1, delivered: 0, pending: 1, dead: 0 });
    const replay = { ...asked, attemptsBefore: 2 };
    expect(again).toMatchObject({ id, attempt: 3, replay, history: [{ attempt: 1 }, { attempt: 2 }] });
    const active = await store.delivery(queue, id);
    expect(active).toMatchObject({ state: 'active', replays: [replay] });
    expect(active).not.toHaveProperty('endedAtMs');
    expect(active).not.toHaveProperty('deathReason');
    const listed = await store.search(queue, { state: 'active', order: 'newest', limit: 5 });
    expect(listed.deliveries).toEqual([active]);

    await settle(store, queue, claims, 2, { kind: 'done' });
    expect(await account(store, queue)).toEqual({ accepted: 1, delivered: 1, pending: 0, dead: 0 });
    const kept = await store.delivery(queue, id);
    expect(kept).toMatchObject({ state: 'delivered', replays: [replay] });
    expect(kept?.attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'refused'],
      [2, 'refused'],
      [3, 'delivered'],
    ]);
  });

  test('what was delivered is left alone unless forced; then every attempt of it stays on record', async () => {
    const store = await start();
    const [id = ''] = await add(store, queue, 1);
    const claims = workByHand(store, queue);
    await settle(store, queue, claims, 0, { kind: 'done' });
    const before = await store.delivery(queue, id);
    expect(await store.replay(queue, id, mark('r1'), false)).toBe('delivered_already');
    expect(await store.delivery(queue, id)).toEqual(before);

    expect(await store.replay(queue, id, mark('r2'), true)).toBe('replayed');
    const again = await eventually('claimed', () => claims[1]);
    expect(again).toMatchObject({ attempt: 2, replay: { replayId: 'r2', attemptsBefore: 1 } });
    expect(await account(store, queue)).toEqual({ accepted: 1, delivered: 0, pending: 1, dead: 0 });
    await settle(store, queue, claims, 1, dead);
    expect(await account(store, queue)).toEqual({ accepted: 1, delivered: 0, pending: 0, dead: 1 });
    expect(await store.replay(queue, id, mark('r3'), false)).toBe('replayed');
    await settle(store, queue, claims, 2, { kind: 'done' });
    expect(await account(store, queue)).toEqual({ accepted: 1, delivered: 1, pending: 0, dead: 0 });
    const kept = await store.delivery(queue, id);
    expect(kept?.attempts).toMatchObject([
      { attempt: 1, outcome: 'delivered' },
      { attempt: 2, outcome: 'refused' },
      { attempt: 3, outcome: 'delivered' },
    ]);
    expect(kept?.replays).toMatchObject([
      { replayId: 'r2', attemptsBefore: 1 },
      { replayId: 'r3', attemptsBefore: 2 },
    ]);
  });

  test('what is delayed is brought forward, and that is on record', async () => {
    const store = await start();
    const [id = ''] = await add(store, queue, 1);
    const claims = workByHand(store, queue);
    await settle(store, queue, claims, 0, { kind: 'retry', delayMs: longMs });
    expect(await store.delivery(queue, id)).toMatchObject({ state: 'delayed' });
    expect(await store.replay(queue, id, mark('r1'), false)).toBe('brought_forward');
    expect(await store.replay(queue, id, mark('r1'), false)).toBe('replayed');
    expect(await settle(store, queue, claims, 1, { kind: 'done' })).toMatchObject({ attempt: 2 });
    expect(await store.delivery(queue, id)).toMatchObject({
      state: 'delivered',
      attempts: [{ attempt: 1 }, { attempt: 2 }],
      replays: [{ replayId: 'r1', attemptsBefore: 1 }],
    });
    expect(await account(store, queue)).toEqual({ accepted: 1, delivered: 1, pending: 0, dead: 0 });
  });

  test('what is waiting or active is on its way, what is not kept is gone', async () => {
    const store = await start();
    const claims = workByHand(store, queue);
    const ids = await add(store, queue, 2);
    const active = await eventually('claimed', () => claims[0]);
    for (const id of ids) {
      expect(await store.replay(queue, id, mark('r1'), true)).toBe('on_its_way');
      expect(await store.delivery(queue, id)).toMatchObject({ replays: [] });
    }
    expect(await store.replay(queue, 'nowhere', mark('r1'), true)).toBe('gone');
    active.settle({ kind: 'done' });
    expect(await settle(store, queue, claims, 1, { kind: 'done' })).not.toHaveProperty('replay');
    expect(await account(store, queue)).toEqual({ accepted: 2, delivered: 2, pending: 0, dead: 0 });
  });

  test('the same replay is done once, whatever has become of the delivery since', async () => {
    const store = await start();
    const [id = ''] = await add(store, queue, 1);
    const claims = workByHand(store, queue);
    await settle(store, queue, claims, 0, dead);
    const answers = await Promise.all([1, 2, 3].map(() => store.replay(queue, id, mark('r1'), true)));
    expect(answers).toEqual(['replayed', 'replayed', 'replayed']);
    await settle(store, queue, claims, 1, dead);
    expect(await store.replay(queue, id, mark('r1'), true)).toBe('replayed');
    expect(await store.delivery(queue, id)).toMatchObject({ state: 'dead', replays: [{ replayId: 'r1' }] });
    expect(await store.replay(queue, id, mark('r2'), true)).toBe('replayed');
    await settle(store, queue, claims, 2, { kind: 'done' });
    expect(await store.replay(queue, id, mark('r2'), true)).toBe('replayed');
    expect(await store.delivery(queue, id)).toMatchObject({ state: 'delivered' });
    expect(claims).toHaveLength(3);
    expect(await account(store, queue)).toEqual({ accepted: 1, delivered: 1, pending: 0, dead: 0 });
  });

  test('two replays at once put a delivery back once', async () => {
    const store = await start();
    const other = engine === 'embedded' ? store : await open(url, queue);
    const ids = await add(store, queue, 20);
    store.work(queue, { concurrency: 5, lockMs: 60_000, ...retention }, async (claim) => settledAs(dead, claim));
    await eventually('all dead', async () => (await store.queueState(queue)).dead === 20);
    await store.pause(queue); // so that none ends between the two
    for (const id of ids) {
      const answers = await Promise.all([
        store.replay(queue, id, mark('r1'), false),
        other.replay(queue, id, mark('r2'), false),
      ]);
      expect(answers.toSorted()).toEqual(['on_its_way', 'replayed']);
      expect((await store.delivery(queue, id))?.replays).toHaveLength(1);
    }
    expect(await account(store, queue)).toEqual({ accepted: 20, delivered: 0, pending: 20, dead: 0 });
    await store.resume(queue);
    await eventually('all dead again', async () => (await store.queueState(queue)).dead === 20);
    for (const id of ids) expect((await store.delivery(queue, id))?.attempts).toHaveLength(2);
  });

  test('replays that race with workers: each that was answered with replayed is one more attempt, none is lost', async () => {
    const store = await start();
    const ids = await add(store, queue, 10);
    let attempts = 0;
    store.work(queue, { concurrency: 5, lockMs: 60_000, ...retention }, async (claim) => {
      attempts += 1;
      return settledAs(attempts % 3 === 0 ? dead : { kind: 'done' }, claim);
    });
    await eventually('the worker is there', () => attempts > 0);
    let replayed = 0;
    const replayers = Array.from({ length: 4 }, async (_nothing, replayer) => {
      for (let round = 0; round < 30; round += 1) {
        const id = ids[(round + replayer) % ids.length] ?? '';
        if ((await store.replay(queue, id, mark(`${replayer}-${round}`), true)) === 'replayed') replayed += 1;
        await turn(); // PGlite answers within the turn it is asked in
      }
    });
    await Promise.all(replayers);
    await eventually('all ended', async () => (await account(store, queue)).pending === 0);
    expect(replayed).toBeGreaterThan(10);
    expect(attempts).toBe(10 + replayed);
    const kept = await Promise.all(ids.map((id) => store.delivery(queue, id)));
    for (const delivery of kept) {
      const numbers = delivery?.attempts.map(({ attempt }) => attempt) ?? [];
      expect(numbers).toEqual(numbers.map((_nothing, index) => index + 1));
      const starts = delivery?.replays.map(({ attemptsBefore }) => attemptsBefore);
      expect(starts).toEqual(starts?.map((_nothing, index) => numbers.length - starts.length + index));
    }
    expect(kept.reduce((sum, delivery) => sum + (delivery?.attempts.length ?? 0), 0)).toBe(attempts);
  });

  test('a paused queue stays paused: what is put back waits', async () => {
    const store = await start();
    const [first = '', second = ''] = await add(store, queue, 2);
    const claims = workByHand(store, queue);
    await settle(store, queue, claims, 0, dead);
    await settle(store, queue, claims, 1, { kind: 'retry', delayMs: longMs });
    await store.pause(queue);
    expect(await store.replay(queue, first, mark('r1'), false)).toBe('replayed');
    expect(await store.replay(queue, second, mark('r1'), false)).toBe('brought_forward');
    expect(await store.queueState(queue)).toMatchObject({ isPaused: true, waiting: 2, active: 0, delayed: 0, dead: 0 });
    expect(claims).toHaveLength(2);
    await store.resume(queue);
    await settle(store, queue, claims, 2, { kind: 'done' });
    await settle(store, queue, claims, 3, { kind: 'done' });
    expect(await account(store, queue)).toEqual({ accepted: 2, delivered: 2, pending: 0, dead: 0 });
  });

  test('what is put back goes behind what waits', async () => {
    const store = await start();
    const claims = workByHand(store, queue);
    const [old = ''] = await add(store, queue, 1);
    await settle(store, queue, claims, 0, dead);
    await store.pause(queue);
    const waiting = await add(store, queue, 2);
    await store.replay(queue, old, mark('r1'), false);
    await store.resume(queue);
    for (const index of [1, 2, 3]) await settle(store, queue, claims, index, { kind: 'done' });
    expect(claims.slice(1).map(({ id }) => id)).toEqual([...waiting, old]);
  });

  test('the last 20 replays and 100 attempts are kept, and the numbers go on', async () => {
    const store = await start();
    const [id = ''] = await add(store, queue, 1);
    const numbers: number[] = [];
    store.work(queue, { concurrency: 1, lockMs: 60_000, ...retention }, async (claim) => {
      numbers.push(claim.attempt);
      return settledAs(numbers.length < 105 ? { kind: 'retry', delayMs: 0 } : { kind: 'done' }, claim);
    });
    for (let replay = 0; replay < 25; replay += 1) {
      await eventually('delivered', async () => (await store.delivery(queue, id))?.state === 'delivered');
      expect(await store.replay(queue, id, mark(`r${replay}`), true)).toBe('replayed');
    }
    await eventually('delivered', async () => (await store.delivery(queue, id))?.state === 'delivered');
    expect(numbers).toEqual(Array.from({ length: 130 }, (_nothing, index) => index + 1));
    const kept = await store.delivery(queue, id);
    expect(kept?.replays.map(({ replayId }) => replayId)).toEqual(
      Array.from({ length: 20 }, (_nothing, index) => `r${index + 5}`),
    );
    expect(kept?.replays.at(-1)).toMatchObject({ attemptsBefore: 129 });
    expect(kept?.attempts.at(-1)).toMatchObject({ attempt: 130, outcome: 'delivered' });
    expect(await account(store, queue)).toEqual({ accepted: 1, delivered: 1, pending: 0, dead: 0 });
  });

  test('killed with kill -9 in the middle of replays, again and again: the ledger adds up', async () => {
    const folder = await createStore();
    cleanups.push(folder.remove);
    for (let kill = 0; kill < 3; kill += 1) {
      await killReplaying(folder.url, queue);
      const store = await open(folder.url, queue);
      const counts = await account(store, queue);
      expect(counts.accepted).toBe(10 * (kill + 1));
      const { waiting, delayed, active, delivered, dead: died } = await store.queueState(queue);
      expect(counts).toEqual({ accepted: counts.accepted, delivered, dead: died, pending: waiting + delayed + active });
      await store.close();
    }
  });

  describe('with a consumer', () => {
    const secret = new Secret('the-current-secret-token');
    const hourAgoMs = Date.now() - longMs;

    /** A delivery, an hour old, to an endpoint that answers as told; what was sent to it and what was observed. */
    async function deliverTo(
      answers: number[],
      policy: { scheduleMs: number[]; deadlineMs: number },
      mode: ResignMode,
    ) {
      const store = await start();
      const body = uniqueBody();
      const timestamp = String(Math.floor(hourAgoMs / 1000));
      const headers = { 'x-zm-request-timestamp': timestamp, 'x-zm-signature': signatureOf(body, timestamp) };
      const data = encodeDelivery({ body, headers, receivedAtMs: hourAgoMs, secretId: secretIdOf(secret) });
      const id = notificationIdOf(body);
      const sent: Readonly<Record<string, string>>[] = [];
      const observed: DeliveryEvent[] = [];
      const sender: Sender = {
        async send(_url, sentHeaders): Promise<SendResult> {
          sent.push(sentHeaders);
          return { kind: 'answer', status: answers.shift() ?? 404, retryAfter: undefined, response: '' };
        },
        close: async () => {},
      };
      const sign = signAsZoom([secret], { mode, toleranceSec: 300 });
      const target = createHttpTarget({ url: new URL('http://127.0.0.1/'), sign, sender, nowMs: Date.now });
      const consumer = { app: 'acme' as AppKey, key: recallConsumer, secrets: [secret] as const, policy, target };
      const parts: AttemptParts = {
        breaker: new CircuitBreaker({ read: async () => undefined, swap: async () => true }, Date.now, 1000, () => {}),
        observe: (event) => observed.push(event),
        worker: 'test:1',
        nowMs: Date.now,
        random: () => 0.5,
        trace: (_traceparent, _attributes, run) => run(() => {}),
      };
      store.work(queue, { concurrency: 1, lockMs: 60_000, ...retention }, (delivery) => {
        return attemptDelivery(consumer, delivery, parts);
      });
      await store.add([{ queue, id, label: 'meeting.created', data, sizeBytes: body.length }]);
      const ended = (state: string, attempts: number) =>
        eventually(state, async () => {
          const kept = await store.delivery(queue, id);
          return kept?.state === state && kept.attempts.length === attempts && kept;
        });
      return { store, id, body, headers, sent, observed, ended };
    }

    function signatureOf(body: Uint8Array, timestamp: string): string {
      const message = Buffer.concat([Buffer.from(`v0:${timestamp}:`), body]);
      return `v0=${createHmac('sha256', secret.reveal()).update(message).digest('hex')}`;
    }

    test('a replay begins the schedule anew, and its attempts are told as its own', async () => {
      const policy = { scheduleMs: [1, 1], deadlineMs: 24 * longMs };
      const { store, id, sent, observed, ended } = await deliverTo([], policy, 'never');
      expect(await ended('dead', 3)).toMatchObject({ deathReason: 'attempts_exhausted: refused 404' });
      await store.replay(queue, id, mark('r1'), false);
      const kept = await ended('dead', 6);
      expect(kept.attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(sent).toHaveLength(6);
      expect(observed.map((event) => [event.kind, 'replayId' in event ? event.replayId : ''])).toEqual([
        ['attempt_failed', ''],
        ['attempt_failed', ''],
        ['dead', ''],
        ['attempt_failed', 'r1'],
        ['attempt_failed', 'r1'],
        ['dead', 'r1'],
      ]);
    });

    test('the deadline counts from the replay: what died of age goes out', async () => {
      const policy = { scheduleMs: [1], deadlineMs: longMs / 2 };
      const { store, id, sent, ended } = await deliverTo([404, 200], policy, 'never');
      expect(await ended('dead', 1)).toMatchObject({ attempts: [{ error: 'not sent' }] });
      await store.replay(queue, id, { ...mark('r1'), atMs: hourAgoMs }, false);
      expect(await ended('dead', 2)).toMatchObject({ deathReason: expect.stringContaining('deadline_passed') });
      expect(sent).toEqual([]);
      await store.replay(queue, id, mark('r2'), false);
      expect(await ended('delivered', 4)).toMatchObject({ replays: [{ replayId: 'r1' }, { replayId: 'r2' }] });
      expect(sent).toHaveLength(2);
    });

    test('a replay that asks for it signs every attempt afresh, with RESIGN=never too, and only as long as it is the last', async () => {
      const policy = { scheduleMs: [1], deadlineMs: 24 * longMs };
      const { store, id, body, headers, sent, ended } = await deliverTo([], policy, 'never');
      await ended('dead', 2);
      await store.replay(queue, id, mark('r1', true), false);
      const resigned = await ended('dead', 4);
      await store.replay(queue, id, mark('r2'), false);
      await ended('dead', 6);
      for (const index of [0, 1, 4, 5]) expect(sent[index]).toMatchObject(headers);
      for (const index of [2, 3]) {
        const timestamp = sent[index]?.['x-zm-request-timestamp'] ?? '';
        expect(Number(timestamp)).toBeGreaterThan(hourAgoMs / 1000 + 3000);
        expect(sent[index]?.['x-zm-signature']).toBe(signatureOf(body, timestamp));
        expect(resigned.attempts[index]?.resigned).toEqual({ timestamp, signature: signatureOf(body, timestamp) });
      }
    });
  });
});

test('on postgres, what ended stays in its minute, and the minute in which it is put back is not below nothing', async () => {
  const folder = await engines[2].createStore();
  cleanups.push(folder.remove);
  const queue = newQueue();
  const store = await open(folder.url, queue);
  const [id = ''] = await add(store, queue, 1);
  const claims = workByHand(store, queue);
  await settle(store, queue, claims, 0, dead);
  const client = new Client({ connectionString: folder.url });
  await client.connect();
  await client.query('UPDATE zoom_relay.ledger SET minute = minute - 5 WHERE minute > 0'); // as if that was a while ago
  await client.end();
  expect(await store.replay(queue, id, mark('r1'), false)).toBe('replayed');
  expect(await account(store, queue)).toEqual({ accepted: 1, delivered: 0, pending: 1, dead: 0 });
  await settle(store, queue, claims, 1, { kind: 'done' });
  expect(await account(store, queue)).toEqual({ accepted: 1, delivered: 1, pending: 0, dead: 0 });
  const { minutes } = await store.account(queue);
  expect(minutes.reduce((sum, minute) => sum + minute.dead, 0)).toBe(1);
});

test('on a redis that is full a replay is refused, and nothing of it is done', async () => {
  const redis = await startRedis();
  cleanups.push(redis.stop);
  const queue = newQueue();
  const store = await open(redis.url, queue);
  const [id = ''] = await add(store, queue, 1);
  const claims = workByHand(store, queue);
  await settle(store, queue, claims, 0, dead);
  const before = await store.delivery(queue, id);
  await redis.command('CONFIG', 'SET', 'maxmemory', '1mb');
  await expect(store.replay(queue, id, mark('r1'), false)).rejects.toMatchObject({ code: 'store_unavailable' });
  await redis.command('CONFIG', 'SET', 'maxmemory', '0');
  expect(await store.delivery(queue, id)).toEqual(before);
  expect(await account(store, queue)).toEqual({ accepted: 1, delivered: 0, pending: 0, dead: 1 });
  expect(await store.replay(queue, id, mark('r1'), false)).toBe('replayed');
  await settle(store, queue, claims, 1, { kind: 'done' });
});

test('the moves on redis were compared with the scripts of this BullMQ', async () => {
  const digests = await Promise.all(
    ['reprocessJob-9.lua', 'promote-9.lua'].map(async (name) => {
      const script = new URL(`../node_modules/bullmq/dist/esm/commands/${name}`, import.meta.url);
      return createHash('sha256')
        .update(await readFile(script))
        .digest('hex')
        .slice(0, 16);
    }),
  );
  // When they differ: compare src/store/redis-replay.ts with them, then put the new digests here.
  expect(digests).toEqual(['f3787a3eb9a6381d', 'd9f4b220d25c8ab8']);
});
