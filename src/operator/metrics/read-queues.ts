import type { Circuit } from '../../delivery/circuit.ts';
import { queueNameOf } from '../../delivery/names.ts';
import type { ConsumerName, OperatorSource } from '../ports.ts';

/** One consumer as all processes see it. */
export interface QueueReading extends ConsumerName {
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
  /** Kept and replayable. */
  readonly dead: number;
  /** How long the oldest delivery that is not finished has been here, milliseconds. */
  readonly oldestPendingMs?: number;
  readonly circuitKind: Circuit['kind'];
}

/** What is in every queue now, and every consumer's circuit. Rejects with `store_unavailable` while the store is away. */
export async function readQueues(
  source: Pick<OperatorSource, 'queueState' | 'circuit'>,
  consumers: readonly ConsumerName[],
  nowMs: number,
): Promise<readonly QueueReading[]> {
  return Promise.all(
    consumers.map(async ({ app, consumer }) => {
      const queue = queueNameOf(app, consumer);
      const [state, circuit] = await Promise.all([source.queueState(queue), source.circuit(queue)]);
      const { waiting, delayed, active, dead, oldestPendingAtMs } = state;
      const oldest = oldestPendingAtMs === undefined ? {} : { oldestPendingMs: Math.max(nowMs - oldestPendingAtMs, 0) };
      return { app, consumer, waiting, delayed, active, dead, ...oldest, circuitKind: circuit.kind };
    }),
  );
}
