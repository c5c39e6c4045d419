import { setTimeout as delay } from 'node:timers/promises';
import { type AppKey, queueNameOf, recallConsumer } from '../../src/delivery/names.ts';
import type { NewDelivery } from '../../src/delivery/stored-delivery.ts';
import { RelayError } from '../../src/errors.ts';
import { createLog } from '../../src/log.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { writeAppsFile } from '../support/apps-file.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { spawnRelay } from '../support/relay-process.ts';
import { oauthAppId, testEnvironment, testSecret } from '../support/test-relay.ts';
import { type BacklogHouse, makeDelivery, openBacklogHouse } from './backlog-house.ts';
import { type DrainParts, type DrainRate, drainInQuarters, measureDrain } from './drain-backlog.ts';
import { readUsage } from './process-usage.ts';

export interface BacklogFigure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}

const app = 'default' as AppKey;
const otherApp = 'other' as AppKey;
const queue = queueNameOf(app, recallConsumer);
const token = 'operator-token-for-tests';
const addedAtOnce = 1000;
const addsUnderWay = 2;
const addAgainAfterMs = 1000;
const intakeRounds = 5;
const intakeRoundMs = 5000;
const questionRounds = 9;
const littleBacklog = 20_000;
/** A worker that a rate limit holds asks again after 30 s at the latest. */
const probePatienceMs = 60_000;
const ledgerPatienceMs = 120_000;
const logKeptMs = 1000;
const questions = {
  'overview of the dashboard': '/',
  'deliveries, the first page': '/deliveries',
  'deliveries that wait, 50': '/api/deliveries?state=waiting&limit=50',
  'a meeting among them': '/api/deliveries?limit=1&q=meeting-that-is-not-there',
  consumers: '/api/consumers',
  ledger: '/api/ledger',
  metrics: '/metrics',
} as const;

/**
 * What so many deliveries that wait for a consumer which is down cost on a Redis, and how they get away once it is back.
 *
 * @param listpackBytes Redis' `hash-max-listpack-value`, its default if not given
 */
export async function benchBacklog(
  count: number,
  listpackBytes: number | undefined,
  say: (line: string) => void,
): Promise<readonly BacklogFigure[]> {
  const settings = listpackBytes === undefined ? [] : ['--hash-max-listpack-value', String(listpackBytes)];
  const [redis, port] = [await startRedis(...settings), await freePort()];
  const house = openBacklogHouse(port);
  const url = `redis://127.0.0.1:${redis.port}/0`;
  const recallBaseUrl = `http://127.0.0.1:${port}`;
  const entry = { secret: testSecret.reveal(), zoomOauthAppId: oauthAppId, recallBaseUrl };
  const apps = await writeAppsFile({ [app]: entry, [otherApp]: entry });
  const schedule = '5s,15s,1m,5m,15m,30m,1h,2h,4h,8h,8h';
  const env = { ...testEnvironment(url, recallBaseUrl), ...apps.env, RETRY_SCHEDULE: schedule };
  const relay = spawnRelay(['start'], { ...env, LOG_LEVEL: 'info' });
  const figures: BacklogFigure[] = [];
  const tell = (what: string, value: number, unit: string): void => {
    figures.push({ what, value, unit });
    say(`  ${what}: ${value.toPrecision(4)} ${unit}`);
  };
  const forgetting = setInterval(() => {
    relay.lines.length = 0; // of a million deliveries
  }, logKeptMs);
  try {
    const { public: publicUrl, private: privateUrl } = await relay.logged('listening');
    await relay.logged('store_ready');
    const [zoom, operator] = [new URL(String(publicUrl)), new URL(String(privateUrl))];
    const pids = { relay: relay.child.pid ?? 0, redis: Number(await infoOf(redis, 'server', 'process_id')) };
    const store = await open(url, 0);
    const parts: DrainParts = { queue, store, pids, open: (workers) => open(url, workers) };
    const tellRate = (what: string, { perSecond, relayMs, redisMs }: DrainRate): void => {
      tell(what, perSecond, '/s');
      tell(`${what}: CPU of relay, for each`, relayMs, 'ms');
      tell(`${what}: CPU of Redis, for each`, redisMs, 'ms');
    };

    say('with nothing in the queue');
    await house.open();
    await tellQuestions('empty', operator, tell);
    await act(operator, app, 'pause');
    await fill(store, littleBacklog);
    await act(operator, app, 'resume');
    tellRate(`drain of ${littleBacklog}`, await measureDrain(parts, 0));

    say(`the consumer is down: ${count.toLocaleString('en-US')} deliveries`);
    await house.close();
    const before = Number(await infoOf(redis, 'memory', 'used_memory'));
    const startedAtMs = performance.now();
    const bodyBytes = await fill(store, count);
    tell('added to the store', (count * 1000) / (performance.now() - startedAtMs), '/s');
    const perDelivery = (Number(await infoOf(redis, 'memory', 'used_memory')) - before) / count;
    tell('memory for each delivery that waits', perDelivery, 'bytes');
    tell('of these beyond its body', perDelivery - bodyBytes, 'bytes');
    await act(operator, otherApp, 'pause'); // for good: what it takes in is not to be delivered beside the backlog
    await tellIntake(house, zoom, pids, tell);
    await tellQuestions('backlog', operator, tell);

    say('the consumer is back');
    await house.open();
    const backAtMs = performance.now();
    // The circuit's own probe comes after up to 5 min.
    await redis.command('DEL', `zoom-relay:${queue}:circuit`, `zoom-relay:${queue}:limiter`);
    await eventually('a delivery has got through', () => house.received() > 0, probePatienceMs);
    tell(
      'back until the first delivery, the wait of the circuit cut short',
      (performance.now() - backAtMs) / 1000,
      's',
    );
    const quarters = await drainInQuarters(parts, () => tellQuestions('draining', operator, tell));
    for (const [index, rate] of quarters.entries()) tellRate(`drain of the backlog, quarter ${index + 1}`, rate);
    const drainedAtMs = performance.now();
    await eventually('the ledger adds up', () => addsUp(operator), ledgerPatienceMs);
    tell('drained until the ledger adds up', (performance.now() - drainedAtMs) / 1000, 's');
    await store.close();
    return figures;
  } finally {
    clearInterval(forgetting);
    relay.child.kill('SIGTERM');
    await relay.ended;
    await Promise.all([redis.stop(), house.close(), apps.remove()]);
  }
}

