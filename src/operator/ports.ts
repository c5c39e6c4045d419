import type { Circuit } from '../delivery/circuit.ts';
import type { ConsumerCounts } from '../delivery/ledger.ts';
import type { AppKey, ConsumerKey, QueueName } from '../delivery/names.ts';

export interface ConsumerName {
  readonly app: AppKey;
  readonly consumer: ConsumerKey;
}

/** What operators' questions ask of the store. All reject with `store_unavailable` while it is away. */
export interface OperatorSource {
  circuit(queue: QueueName): Promise<Circuit>;
  account(queue: QueueName): Promise<ConsumerCounts & { readonly minutes: readonly ConsumerMinute[] }>;
  /** Counts what was stored by a process that was killed before it could count it. */
  recount(queue: QueueName): Promise<void>;
  intake(app: AppKey): Promise<{
    readonly totals: Readonly<Record<string, number>>;
    readonly minutes: readonly { readonly atMs: number; readonly counts: Readonly<Record<string, number>> }[];
  }>;
  queueState(queue: QueueName): Promise<QueueState>;
}

/** One minute of one consumer. */
export interface ConsumerMinute {
  /** Epoch milliseconds at which it began. */
  readonly atMs: number;
  readonly accepted: number;
  readonly delivered: number;
  readonly dead: number;
}

/** What is in a queue at this moment. */
export interface QueueState {
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
  /** Kept, of those that were delivered and that are dead. */
  readonly delivered: number;
  readonly dead: number;
  readonly isPaused: boolean;
  /** When the oldest delivery that is not finished was added, epoch milliseconds. */
  readonly oldestPendingAtMs: number | undefined;
}
