import { z } from 'zod';
import type { AppKey } from '../delivery/names.ts';
import { RelayError } from '../errors.ts';
import { parseRecord } from './alerts/parse-record.ts';

/** One record for each app. Rejects with `store_unavailable` while the store is away. */
export interface AppFactsRecords {
  read(key: string): Promise<string | undefined>;
  swap(key: string, expected: string | undefined, next: { readonly value: string }): Promise<boolean>;
}

/** When Zoom was last heard of, by app. */
export interface AppFacts {
  /** Zoom has validated the app's endpoint. */
  challenge(app: AppKey): void;
  eventSeen(app: AppKey, event: string): void;
  /** @throws RelayError `store_unavailable` */
  read(app: AppKey): Promise<FactsOfApp>;
  stop(): Promise<void>;
}

export interface FactsOfApp {
  /** Epoch milliseconds, up to a minute too early; the same for `lastAtMs`. */
  readonly lastChallengeAtMs?: number;
  /** Newest first, at most 200. */
  readonly events: readonly { readonly event: string; readonly lastAtMs: number }[];
}

const flushIntervalMs = 5000;
/** The same fact is not written again within this. */
const repeatAfterMs = 60_000;
const maxEvents = 200;
const maxSwaps = 20;

const storedFacts = z.object({
  v: z.literal(1),
  challengeAtMs: z.number().exactOptional(),
  events: z.array(z.tuple([z.string(), z.number()])),
});

interface Facts {
  challengeAtMs?: number;
  readonly events: ReadonlyMap<string, number>;
}

/**
 * Keeps facts in memory and hands them to the store every 5 s, each at most once a minute, so that no request pays for
 * them. A process that is killed takes those with it that it has not written.
 */
export function createAppFacts(records: AppFactsRecords, nowMs: () => number): AppFacts {
  let unwritten = new Map<AppKey, Facts>();
  const notedAtMs = new Map<string, number>();
  let flushing = Promise.resolve();
  const timer = setInterval(() => void flush(), flushIntervalMs).unref();

  function note(app: AppKey, fact: string, facts: Facts): void {
    const key = `${app} ${fact}`;
    if (nowMs() - (notedAtMs.get(key) ?? Number.NEGATIVE_INFINITY) < repeatAfterMs) return;
    notedAtMs.set(key, nowMs());
    unwritten.set(app, join(unwritten.get(app), facts));
  }

  function flush(): Promise<void> {
    flushing = flushing.then(writeAll);
    return flushing;
  }

  /** Never rejects: what cannot be written now is written later. */
  async function writeAll(): Promise<void> {
    const taken = unwritten;
    unwritten = new Map();
    for (const [key, atMs] of notedAtMs) if (nowMs() - atMs >= repeatAfterMs) notedAtMs.delete(key);
    await Promise.all(
      [...taken].map(async ([app, facts]) => {
        try {
          await write(records, app, facts);
        } catch {
          unwritten.set(app, join(unwritten.get(app), facts));
        }
      }),
    );
  }

  return {
    challenge: (app) => note(app, '', { challengeAtMs: nowMs(), events: new Map() }),
    eventSeen: (app, event) => note(app, event, { events: new Map([[event, nowMs()]]) }),
    async read(app) {
      const { challengeAtMs, events } = join(parse(await records.read(app)), unwritten.get(app));
      return {
        ...(challengeAtMs === undefined ? {} : { lastChallengeAtMs: challengeAtMs }),
        events: [...events].map(([event, lastAtMs]) => ({ event, lastAtMs })),
      };
    },
    async stop() {
      clearInterval(timer);
      await flush();
    },
  };
}

async function write(records: AppFactsRecords, app: AppKey, facts: Facts): Promise<void> {
  for (let swaps = 0; swaps < maxSwaps; swaps += 1) {
    const stored = await records.read(app);
    const { events, ...rest } = join(parse(stored), facts);
    if (await records.swap(app, stored, { value: JSON.stringify({ v: 1, ...rest, events: [...events] }) })) return;
  }
  throw new RelayError('internal', `the facts of an app changed under each of ${maxSwaps} swaps`);
}

function parse(stored: string | undefined): Facts | undefined {
  const parsed = parseRecord(storedFacts, stored);
  if (parsed === undefined) return undefined;
  const { v: _v, events, ...rest } = parsed;
  return { ...rest, events: new Map(events) };
}

/** The later of both, events newest first. */
function join(one: Facts | undefined, other: Facts | undefined): Facts {
  const latest = new Map(one?.events);
  for (const [event, atMs] of other?.events ?? []) latest.set(event, Math.max(atMs, latest.get(event) ?? atMs));
  const events = new Map([...latest].toSorted(([, a], [, b]) => b - a).slice(0, maxEvents));
  const challenges = [one?.challengeAtMs, other?.challengeAtMs].filter((atMs) => atMs !== undefined);
  return challenges.length === 0 ? { events } : { challengeAtMs: Math.max(...challenges), events };
}
