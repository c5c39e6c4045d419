import { z } from 'zod';
import type { AppKey, ConsumerKey } from '../delivery/names.ts';
import { parseRecord } from './alerts/parse-record.ts';

/** One record for each process and minute. Rejects with `store_unavailable` while the store is away. */
export interface LatencyRecords {
  read(key: string): Promise<string | undefined>;
  swap(
    key: string,
    expected: string | undefined,
    next: { readonly value: string; readonly expiresAtMs: number },
  ): Promise<boolean>;
  /** Keys descending, those below `before`. */
  list(query: {
    readonly before: string;
    readonly limit: number;
  }): Promise<readonly { readonly key: string; readonly value: string }[]>;
}

export interface LatencyLog {
  /** A notification was answered after so many milliseconds. */
  acknowledged(ms: number): void;
  /** A delivery has reached its consumer so many milliseconds after it was received. */
  delivered(app: AppKey, consumer: ConsumerKey, latencyMs: number): void;
  /**
   * The minutes, oldest first, that lie at least in part from `fromMs` to before `toMs`, and in which something was
   * measured, by all processes.
   *
   * @throws RelayError `store_unavailable`
   */
  read(fromMs: number, toMs: number): Promise<readonly LatencyMinute[]>;
  /** Writes what is not written yet. Never rejects. */
  stop(): Promise<void>;
}

export interface LatencyMinute {
  /** Epoch milliseconds at which it began. */
  readonly atMs: number;
  readonly ack: LatencyStats;
  /** By `app/consumer`. */
  readonly delivery: Readonly<Record<string, LatencyStats>>;
}

/** Milliseconds. `p50` and `p99` are up to a fifth too high, `max` and the counts are exact. All 0 without a count. */
export interface LatencyStats {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly overOneSecond: number;
}

const minuteMs = 60_000;
const flushIntervalMs = 15_000;
const keptMs = 25 * 60 * minuteMs;
/** While the store is away, so many minutes are held in memory; the oldest go. */
const maxHeldMinutes = 120;
const pageSize = 500;

/** Four buckets to each doubling: bucket `i` ends at 2^(i/4) ms, the first at 1 ms, the last has what is over 1 h, too. */
const bucketsPerDoubling = 4;
const lastBucket = Math.ceil(Math.log2(60 * minuteMs) * bucketsPerDoubling);

const storedHistogram = z.object({
  count: z.number(),
  max: z.number(),
  overOneSecond: z.number(),
  /** Bucket and how many are in it; only buckets that hold some. */
  buckets: z.array(z.tuple([z.number(), z.number()])),
});
type StoredHistogram = z.infer<typeof storedHistogram>;
const storedMinute = z.object({
  v: z.literal(1),
  ack: storedHistogram,
  delivery: z.array(z.tuple([z.string(), storedHistogram])),
});

interface Histogram {
  count: number;
  max: number;
  overOneSecond: number;
  readonly buckets: Map<number, number>;
}

interface HeldMinute {
  readonly ack: Histogram;
  readonly delivery: Map<string, Histogram>;
  /** As it was last written. */
  written?: string;
}

/**
 * Latencies by the minute, kept for 25 h. What is measured is written every 15 s; a process that is killed takes the
 * rest with it.
 *
 * @param processId up to 150 characters, unique over restarts too: nobody else writes to this one's records
 */
export function createLatencyLog(records: LatencyRecords, processId: string, nowMs: () => number): LatencyLog {
  const held = new Map<number, HeldMinute>();
  const keyOf = (atMs: number): string => `${timeKey(atMs)}/${processId}`;
  let flushing = Promise.resolve();
  const timer = setInterval(() => void flush(), flushIntervalMs).unref();

  function thisMinute(): HeldMinute {
    const atMs = startOfMinute(nowMs());
    const minute = held.get(atMs) ?? { ack: emptyHistogram(), delivery: new Map() };
    held.set(atMs, minute);
    if (held.size > maxHeldMinutes) held.delete(Math.min(...held.keys()));
    return minute;
  }

  function flush(): Promise<void> {
    flushing = flushing.then(writeAll);
    return flushing;
  }

  /** Never rejects: what cannot be written now is written later. */
  async function writeAll(): Promise<void> {
    for (const [atMs, minute] of held) {
      try {
        await write(atMs, minute);
      } catch {
        return;
      }
      const isComplete = serialise(minute) === minute.written; // not measured again while it was being written
      if (isComplete && atMs < startOfMinute(nowMs())) held.delete(atMs);
    }
  }

  async function write(atMs: number, minute: HeldMinute): Promise<void> {
    const value = serialise(minute);
    if (value === minute.written) return;
    const next = { value, expiresAtMs: atMs + keptMs };
    const isWritten =
      (await records.swap(keyOf(atMs), minute.written, next)) ||
      // An earlier write was made although it was not answered.
      (await records.swap(keyOf(atMs), await records.read(keyOf(atMs)), next));
    if (isWritten) minute.written = value;
  }

  return {
    acknowledged: (ms) => add(thisMinute().ack, ms),
    delivered(app, consumer, latencyMs) {
      const { delivery } = thisMinute();
      const name = `${app}/${consumer}`;
      const histogram = delivery.get(name) ?? emptyHistogram();
      delivery.set(name, histogram);
      add(histogram, latencyMs);
    },
    async read(fromMs, toMs) {
      const from = startOfMinute(fromMs);
      const found = await listRecords(records, timeKey(from), timeKey(toMs));
      for (const [atMs, minute] of held) {
        if (atMs >= from && atMs < toMs) found.set(keyOf(atMs), serialise(minute));
      }
      return readMinutes(found);
    },
    async stop() {
      clearInterval(timer);
      await flush();
    },
  };
}