type Tell = (what: string, value: number, unit: string) => void;

const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };

async function act(operator: URL, key: AppKey, what: string): Promise<void> {
  await fetch(new URL(`/api/consumers/${key}/recall/${what}`, operator), { method: 'POST', headers, body: '{}' });
}

async function addsUp(operator: URL): Promise<boolean> {
  const answer = await fetch(new URL('/api/ledger', operator), { headers });
  const ledger: unknown = await answer.json();
  return typeof ledger === 'object' && ledger !== null && 'addsUp' in ledger && ledger.addsUp === true;
}

async function open(url: string, workers: number): Promise<Store> {
  const store = openStore({
    url,
    queues: [queue],
    apps: [app],
    workers,
    log: createLog('silent'),
    allowEviction: false,
    nowMs: () => performance.now(),
    onFatal: (error) => {
      throw error;
    },
  });
  store.open();
  await eventually('the store is open', () => store.status().ready);
  return store;
}

/** @returns how long a body is on average, bytes */
async function fill(store: Store, count: number): Promise<number> {
  let [added, bytes] = [0, 0];
  const filling = Array.from({ length: addsUnderWay }, async () => {
    while (added < count) {
      const some = Array.from({ length: Math.min(addedAtOnce, count - added) }, () => makeDelivery(queue));
      added += some.length;
      bytes += some.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
      const deliveries = some.map(({ delivery }) => delivery);
      while (!(await isAdded(store, deliveries))) await delay(addAgainAfterMs);
    }
  });
  await Promise.all(filling);
  return bytes / count;
}

/** Not while a Redis that is short of a processor or a disk takes seconds for a write; what it has then is not added twice. */
async function isAdded(store: Store, deliveries: readonly NewDelivery[]): Promise<boolean> {
  try {
    await store.add(deliveries);
    return true;
  } catch (error) {
    if (error instanceof RelayError && error.code === 'store_unavailable') return false;
    throw error;
  }
}

/** Medians of rounds that alternate between the app with the backlog and one without. */
async function tellIntake(house: BacklogHouse, relay: URL, pids: DrainParts['pids'], tell: Tell): Promise<void> {
  const rounds: {
    readonly key: AppKey;
    readonly perSecond: number;
    readonly relayMs: number;
    readonly redisMs: number;
  }[] = [];
  for (let round = 0; round < intakeRounds; round += 1) {
    for (const key of [otherApp, app]) {
      const [relayBefore, redisBefore] = [readUsage(pids.relay).cpuMs, readUsage(pids.redis).cpuMs];
      const perSecond = await house.post(new URL(`/webhooks/zoom/${key}`, relay), intakeRoundMs);
      const count = (perSecond * intakeRoundMs) / 1000;
      const relayMs = (readUsage(pids.relay).cpuMs - relayBefore) / count;
      rounds.push({ key, perSecond, relayMs, redisMs: (readUsage(pids.redis).cpuMs - redisBefore) / count });
    }
  }
  for (const [key, what] of [
    [otherApp, 'intake of an app without a backlog'],
    [app, 'intake of the app with the backlog'],
  ] as const) {
    const own = rounds.filter((round) => round.key === key);
    tell(what, median(own.map(({ perSecond }) => perSecond)), '/s');
    tell(`${what}: CPU of relay, for each`, median(own.map(({ relayMs }) => relayMs)), 'ms');
    tell(`${what}: CPU of Redis, for each`, median(own.map(({ redisMs }) => redisMs)), 'ms');
  }
}

async function tellQuestions(when: string, operator: URL, tell: Tell): Promise<void> {
  for (const [what, path] of Object.entries(questions)) {
    const tookMs: number[] = [];
    for (let round = 0; round < questionRounds; round += 1) {
      const startedAtMs = performance.now();
      const answer = await fetch(new URL(path, operator), { headers });
      await answer.arrayBuffer();
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
      tookMs.push(performance.now() - startedAtMs);
    }
    tell(`${when}: ${what}`, median(tookMs), 'ms');
  }
}

async function infoOf(redis: RedisServer, section: string, name: string): Promise<string | undefined> {
  return new RegExp(`^${name}:(\\d+)`, 'm').exec(String(await redis.command('INFO', section)))?.[1];
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
