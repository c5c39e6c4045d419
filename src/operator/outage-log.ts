import { z } from 'zod';
import type { AppKey, ConsumerKey } from '../delivery/names.ts';
import { RelayError } from '../errors.ts';
import { parseRecord } from './alerts/parse-record.ts';

/** One record for each consumer. Rejects with `store_unavailable` while the store is away. */
export interface OutageRecords {
  read(key: string): Promise<string | undefined>;
  swap(
    key: string,
    expected: string | undefined,
    next: { readonly value: string; readonly expiresAtMs: number },
  ): Promise<boolean>;
}

/** From when a consumer's circuit opened until something was answered again, epoch milliseconds. */
export interface Outage {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface OutageLog {
  /** A consumer that had been unavailable since `sinceMs` answers again. */
  ended(app: AppKey, consumer: ConsumerKey, sinceMs: number): void;
  /**
   * Those of the last 25 h that have ended, oldest first.
   *
   * @throws RelayError `store_unavailable`
   */
  read(app: AppKey, consumer: ConsumerKey): Promise<readonly Outage[]>;
  /** Writes what is not written yet. Never rejects. */
  stop(): Promise<void>;
}

const minuteMs = 60_000;
const keptMs = 25 * 60 * minuteMs;
/** Outages closer to each other than this are one, which also bounds how many there can be. */
const leastGapMs = minuteMs;
const retryIntervalMs = 15_000;
const maxSwaps = 20;

const storedOutages = z.object({ v: z.literal(1), outages: z.array(z.tuple([z.number(), z.number()])) });

/** Outages of consumers, written when they end. A process that is killed takes those with it that it could not write yet. */
export function createOutageLog(records: OutageRecords, nowMs: () => number): OutageLog {
  const unwritten = new Map<string, readonly Outage[]>();
  let flushing = Promise.resolve();
  const timer = setInterval(() => void flush(), retryIntervalMs).unref();

  function flush(): Promise<void> {
    flushing = flushing.then(writeAll);
    return flushing;
  }

  /** Never rejects: what cannot be written now is written later. */
  async function writeAll(): Promise<void> {
    for (const [key, outages] of [...unwritten]) {
      unwritten.delete(key);
      try {
        await write(records, key, outages, nowMs());
      } catch {
        unwritten.set(key, join([...outages, ...(unwritten.get(key) ?? [])], nowMs()));
      }
    }
  }

  return {
    ended(app, consumer, sinceMs) {
      const key = `${app}/${consumer}`;
      unwritten.set(key, join([...(unwritten.get(key) ?? []), { fromMs: sinceMs, toMs: nowMs() }], nowMs()));
      void flush();
    },
    async read(app, consumer) {
      const key = `${app}/${consumer}`;
      await flushing;
      const stored = parse(await records.read(key));
      return join([...stored, ...(unwritten.get(key) ?? [])], nowMs());
    },
    async stop() {
      clearInterval(timer);
      await flush();
    },
  };
}

async function write(records: OutageRecords, key: string, outages: readonly Outage[], nowMs: number): Promise<void> {
  for (let swaps = 0; swaps < maxSwaps; swaps += 1) {
    const stored = await records.read(key);
    const kept = join([...parse(stored), ...outages], nowMs);
    const value = JSON.stringify({ v: 1, outages: kept.map(({ fromMs, toMs }) => [fromMs, toMs]) });
    if (await records.swap(key, stored, { value, expiresAtMs: nowMs + keptMs })) return;
  }
  throw new RelayError('internal', `the outages of a consumer changed under each of ${maxSwaps} swaps`);
}

function parse(stored: string | undefined): readonly Outage[] {
  const outages = parseRecord(storedOutages, stored)?.outages ?? [];
  return outages.map(([fromMs, toMs]) => ({ fromMs, toMs }));
}

/** In order, without those that are too old, and those that are next to each other as one. */
function join(outages: readonly Outage[], nowMs: number): readonly Outage[] {
  const joined: Outage[] = [];
  for (const outage of outages.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = joined.at(-1);
    if (last === undefined || outage.fromMs - last.toMs >= leastGapMs) joined.push(outage);
    else joined[joined.length - 1] = { fromMs: last.fromMs, toMs: Math.max(last.toMs, outage.toMs) };
  }
  return joined.filter(({ toMs }) => toMs > nowMs - keptMs);
}
