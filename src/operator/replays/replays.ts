import { type AppKey, type ConsumerKey, type QueueName, queueNameOf } from '../../delivery/names.ts';
import { RelayError } from '../../errors.ts';
import { resolveFilter } from '../deliveries/resolve-filter.ts';
import type { ConsumerName, OperatorRecords, OperatorSource } from '../ports.ts';
import type { Replay, ReplayInput, ReplayPlan } from '../schemas.ts';
import { planReplay, type ResignAlways } from './plan-replay.ts';
import {
  activeKeyOf,
  chunkKeyOf,
  chunkSize,
  itemStates,
  type ReplayChunk,
  type ReplayRecord,
  recordKeyOf,
  recordPrefix,
  replayRecord,
} from './replay-record.ts';

export type ReplayAction = 'pause' | 'resume' | 'cancel';

/** Replays asked for, under way and done. A running one is worked on by `startReplayRunner`. */
export interface Replays {
  /** What a replay would do, without doing it. */
  plan(input: ReplayInput, name: ConsumerName): Promise<ReplayPlan>;
  /**
   * @param beforeStart is awaited when there is something to start, and nothing has been done
   * @throws RelayError `replay_active` when the consumer has one under way, `input_invalid` when nothing matches
   */
  start(input: ReplayInput, name: ConsumerName, by: string, beforeStart?: () => Promise<void>): Promise<Replay>;
  read(id: string): Promise<Replay | undefined>;
  list(page: { readonly before?: string | undefined; readonly limit: number }): Promise<readonly Replay[]>;
  /** @throws RelayError `replay_unknown`; `input_invalid` when it has ended */
  steer(id: string, action: ReplayAction): Promise<Replay>;
}

export interface ReplaysParts {
  readonly source: Pick<OperatorSource, 'search'>;
  readonly records: OperatorRecords;
  readonly resignAlways: ResignAlways | undefined;
  /** How long a replay that has ended is kept, milliseconds. */
  readonly retainMs: number;
  readonly nowMs: () => number;
  /** Some random characters of `a-z 0-9`. */
  readonly newId: () => string;
  /** A replay has been started. */
  readonly onStart: () => void;
}

const maxSwaps = 50;

export function createReplays(parts: ReplaysParts): Replays {
  const { source, records, nowMs } = parts;

  async function planned(input: ReplayInput, name: ConsumerName) {
    const now = nowMs();
    const filter = { ...resolveFilter(input.filter, now), app: name.app, consumer: name.consumer };
    const wish = { filter, resign: input.resign, force: input.force };
    return { filter, now, ...(await planReplay(source, name, wish, parts.resignAlways, now)) };
  }

  return {
    async plan(input, name) {
      return (await planned(input, name)).plan;
    },

    async start(input, name, by, beforeStart) {
      const { filter, now, plan, ids } = await planned(input, name);
      if (ids.length === 0) throw new RelayError('input_invalid', 'nothing matches: there is nothing to replay');
      const id = `${new Date(now).toISOString().replace(/[-:.]/g, '').toLowerCase()}-${parts.newId()}`;
      const expiresAtMs = now + parts.retainMs;
      const activeKey = activeKeyOf(name.app, name.consumer);
      const refuse = (other = 'another'): never => {
        throw new RelayError('replay_active', `${name.consumer} of app ${name.app} has a replay under way: ${other}`);
      };
      const active = await records.read(activeKey);
      if (active !== undefined) refuse(active);
      await beforeStart?.();
      if (!(await records.swap(activeKey, undefined, { value: id }))) refuse(await records.read(activeKey));
      const chunks = Math.ceil(ids.length / chunkSize);
      for (let index = 0; index < chunks; index += 1) {
        const own = ids.slice(index * chunkSize, (index + 1) * chunkSize);
        const chunk: ReplayChunk = { ids: own, states: itemStates.planned.repeat(own.length) };
        await records.swap(chunkKeyOf(id, index), undefined, { value: JSON.stringify(chunk), expiresAtMs });
      }
      const { reason, rate, resign, force } = input;
      const record: ReplayRecord = {
        ...{ v: 1, id, state: 'running', filter, by, rate, resign, force, createdAtMs: now, plan, chunks },
        ...(reason !== undefined && { reason }),
        totals: { fed: 0, skipped: 0, delivered: 0, dead: 0 },
      };
      await records.swap(recordKeyOf(id), undefined, { value: JSON.stringify(record), expiresAtMs });
      parts.onStart();
      return viewReplay(record);
    },

    async read(id) {
      const record = parseReplay(await records.read(recordKeyOf(id)));
      return record && viewReplay(record);
    },

    async list({ before, limit }) {
      const query = { prefix: recordPrefix, limit, ...(before !== undefined && { before: recordKeyOf(before) }) };
      const kept = await records.list(query);
      return kept.flatMap(({ value }) => {
        const record = parseReplay(value);
        return record === undefined ? [] : [viewReplay(record)];
      });
    },

    async steer(id, action) {
      const record = await changeReplay(records, id, parts, (before) => {
        if (before.state === 'done' || before.state === 'cancelled') {
          throw new RelayError('input_invalid', `the replay has ended: it is ${before.state}`);
        }
        if (action === 'cancel') return { ...before, state: 'cancelled', endedAtMs: nowMs() };
        return { ...before, state: action === 'pause' ? 'paused' : 'running' };
      });
      if (action === 'cancel') await releaseConsumer(records, record);
      return viewReplay(record);
    },
  };
}

