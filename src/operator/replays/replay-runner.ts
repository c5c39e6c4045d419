import { setTimeout as delay } from 'node:timers/promises';
import type { ConsumerName, OperatorRecords, OperatorSource, ReplayResult, Whereabouts } from '../ports.ts';
import {
  activePrefix,
  chunkKeyOf,
  type ItemState,
  itemStates,
  type ReplayChunk,
  type ReplayRecord,
  type ReplayTotals,
  recordKeyOf,
  replayChunk,
} from './replay-record.ts';
import { changeReplay, consumerOf, parseReplay, queueOf, releaseConsumer } from './replays.ts';

export interface ReplayRunnerParts {
  readonly source: Pick<OperatorSource, 'replay' | 'whereabouts' | 'queueState' | 'circuit'>;
  readonly records: OperatorRecords;
  readonly retainMs: number;
  /** Names this process; no two have the same. */
  readonly runnerId: string;
  readonly nowMs: () => number;
  readonly onError: (error: unknown) => void;
  /** One delivery was handed to the queue, or not. */
  readonly observe: (name: ConsumerName, result: ReplayResult) => void;
}

/** Chunks in which everything has ended, by their keys. */
type Settled = Map<string, ReplayChunk>;

/** How often a running replay is taken a step further, milliseconds. */
const stepMs = 500;
/** While there is none, how often it is asked whether another process has left one, milliseconds. */
const idleMs = 15_000;
/** A runner that has not been heard of for so long is gone, milliseconds. */
const leaseMs = 30_000;
/** So many deliveries waiting are live traffic (or this replay itself) that must go first. */
const maxWaiting = 500;
/** An id without its record was claimed by a process that died meanwhile. */
const orphanAfterMs = 60_000;
const maxActive = 1000;

export interface ReplayRunner {
  /** There is a replay to work on: looks at once. */
  wake(): void;
  stop(): Promise<void>;
}

/**
 * Works on running replays, each in one process at a time: feeds the queue at the replay's rate, waits while the
 * consumer is paused, down or busy, and follows what was fed until it is delivered or dead. Where it stopped is in the
 * store: another process goes on there.
 */
export function startReplayRunner(parts: ReplayRunnerParts): ReplayRunner {
  const stopping = new AbortController();
  const { signal } = stopping;
  const settled: Settled = new Map();
  const claimed = new Set<string>();
  let woken = new AbortController();
  const running = run();

  async function run(): Promise<void> {
    while (!signal.aborted) {
      woken = new AbortController();
      const waitMs = (await stepAll()) ? stepMs : idleMs;
      const isOver = AbortSignal.any([signal, ...(waitMs === idleMs ? [woken.signal] : [])]);
      await delay(waitMs, undefined, { signal: isOver }).catch(() => undefined);
    }
  }

  /** Whether there are any, as far as is known. */
  async function stepAll(): Promise<boolean> {
    try {
      const active = await parts.records.list({ prefix: activePrefix, limit: maxActive });
      for (const { key, value } of active) if (!signal.aborted) await stepReplay(parts, settled, claimed, key, value);
      return active.length > 0;
    } catch (error) {
      if (!signal.aborted) parts.onError(error);
      return true;
    }
  }

  return {
    wake: () => woken.abort(),
    async stop() {
      stopping.abort();
      await running;
      await Promise.allSettled([...claimed].map((id) => release(parts, id)));
    },
  };
}

async function stepReplay(
  parts: ReplayRunnerParts,
  settled: Settled,
  claims: Set<string>,
  activeKey: string,
  id: string,
): Promise<void> {
  const { records, nowMs, runnerId } = parts;
  const record = parseReplay(await records.read(recordKeyOf(id)));
  if (record === undefined) return forgetOrphan(parts, activeKey, id);
  if (record.state === 'done' || record.state === 'cancelled') return releaseConsumer(records, record);
  const now = nowMs();
  const { runner } = record;
  if (runner !== undefined && runner.id !== runnerId && now < runner.untilMs) return;
  const claimed = await changeReplay(records, id, parts, (before) => {
    return { ...before, runner: { id: runnerId, untilMs: now + leaseMs } };
  });
  claims.add(id);
  const waitingFor = await obstacleOf(parts, claimed);
  const isFeeding = claimed.state === 'running' && waitingFor === undefined;
  const totals = await advance(
    parts,
    settled,
    claimed,
    isFeeding ? Math.max(1, Math.round((claimed.rate * stepMs) / 1000)) : 0,
  );
  const isThrough = totals.fed + totals.skipped === claimed.plan.total && totals.delivered + totals.dead === totals.fed;
  const after = await changeReplay(records, id, parts, ({ waitingFor: _before, ...before }) => ({
    ...before,
    totals,
    ...(isThrough && before.state !== 'cancelled' && { state: 'done' as const, endedAtMs: nowMs() }),
    ...(waitingFor !== undefined && !isThrough && { waitingFor }),
  }));
  if (after.state !== 'done') return;
  claims.delete(id);
  await releaseConsumer(records, after);
  for (const key of settled.keys()) if (key.startsWith(chunkKeyOf(id, 0).slice(0, -6))) settled.delete(key);
}

/** Lets another process go on at once. */
async function release(parts: ReplayRunnerParts, id: string): Promise<void> {
  await changeReplay(parts.records, id, parts, (before) => {
    const { runner, ...rest } = before;
    return runner?.id === parts.runnerId ? rest : before;
  });
}

