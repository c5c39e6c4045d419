import type { Circuit } from '../delivery/circuit.ts';
import { queueNameOf } from '../delivery/names.ts';
import type { ConsumerMinute, ConsumerName, OperatorSource } from './ports.ts';

/** What lies in one consumer's queue now. */
export interface QueueView extends ConsumerName {
  readonly isPaused: boolean;
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
  /** Kept and replayable; the ledger says how many died in all. */
  readonly dead: number;
  /** How long the oldest delivery that is not finished has been here, milliseconds. */
  readonly oldestPendingMs?: number;
}

/** One consumer as it is now. */
export interface ConsumerView extends QueueView {
  readonly circuit: Circuit;
  readonly deliveredLastMinute: number;
}

export async function readConsumers(
  source: OperatorSource,
  consumers: readonly ConsumerName[],
  nowMs: number,
): Promise<readonly ConsumerView[]> {
  return Promise.all(
    consumers.map(async (name) => {
      const queue = queueNameOf(name.app, name.consumer);
      const [view, circuit, account] = await Promise.all([
        readQueue(source, name, nowMs),
        source.circuit(queue),
        source.account(queue),
      ]);
      return { ...view, circuit, deliveredLastMinute: lastMinute(account.minutes, nowMs) };
    }),
  );
}

/** One question for each, for those who ask again and again. */
export async function readQueues(
  source: Pick<OperatorSource, 'queueState'>,
  consumers: readonly ConsumerName[],
  nowMs: number,
): Promise<readonly QueueView[]> {
  return Promise.all(consumers.map((name) => readQueue(source, name, nowMs)));
}

async function readQueue(
  source: Pick<OperatorSource, 'queueState'>,
  { app, consumer }: ConsumerName,
  nowMs: number,
): Promise<QueueView> {
  const state = await source.queueState(queueNameOf(app, consumer));
  const { isPaused, waiting, delayed, active, dead, oldestPendingAtMs } = state;
  const oldest = oldestPendingAtMs === undefined ? {} : { oldestPendingMs: Math.max(nowMs - oldestPendingAtMs, 0) };
  return { app, consumer, isPaused, waiting, delayed, active, dead, ...oldest };
}

const minuteMs = 60_000;

/** Counts are kept by the minute of the clock: this one, and of the one before the share that is less than 60 s ago. */
function lastMinute(minutes: readonly ConsumerMinute[], nowMs: number): number {
  const startOf = Math.floor(nowMs / minuteMs) * minuteMs;
  const deliveredIn = (atMs: number): number => minutes.find((minute) => minute.atMs === atMs)?.delivered ?? 0;
  const share = 1 - (nowMs - startOf) / minuteMs;
  return Math.round(deliveredIn(startOf) + share * deliveredIn(startOf - minuteMs));
}
