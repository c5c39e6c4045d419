import type { History, Latency } from '../ports.ts';

/** The minutes of a range in one line. */
export interface SumOfLatencies {
  readonly count: number;
  /** Of the minute in the middle: half of what was measured lies in minutes whose p50 is no higher. */
  readonly p50Ms: number;
  /** Of the worst minute. */
  readonly p99Ms: number;
  readonly maxMs: number;
}

/**
 * @param of `ack`, or `app/consumer`
 * @returns `undefined` when nothing was measured
 */
export function sumUpHistory({ minutes }: History, of: string): SumOfLatencies | undefined {
  const measured = minutes.flatMap(({ ack, delivery }) => {
    const latency = of === 'ack' ? ack : delivery[of];
    return latency === undefined || latency.count === 0 ? [] : [latency];
  });
  if (measured.length === 0) return undefined;
  return {
    count: measured.reduce((sum, { count }) => sum + count, 0),
    p50Ms: middleP50(measured),
    p99Ms: Math.max(...measured.map(({ p99Ms }) => p99Ms)),
    maxMs: Math.max(...measured.map(({ maxMs }) => maxMs)),
  };
}

function middleP50(measured: readonly Latency[]): number {
  let left = measured.reduce((sum, { count }) => sum + count, 0) / 2;
  for (const { p50Ms, count } of measured.toSorted((a, b) => a.p50Ms - b.p50Ms)) {
    left -= count;
    if (left <= 0) return p50Ms;
  }
  return 0;
}