async function listRecords(records: LatencyRecords, from: string, to: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (let before = to; ; ) {
    const page = await records.list({ before, limit: pageSize });
    const within = page.filter(({ key }) => key >= from);
    for (const { key, value } of within) found.set(key, value);
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize || within.length < page.length) return found;
    before = last.key;
  }
}

function readMinutes(found: ReadonlyMap<string, string>): readonly LatencyMinute[] {
  const minutes = new Map<number, HeldMinute>();
  for (const [key, value] of found) {
    const parsed = parseRecord(storedMinute, value);
    if (parsed === undefined) continue;
    const atMs = Number.parseInt(key, 10);
    const minute = minutes.get(atMs) ?? { ack: emptyHistogram(), delivery: new Map() };
    minutes.set(atMs, minute);
    merge(minute.ack, parsed.ack);
    for (const [name, histogram] of parsed.delivery) {
      const sum = minute.delivery.get(name) ?? emptyHistogram();
      minute.delivery.set(name, sum);
      merge(sum, histogram);
    }
  }
  const sorted = [...minutes].toSorted(([a], [b]) => a - b);
  return sorted.map(([atMs, { ack, delivery }]) => {
    const perConsumer = [...delivery].map(([name, histogram]) => [name, statsOf(histogram)] as const);
    return { atMs, ack: statsOf(ack), delivery: Object.fromEntries(perConsumer) };
  });
}

function emptyHistogram(): Histogram {
  return { count: 0, max: 0, overOneSecond: 0, buckets: new Map() };
}

/** A clock that was set back gives a negative latency: it counts as 0. */
function add(histogram: Histogram, ms: number): void {
  const latencyMs = Math.max(0, Math.round(ms * 10) / 10);
  const bucket = Math.min(Math.max(0, Math.ceil(Math.log2(latencyMs) * bucketsPerDoubling)), lastBucket);
  merge(histogram, { count: 1, max: latencyMs, overOneSecond: latencyMs > 1000 ? 1 : 0, buckets: [[bucket, 1]] });
}

function merge(into: Histogram, other: StoredHistogram): void {
  into.count += other.count;
  into.max = Math.max(into.max, other.max);
  into.overOneSecond += other.overOneSecond;
  for (const [bucket, count] of other.buckets) into.buckets.set(bucket, (into.buckets.get(bucket) ?? 0) + count);
}

function serialise({ ack, delivery }: HeldMinute): string {
  const stored = (histogram: Histogram): StoredHistogram => ({ ...histogram, buckets: [...histogram.buckets] });
  return JSON.stringify({ v: 1, ack: stored(ack), delivery: [...delivery].map(([name, of]) => [name, stored(of)]) });
}

function statsOf({ count, max, overOneSecond, buckets }: Histogram): LatencyStats {
  const ascending = [...buckets].toSorted(([a], [b]) => a - b);
  const quantile = (share: number): number => {
    let rank = Math.ceil(share * count);
    const found = ascending.find(([, inBucket]) => {
      rank -= inBucket;
      return rank <= 0;
    });
    const endMs = 2 ** ((found?.[0] ?? 0) / bucketsPerDoubling);
    return Math.min(Math.round(endMs * 10) / 10, max);
  };
  return { count, p50: quantile(0.5), p99: quantile(0.99), max, overOneSecond };
}

function startOfMinute(ms: number): number {
  return Math.floor(ms / minuteMs) * minuteMs;
}

/** Of one width, so that keys are ordered by time. */
function timeKey(ms: number): string {
  return String(Math.max(0, Math.ceil(ms))).padStart(13, '0');
}
