import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type RelayProcess, spawnRelay } from '../support/relay-process.ts';
import { testEnvironment } from '../support/test-relay.ts';
import { type CountedEngine, type CountedStore, startCountedStore } from './counted-store.ts';
import { type ManyApps, openManyApps } from './many-apps-house.ts';

export interface AppsFigure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}

const busyApps = 20;
const idleSec = 20;
/** Longer than workers stay after their last delivery, and than the upkeep of a minute takes to come round. */
const settleMs = 75_000;
const trafficSec = 15;
interface Load {
  readonly trafficPerSec: number;
  readonly backlog: number;
}

/** By what an engine can take on two cores. */
const loads: Readonly<Record<CountedEngine, Load>> = {
  redis: { trafficPerSec: 200, backlog: 10_000 },
  postgres: { trafficPerSec: 50, backlog: 2000 },
  embedded: { trafficPerSec: 10, backlog: 200 },
};
const postsAtOnce = 64;
const token = 'operator-token-for-tests';

/** What so many apps cost one process: starting, idle, woken, under traffic, and beside one with a backlog. */
export async function benchApps(
  count: number,
  engine: CountedEngine,
  say: (line: string) => void,
): Promise<readonly AppsFigure[]> {
  const [store, apps] = [await startCountedStore(engine), await openManyApps(count)];
  const load = loads[engine];
  const env = { ...testEnvironment(store.url, ''), RETAIN_DIRECTORY: '90d', ...apps.env };
  const startedAtMs = performance.now();
  const relay = spawnRelay(['start'], { ...env, LOG_LEVEL: 'info' });
  try {
    const { public: publicUrl, private: privateUrl } = await relay.logged('listening');
    const [zoom, operator] = [new URL(String(publicUrl)), new URL(String(privateUrl))];
    await relay.logged('store_ready');
    const readyMs = performance.now() - startedAtMs;
    const last = apps.keys.at(-1) ?? '';
    await (await apps.post(zoom, last)).arrival;
    const figures: AppsFigure[] = [
      { what: 'start until ready', value: readyMs, unit: 'ms' },
      { what: 'start until a first delivery', value: performance.now() - startedAtMs, unit: 'ms' },
    ];
    say('idle');
    await delay(settleMs);
    figures.push(...(await measureUse('idle', store, relay, () => delay(idleSec * 1000))));
    say(`${busyApps} apps are woken`);
    const busy = apps.keys.slice(0, busyApps);
    const woken: number[] = [];
    for (const app of busy) woken.push(await (await apps.post(zoom, app)).arrival);
    figures.push(...latencies('first delivery of an app that was idle', woken));
    say(`traffic on ${busyApps} apps`);
    figures.push(
      ...(await measureUse('traffic', store, relay, async () => {
        figures.push(
          ...latencies('traffic, sent to arrived', await sendSteadily(apps, zoom, busy, load.trafficPerSec)),
        );
      })),
    );
    say(`one app has a backlog of ${load.backlog}`);
    figures.push(...(await measureBesideBacklog(apps, zoom, operator, load)));
    return figures;
  } finally {
    relay.child.kill('SIGTERM');
    await relay.ended;
    await Promise.all([store.stop(), apps.stop()]);
  }
}

/** One app's consumer gets what had piled up while it was paused; the others go on as before. */
async function measureBesideBacklog(
  apps: ManyApps,
  zoom: URL,
  operator: URL,
  { backlog, trafficPerSec }: Load,
): Promise<readonly AppsFigure[]> {
  const [large = '', ...others] = apps.keys.slice(0, busyApps);
  const act = (what: string): Promise<Response> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const url = new URL(`/api/consumers/${large}/recall/${what}`, operator);
    return fetch(url, { method: 'POST', headers, body: '{}' });
  };
  await act('pause');
  const arrivals: Promise<number>[] = [];
  for (let sent = 0; sent < backlog; sent += postsAtOnce) {
    const posts = Array.from({ length: Math.min(postsAtOnce, backlog - sent) }, () => apps.post(zoom, large));
    for (const { arrival } of await Promise.all(posts)) arrivals.push(arrival);
  }
  const resumedAtMs = performance.now();
  await act('resume');
  const drained = Promise.all(arrivals).then(() => performance.now() - resumedAtMs);
  const beside = await sendSteadily(apps, zoom, others, trafficPerSec, drained);
  const tookMs = await drained;
  return [
    { what: 'backlog of one app, drained', value: (backlog * 1000) / tookMs, unit: '/s' },
    ...latencies('others meanwhile, sent to arrived', beside),
  ];
}

/** @param until ends it; else it lasts `trafficSec` */
async function sendSteadily(
  apps: ManyApps,
  zoom: URL,
  keys: readonly string[],
  perSecond: number,
  until: Promise<unknown> = delay(trafficSec * 1000),
): Promise<readonly number[]> {
  const arrivals: Promise<number>[] = [];
  let isOver = false;
  void until.then(() => {
    isOver = true;
  });
  for (let sent = 0, startedAtMs = performance.now(); !isOver; sent += 1) {
    const dueInMs = startedAtMs + (sent * 1000) / perSecond - performance.now();
    if (dueInMs > 0) await delay(dueInMs);
    arrivals.push(apps.post(zoom, keys[sent % keys.length] ?? '').then(({ arrival }) => arrival));
  }
  return Promise.all(arrivals);
}

async function measureUse(
  when: string,
  store: CountedStore,
  relay: RelayProcess,
  act: () => Promise<void>,
): Promise<readonly AppsFigure[]> {
  const pid = relay.child.pid ?? 0;
  const [before, cpuBefore, atMs] = [await store.count(), cpuMsOf(pid), performance.now()];
  await act();
  const seconds = (performance.now() - atMs) / 1000;
  const [after, cpuAfter] = [await store.count(), cpuMsOf(pid)];
  const ofStore =
    before === undefined || after === undefined
      ? []
      : [
          { what: `${when}: asked of the store`, value: (after.asked - before.asked) / seconds, unit: '/s' },
          { what: `${when}: connections to the store`, value: after.connections, unit: '' },
        ];
  return [
    ...ofStore,
    { what: `${when}: CPU of the relay`, value: (cpuAfter - cpuBefore) / seconds / 10, unit: '%' },
    { what: `${when}: memory of the relay`, value: residentBytes(pid) / 2 ** 20, unit: 'MB' },
  ];
}

function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

function latencies(what: string, valuesMs: readonly number[]): readonly AppsFigure[] {
  const sorted = valuesMs.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return [
    { what: `${what}, median of ${sorted.length}`, value: at(0.5), unit: 'ms' },
    { what: `${what}, 99 %`, value: at(0.99), unit: 'ms' },
    { what: `${what}, longest`, value: at(1), unit: 'ms' },
  ];
}
