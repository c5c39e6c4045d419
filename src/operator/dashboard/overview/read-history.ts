import type { AppKey, ConsumerKey } from '../../../delivery/names.ts';
import type { LatencyLog, LatencyStats } from '../../latency-log.ts';
import type { OutageLog } from '../../outage-log.ts';
import type { ConsumerName } from '../../ports.ts';
import type { History, HistoryRange, Latency, ShownOutage } from '../ports.ts';

/** What a history is read from. All reject with `store_unavailable` while the store is away. */
export interface HistorySource {
  readonly latency: Pick<LatencyLog, 'read'>;
  readonly outages: Pick<OutageLog, 'read'>;
  /** When the outage began that a consumer is in, epoch milliseconds; `undefined` when it is in none. */
  readDownSince(app: AppKey, consumer: ConsumerKey): Promise<number | undefined>;
}

const spanMs: Readonly<Record<HistoryRange, number>> = { hour: 3_600_000, day: 86_400_000 };

/** @throws RelayError `store_unavailable` */
export async function readHistory(
  source: HistorySource,
  consumers: readonly ConsumerName[],
  range: HistoryRange,
  nowMs: number,
): Promise<History> {
  const fromMs = nowMs - spanMs[range];
  const [minutes, outages] = await Promise.all([
    source.latency.read(fromMs, nowMs),
    Promise.all(
      consumers.map(async ({ app, consumer }) => {
        return [`${app}/${consumer}`, await readOutages(source, app, consumer, fromMs)] as const;
      }),
    ),
  ]);
  return {
    minutes: minutes.map(({ atMs, ack, delivery }) => ({
      atMs,
      ...(ack.count > 0 && { ack: viewLatency(ack) }),
      delivery: Object.fromEntries(Object.entries(delivery).map(([name, stats]) => [name, viewLatency(stats)])),
    })),
    outages: Object.fromEntries(outages),
  };
}

async function readOutages(
  { outages, readDownSince }: HistorySource,
  app: AppKey,
  consumer: ConsumerKey,
  fromMs: number,
): Promise<readonly ShownOutage[]> {
  const [ended, sinceMs] = await Promise.all([outages.read(app, consumer), readDownSince(app, consumer)]);
  const current = sinceMs === undefined ? [] : [{ fromMs: sinceMs }];
  return [...ended.filter(({ toMs }) => toMs > fromMs), ...current];
}

function viewLatency({ count, p50, p99, max }: LatencyStats): Latency {
  return { count, p50Ms: p50, p99Ms: p99, maxMs: max };
}
