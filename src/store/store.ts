import type { AttemptRecord } from '../delivery/attempt.ts';
import type { Decision } from '../delivery/decide.ts';
import type { ConsumerCounts } from '../delivery/ledger.ts';
import type { QueueName } from '../delivery/names.ts';
import type { NewDelivery } from '../delivery/stored-delivery.ts';

export type EngineName = 'redis' | 'postgres' | 'embedded';

/** A delivery handed to a worker, which alone holds it until its promise settles. */
export interface ClaimedDelivery {
  readonly id: string;
  /** Job data as stored; may be of any version, or garbage. */
  readonly data: unknown;
  /** 1 for the first attempt. */
  readonly attempt: number;
}

/** What a worker makes of a delivery; the store carries the decision out. */
export interface SettledDelivery {
  readonly decision: Decision;
  readonly record: AttemptRecord;
}

export interface WorkOptions {
  /** Deliveries of this queue attempted at once by this process. */
  readonly concurrency: number;
  /** How long the lock outlives a worker that no longer renews it, milliseconds. Must exceed the longest attempt. */
  readonly lockMs: number;
  readonly retainDeliveredMs: number;
  readonly retainDeliveredCount: number;
  readonly retainDeadMs: number;
}

/** A rejection of `process` is a bug: the delivery is tried again after a minute, its attempts uncounted. */
export type ProcessDelivery = (delivery: ClaimedDelivery) => Promise<SettledDelivery>;

export type StoreStatus = { readonly ready: true } | { readonly ready: false; readonly reason: string };

/**
 * The durable queue, on one of three engines. Opens itself in the background and stays alive through outages; nothing
 * here rejects because the store was away when the process started.
 */
export interface Store {
  readonly engine: EngineName;
  status(): StoreStatus;
  /**
   * Queues deliveries; resolves when they are durable, with one answer each: whether it is new (`true`) or a delivery
   * of that id was there already (`false`).
   *
   * @throws RelayError `store_unavailable` when the store is away or refuses, `overloaded` when too much is unwritten.
   *   A delivery may turn up in the queue after all: adding it again is harmless.
   */
  add(deliveries: readonly NewDelivery[]): Promise<readonly boolean[]>;
  /** Starts a worker on a queue as soon as the store is there. */
  work(queue: QueueName, options: WorkOptions, process: ProcessDelivery): void;
  /** @throws RelayError `store_unavailable` */
  counts(queue: QueueName): Promise<ConsumerCounts>;
  /** No new attempts; resolves when the active ones have ended and are settled. Adding still works. */
  stopWorkers(): Promise<void>;
  close(): Promise<void>;
}