export const replayUnknown = 'no such replay: "replays list" (GET /api/replays) shows them';

/**
 * Reads, changes and swaps a replay's record, again when somebody was faster.
 *
 * @throws RelayError `replay_unknown`
 */
export async function changeReplay(
  records: OperatorRecords,
  id: string,
  { retainMs }: Pick<ReplaysParts, 'retainMs'>,
  change: (before: ReplayRecord) => ReplayRecord,
): Promise<ReplayRecord> {
  for (let swaps = 0; swaps < maxSwaps; swaps += 1) {
    const text = await records.read(recordKeyOf(id));
    const before = parseReplay(text);
    if (before === undefined) throw new RelayError('replay_unknown', replayUnknown);
    const after = change(before);
    const expiresAtMs = after.createdAtMs + retainMs;
    if (await records.swap(recordKeyOf(id), text, { value: JSON.stringify(after), expiresAtMs })) return after;
  }
  throw new RelayError('store_unavailable', 'the replay changes faster than it can be written');
}

/** Lets the next replay of the consumer begin. */
export async function releaseConsumer(records: OperatorRecords, { filter }: ReplayRecord): Promise<void> {
  await records.remove(activeKeyOf(filter.app, filter.consumer));
}

export function parseReplay(text: string | undefined): ReplayRecord | undefined {
  if (text === undefined) return undefined;
  try {
    return replayRecord.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Whom a replay feeds. Its keys were checked when it was asked for. */
export function consumerOf({ filter }: ReplayRecord): ConsumerName {
  return { app: filter.app as AppKey, consumer: filter.consumer as ConsumerKey };
}

export function queueOf(record: ReplayRecord): QueueName {
  const { app, consumer } = consumerOf(record);
  return queueNameOf(app, consumer);
}

function viewReplay(record: ReplayRecord): Replay {
  const { totals, createdAtMs, endedAtMs, reason, waitingFor } = record;
  const { id, state, filter, by, rate, resign, force, plan } = record;
  return {
    ...{ id, state, filter, by, rate, resign, force, plan },
    ...(reason !== undefined && { reason }),
    createdAt: new Date(createdAtMs).toISOString(),
    ...(endedAtMs !== undefined && { endedAt: new Date(endedAtMs).toISOString() }),
    progress: { ...totals, pending: totals.fed - totals.delivered - totals.dead },
    ...(waitingFor !== undefined && { waitingFor }),
  };
}
