import { setTimeout as delay } from 'node:timers/promises';
import { type AppKey, queueNameOf, recallConsumer } from '../../src/delivery/names.ts';
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
const intakeRounds = 5;
const intakeRoundMs = 5000;
const questionRounds = 9;
const littleBacklog = 20_000;
/** The circuit of a consumer that has been down for long sends a probe every 5 min. */
const probePatienceMs = 400_000;
const drainPatienceMs = 3_600_000;
const questions = {
  'overview of the dashboard': '/',
  'deliveries, the first page': '/deliveries',
  'deliveries that wait, 50': '/api/deliveries?state=waiting&limit=50',
  consumers: '/api/consumers',
  ledger: '/api/ledger',
} as const;

/** What so many deliveries that wait for a consumer which is down cost on a Redis, and how they get away once it is back. */
export async function benchBacklog(count: number, say: (line: string) => void): Promise<readonly BacklogFigure[]> {
  const [redis, port] = [await startRedis(), await freePort()];
  const house = openBacklogHouse(port);
  const url = `redis://127.0.0.1:${redis.port}/0`;
  const recallBaseUrl = `http://127.0.0.1:${port}`;
  const entry = { secret: testSecret.reveal(), zoomOauthAppId: oauthAppId, recallBaseUrl };
  const apps = await writeAppsFile({ [app]: entry, [otherApp]: entry });
  const schedule = '5s,15s,1m,5m,15m,30m,1h,2h,4h,8h,8h';
  const env = { ...testEnvironment(url, recallBaseUrl), ...apps.env, RETRY_SCHEDULE: schedule };
  const relay = spawnRelay(['start'], { ...env, LOG_LEVEL: 'info' });
  const figures: BacklogFigure[] = [];
  try {
    const { public: publicUrl, private: privateUrl } = await relay.logged('listening');
    await relay.logged('store_ready');
    const [zoom, operator] = [new URL(String(publicUrl)), new URL(String(privateUrl))];

    say('with nothing in the queue');
    await house.open();
    figures.push(...(await measureQuestions('empty', operator)));
    const store = await open(url);
    await act(operator, 'pause');
    await fill(store, littleBacklog);
    await act(operator, 'resume');
    const little = await measureDrain(store);
    figures.push({ what: `drain of ${littleBacklog}`, value: little.perSecond, unit: '/s' });

    say(`the consumer is down: ${count.toLocaleString('en-US')} deliveries`);
    await house.close();
    const before = await memoryOf(redis);
    const startedAtMs = performance.now();
    const bodyBytes = await fill(store, count);
    figures.push({ what: 'added to the store', value: (count * 1000) / (performance.now() - startedAtMs), unit: '/s' });
    const perDelivery = ((await memoryOf(redis)) - before) / count;
    figures.push({ what: 'memory for each delivery that waits', value: perDelivery, unit: 'bytes' });
    figures.push({ what: 'of these beyond its body', value: perDelivery - bodyBytes, unit: 'bytes' });
    figures.push(...(await measureIntake(house, zoom)));
    figures.push(...(await measureQuestions('backlog', operator)));

    say('the consumer is back');
    await house.open();
    const backAtMs = performance.now();
    await eventually('a probe has got through', () => house.received() > 0, probePatienceMs);
    figures.push({ what: 'back until the first delivery', value: (performance.now() - backAtMs) / 1000, unit: 's' });
    const asking = delay(5000).then(() => measureQuestions('draining', operator));
    const { perSecond, quarters } = await measureDrain(store);
    figures.push({ what: 'drain of the backlog', value: perSecond, unit: '/s' });
    figures.push(...quarters.map((value, index) => ({ what: `  its quarter ${index + 1}`, value, unit: '/s' })));
    figures.push(...(await asking));
    await store.close();
    return figures;
  } finally {
    relay.child.kill('SIGTERM');
    await relay.ended;
    await Promise.all([redis.stop(), house.close(), apps.remove()]);
  }

  async function act(operator: URL, what: string): Promise<void> {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    await fetch(new URL(`/api/consumers/${app}/recall/${what}`, operator), { method: 'POST', headers, body: '{}' });
  }
}

async function open(url: string): Promise<Store> {
  const store = openStore({
    url,
    queues: [queue],
    apps: [app],
    workers: 0,
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
      await store.add(some.map(({ delivery }) => delivery));
    }
  });
  await Promise.all(filling);
  return bytes / count;
}

/** Medians of rounds that alternate between the app with the backlog and one without. */
async function measureIntake(house: BacklogHouse, relay: URL): Promise<readonly BacklogFigure[]> {
  const [large, empty]: [number[], number[]] = [[], []];
  for (let round = 0; round < intakeRounds; round += 1) {
    empty.push(await house.post(new URL(`/webhooks/zoom/${otherApp}`, relay), intakeRoundMs));
    large.push(await house.post(new URL(`/webhooks/zoom/${app}`, relay), intakeRoundMs));
  }
  return [
    { what: 'intake of an app without a backlog', value: median(empty), unit: '/s' },
    { what: 'intake of the app with the backlog', value: median(large), unit: '/s' },
  ];
}

async function measureDrain(
  store: Store,
): Promise<{ readonly perSecond: number; readonly quarters: readonly number[] }> {
  const waiting = async (): Promise<number> => {
    const { waiting: inQueue, delayed, active } = await store.queueState(queue);
    return inQueue + delayed + active;
  };
  const [count, startedAtMs] = [await waiting(), performance.now()];
  const atMs: number[] = [];
  for (const left of [0.75, 0.5, 0.25, 0]) {
    await eventually('drained', async () => (await waiting()) <= count * left, drainPatienceMs);
    atMs.push(performance.now());
  }
  const quarters = atMs.map((at, index) => (count * 250) / (at - (atMs[index - 1] ?? startedAtMs)));
  return { perSecond: (count * 1000) / ((atMs.at(-1) ?? startedAtMs) - startedAtMs), quarters };
}

async function measureQuestions(when: string, operator: URL): Promise<readonly BacklogFigure[]> {
  const figures: BacklogFigure[] = [];
  for (const [what, path] of Object.entries(questions)) {
    const tookMs: number[] = [];
    for (let round = 0; round < questionRounds; round += 1) {
      const startedAtMs = performance.now();
      const answer = await fetch(new URL(path, operator), { headers: { authorization: `Bearer ${token}` } });
      await answer.arrayBuffer();
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
      tookMs.push(performance.now() - startedAtMs);
    }
    figures.push({ what: `${when}: ${what}`, value: median(tookMs), unit: 'ms' });
  }
  return figures;
}

async function memoryOf(redis: RedisServer): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(String(await redis.command('INFO', 'memory')))?.[1]);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
