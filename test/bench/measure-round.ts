import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { benchSecret, type Contender, type Running, startContender } from './contenders.ts';
import { sumUsage } from './process-usage.ts';
import { writeRequestFile } from './request-file.ts';
import { type LoadResult, runWrk } from './run-wrk.ts';
import type { Sink } from './start-sink.ts';
import { type BenchEngine, startStore } from './stores.ts';

export interface BenchSettings {
  readonly roles: readonly string[];
  readonly bodyBytes: number;
  readonly connections: number;
  readonly durationSec: number;
  readonly profileFolder: string | undefined;
  /** Ends it early, with a rejection, and cleans up. */
  readonly signal: AbortSignal;
  /** For request files and what contenders print. */
  readonly folder: string;
}

/** Of one round; what could not be measured is `undefined`. */
export interface RoundFigures {
  readonly acknowledgedPerSec: number;
  readonly ackP50Ms: number;
  readonly ackP99Ms: number;
  /** While the load lasts. */
  readonly deliveredPerSec: number;
  /** All that was acknowledged, over the time from the first request to the last delivery. */
  readonly throughPerSec: number;
  /** At the steady rate, which is the same for all. */
  readonly steadyAckP50Ms: number | undefined;
  readonly steadyAckP99Ms: number | undefined;
  /** From sending to arrival at the target, at the steady rate. */
  readonly deliveryP50Ms: number | undefined;
  readonly deliveryP99Ms: number | undefined;
  readonly cpuMsPer1000: number;
  readonly peakMemoryMb: number;
  readonly storeBytesPerKept: number | undefined;
}

const warmUpSec = 3;
/** More than any contender acknowledges in a second on a machine of today. */
const mostPerSecond = 15_000;
const drainPatienceMs = 120_000;
const drainPollMs = 20;
const mebibyte = 1024 * 1024;

/**
 * One contender on a store of its own: warmed up, then loaded, drained, and sent a steady trickle.
 *
 * @param steadyPerSec the rate of the last part; none without
 */
export async function measureRound(
  contender: Contender,
  engine: BenchEngine,
  sink: Sink,
  settings: BenchSettings,
  steadyPerSec: number | undefined,
): Promise<RoundFigures> {
  const store = await startStore(engine);
  const at = { storeUrl: store.url, targetUrl: sink.url.origin };
  let running: Running | undefined;
  try {
    running = await startContender(contender, at, settings.roles, settings.folder, settings.profileFolder);
    await load(running, sink, settings, warmUpSec, 0);
    const memoryBefore = await store.memory(contender.keptKeys);
    const before = sumUsage(running.pids);
    const loaded = await load(running, sink, settings, settings.durationSec, 0);
    const after = sumUsage(running.pids);
    const memoryAfter = await store.memory(contender.keptKeys);
    const steady =
      steadyPerSec === undefined ? undefined : await load(running, sink, settings, settings.durationSec, steadyPerSec);
    const { result } = loaded;
    const kept = (memoryAfter?.kept ?? 0) - (memoryBefore?.kept ?? 0);
    const bytes = (memoryAfter?.bytes ?? 0) - (memoryBefore?.bytes ?? 0);
    return {
      acknowledgedPerSec: (result.answered / result.durationMs) * 1000,
      ackP50Ms: result.p50Ms,
      ackP99Ms: result.p99Ms,
      deliveredPerSec: (loaded.deliveredMeanwhile / result.durationMs) * 1000,
      throughPerSec: (loaded.delivered / loaded.untilDrainedMs) * 1000,
      steadyAckP50Ms: steady?.result.p50Ms,
      steadyAckP99Ms: steady?.result.p99Ms,
      deliveryP50Ms: steady?.p50Ms,
      deliveryP99Ms: steady?.p99Ms,
      cpuMsPer1000: ((after.cpuMs - before.cpuMs) / loaded.delivered) * 1000,
      peakMemoryMb: after.peakBytes / mebibyte,
      storeBytesPerKept: kept > 0 ? bytes / kept : undefined,
    };
  } finally {
    await running?.stop();
    await store.stop();
  }
}

interface Loaded {
  readonly result: LoadResult;
  readonly deliveredMeanwhile: number;
  readonly delivered: number;
  readonly untilDrainedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Sends for that long, then waits until all that was acknowledged is delivered. */
async function load(
  running: Running,
  sink: Sink,
  settings: BenchSettings,
  durationSec: number,
  perSecond: number,
): Promise<Loaded> {
  const { bodyBytes, connections, folder, signal } = settings;
  const file = join(folder, 'requests.bin');
  const requests = Math.ceil((perSecond || mostPerSecond) * (durationSec + 1));
  const host = running.url.host;
  await writeRequestFile(file, { requests, bodyBytes, secret: benchSecret, host, nowMs: Date.now() });
  await sink.ask('reset');
  const startedAtMs = performance.now();
  const result = await runWrk({ url: running.url, file, connections, durationSec, perSecond, signal });
  const meanwhile = await sink.ask('counts');
  if (result.refused + result.failed > 0) throw new Error(`not all were acknowledged: ${JSON.stringify(result)}`);
  const untilDrainedMs = await drain(sink, result.answered, startedAtMs);
  const { received, wrong, doubled, p50Ms, p99Ms } = await sink.ask('latencies');
  if (wrong + doubled > 0) throw new Error(`of ${received}, ${wrong} were not what was sent, ${doubled} came twice`);
  return { result, deliveredMeanwhile: meanwhile.received, delivered: received, untilDrainedMs, p50Ms, p99Ms };
}

/** wrk cuts off what is under way at the end: a few more may arrive than were acknowledged. */
async function drain(sink: Sink, atLeast: number, startedAtMs: number): Promise<number> {
  for (let last = -1; ; ) {
    const { received } = await sink.ask('counts');
    if (received >= atLeast && received === last) return performance.now() - startedAtMs - drainPollMs;
    if (performance.now() - startedAtMs > drainPatienceMs) {
      throw new Error(`${atLeast} were acknowledged, ${received} delivered`);
    }
    last = received;
    await delay(drainPollMs);
  }
}