/** Ids begin with when they were made: see `createReplays`. */
async function forgetOrphan({ records, nowMs }: ReplayRunnerParts, activeKey: string, id: string): Promise<void> {
  const [, date, time] = /^(\d{8})t(\d{6})/.exec(id) ?? [];
  const iso = `${date?.replace(/(....)(..)(..)/, '$1-$2-$3')}T${time?.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`;
  const madeAtMs = Date.parse(iso);
  if (!(nowMs() - madeAtMs < orphanAfterMs)) await records.remove(activeKey);
}

/** Why nothing may be fed now. */
async function obstacleOf({ source, nowMs }: ReplayRunnerParts, record: ReplayRecord): Promise<string | undefined> {
  if (record.state === 'paused') return 'the replay is paused';
  const queue = queueOf(record);
  const [{ isPaused, waiting }, circuit] = await Promise.all([source.queueState(queue), source.circuit(queue)]);
  if (isPaused) return 'the consumer is paused';
  if (circuit.kind === 'open' || circuit.kind === 'half_open') return 'the consumer is down: its circuit is open';
  if (circuit.kind === 'throttled' && nowMs() < circuit.untilMs) return 'the consumer asked for a pause';
  return waiting > maxWaiting ? `live traffic: ${waiting} deliveries wait` : undefined;
}

/**
 * Feeds up to `budget` more and looks what became of those fed before. Each chunk is written as it is dealt with; those
 * in which everything has ended are not read again.
 */
async function advance(
  parts: ReplayRunnerParts,
  settled: Settled,
  record: ReplayRecord,
  budget: number,
): Promise<ReplayTotals> {
  let left = budget;
  const totals = { fed: 0, skipped: 0, delivered: 0, dead: 0 };
  for (let index = 0; index < record.chunks; index += 1) {
    const key = chunkKeyOf(record.id, index);
    const known = settled.get(key);
    if (known !== undefined) {
      addTo(totals, known);
      continue;
    }
    const text = await parts.records.read(key);
    const chunk = parseChunk(text);
    if (text === undefined || chunk === undefined) continue; // expired with its replay
    const followed = await follow(parts, record, chunk);
    const fed = left > 0 ? await feed(parts, record, followed, left) : { chunk: followed, used: 0 };
    left -= fed.used;
    if (fed.chunk.states !== chunk.states) {
      const expiresAtMs = record.createdAtMs + parts.retainMs;
      await parts.records.swap(key, text, { value: JSON.stringify(fed.chunk), expiresAtMs });
    }
    addTo(totals, fed.chunk);
    const isUntouched = fed.chunk.states === itemStates.planned.repeat(chunk.ids.length);
    if (isUntouched) break; // and so are all that follow
    const isOpen = fed.chunk.states.includes(itemStates.planned) || fed.chunk.states.includes(itemStates.fed);
    if (!isOpen) settled.set(key, fed.chunk);
  }
  return totals;
}

async function feed(
  parts: ReplayRunnerParts,
  record: ReplayRecord,
  chunk: ReplayChunk,
  budget: number,
): Promise<{ readonly chunk: ReplayChunk; readonly used: number }> {
  const states = [...chunk.states];
  const planned = chunk.ids.flatMap((id, index) => (states[index] === itemStates.planned ? [{ id, index }] : []));
  const taken = planned.slice(0, budget);
  for (const { id, index } of taken) {
    const mark = { replayId: record.id, atMs: parts.nowMs(), resign: record.resign };
    const result = await parts.source.replay(queueOf(record), id, mark, record.force);
    states[index] = result === 'replayed' || result === 'brought_forward' ? itemStates.fed : itemStates.skipped;
    parts.observe(consumerOf(record), result);
  }
  return { chunk: { ids: chunk.ids, states: states.join('') }, used: taken.length };
}

async function follow(parts: ReplayRunnerParts, record: ReplayRecord, chunk: ReplayChunk): Promise<ReplayChunk> {
  const states = [...chunk.states];
  const open = chunk.ids.flatMap((id, index) => (states[index] === itemStates.fed ? [{ id, index }] : []));
  if (open.length === 0) return chunk;
  const found = await parts.source.whereabouts(
    queueOf(record),
    open.map(({ id }) => id),
  );
  for (const [position, { index }] of open.entries()) states[index] = stateOf(found[position]);
  return { ids: chunk.ids, states: states.join('') };
}

/** What is fed is in neither end until it has ended anew; one that is not kept any more was delivered and removed. */
function stateOf(where: Whereabouts | undefined): ItemState {
  if (where === undefined || where.state === 'delivered') return itemStates.delivered;
  return where.state === 'dead' ? itemStates.dead : itemStates.fed;
}

function addTo(totals: Record<keyof ReplayTotals, number>, { states }: ReplayChunk): void {
  for (const state of states) {
    if (state === itemStates.skipped) totals.skipped += 1;
    if (state === itemStates.delivered) totals.delivered += 1;
    if (state === itemStates.dead) totals.dead += 1;
    if (state === itemStates.fed || state === itemStates.delivered || state === itemStates.dead) totals.fed += 1;
  }
}

function parseChunk(text: string | undefined): ReplayChunk | undefined {
  if (text === undefined) return undefined;
  try {
    return replayChunk.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
