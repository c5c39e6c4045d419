import type { Circuit } from '../delivery/circuit.ts';
import { queueNameOf } from '../delivery/names.ts';
import type { ConsumerMinute, ConsumerName, OperatorSource } from './ports.ts';

/** One consumer as it is now. */
export interface ConsumerView extends ConsumerName {
  readonly isPaused: boolean;
  readonly circuit: Circuit;
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
  /** Kept and replayable; the ledger says how many died in all. */
  readonly dead: number;
  /** How long the oldest delivery that is not finished has been here, milliseconds. */
  readonly oldestPendingMs?: number;
  readonly deliveredLastMinute: number;
}

export async function readConsumers(
  source: OperatorSource,
  consumers: readonly ConsumerName[],
  nowMs: number,
): Promise<readonly ConsumerView[]> {
  return Promise.all(
    consumers.map(async ({ app, consumer }) => {
      const queue = queueNameOf(app, consumer);
      const [state, circuit, account] = await Promise.all([
        source.queueState(queue),
        source.circuit(queue),
        source.account(queue),
      ]);
      const { isPaused, waiting, delayed, active, dead, oldestPendingAtMs } = state;
      const deliveredLastMinute = lastMinute(account.minutes, nowMs);
      const oldest = oldestPendingAtMs === undefined ? {} : { oldestPendingMs: Math.max(nowMs - oldestPendingAtMs, 0) };
      return { app, consumer, isPaused, circuit, waiting, delayed, active, dead, ...oldest, deliveredLastMinute };
    }),
  );
}

const minuteMs = 60_000;

/** Counts are kept by the minute of the clock: this one, and of the one before the share that is less than 60 s ago. */
function lastMinute(minutes: readonly ConsumerMinute[], nowMs: number): number {
  const startOf = Math.floor(nowMs / minuteMs) * minuteMs;
  const deliveredIn = (atMs: number): number => minutes.find((minute) => minute.atMs === atMs)?.delivered ?? 0;
  const share = 1 - (nowMs - startOf) / minuteMs;
  return Math.round(deliveredIn(startOf) + share * deliveredIn(startOf - minuteMs));
}
