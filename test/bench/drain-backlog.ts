import { setTimeout as delay } from 'node:timers/promises';
import type { QueueName } from '../../src/delivery/names.ts';
import type { Store } from '../../src/store/store.ts';
import { eventually } from '../support/eventually.ts';
import { readUsage } from './process-usage.ts';

export interface DrainRate {
  readonly perSecond: number;
  /** CPU time of the relay for each delivery. Says more than the rate on a machine that others use, too. */
  readonly relayMs: number;
  readonly redisMs: number;
}

export interface DrainParts {
  readonly queue: QueueName;
  /** A store without workers, to ask. */
  readonly store: Store;
  readonly pids: { readonly relay: number; readonly redis: number };
  /** Opens a store that may work on the queue. */
  readonly open: (workers: number) => Promise<Store>;
}

const windowMs = 15_000;
const ownConcurrency = 200;
const lockMs = 30_000;
const drainPatienceMs = 3_600_000;

/** How fast the relay alone drains, for a while or until no more than so many are left. */
export async function measureDrain(parts: DrainParts, until: number): Promise<DrainRate> {
  const [before, startedAtMs] = [await pendingIn(parts), performance.now()];
  const [relayBefore, redisBefore] = cpuOf(parts);
  while (performance.now() - startedAtMs < windowMs && (await pendingIn(parts)) > until) await delay(200);
  const [drained, tookMs] = [before - (await pendingIn(parts)), performance.now() - startedAtMs];
  const [relay, redis] = cpuOf(parts);
  const perSecond = (drained * 1000) / tookMs;
  return { perSecond, relayMs: (relay - relayBefore) / drained, redisMs: (redis - redisBefore) / drained };
}

/**
 * The rate at the beginning of each quarter of a backlog. In between the bench takes deliveries away itself beside the relay,
 * since a million would take the relay alone a quarter of an hour.
 *
 * @param meanwhile done once, behind the second rate, while the relay drains
 */
export async function drainInQuarters(
  parts: DrainParts,
  meanwhile: () => Promise<void>,
): Promise<readonly DrainRate[]> {
  const count = await pendingIn(parts);
  const rates: DrainRate[] = [];
  for (const left of [0.75, 0.5, 0.25, 0]) {
    rates.push(await measureDrain(parts, count * left));
    if (left === 0.5) await meanwhile();
    await takeAway(parts, count * left);
  }
  return rates;
}

async function takeAway(parts: DrainParts, until: number): Promise<void> {
  if ((await pendingIn(parts)) <= until) return;
  const store = await parts.open(1);
  const retention = { retainDeliveredMs: 86_400_000, retainDeliveredCount: 100_000, retainDeadMs: 86_400_000 };
  store.work(parts.queue, { concurrency: ownConcurrency, lockMs, ...retention }, async ({ attempt }) => ({
    decision: { kind: 'done' },
    record: { attempt, startedAtMs: Date.now(), durationMs: 0, outcome: 'delivered', worker: 'bench' },
  }));
  await eventually('taken away', async () => (await pendingIn(parts)) <= until, drainPatienceMs);
  await store.close();
}

async function pendingIn({ store, queue }: DrainParts): Promise<number> {
  const { waiting, delayed, active } = await store.queueState(queue);
  return waiting + delayed + active;
}

function cpuOf({ pids }: DrainParts): readonly [relay: number, redis: number] {
  return [readUsage(pids.relay).cpuMs, readUsage(pids.redis).cpuMs];
}
