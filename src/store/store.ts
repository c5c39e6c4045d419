import type { AttemptRecord } from '../delivery/attempt.ts';
import type { Decision } from '../delivery/decide.ts';
import type { AppKey, QueueName } from '../delivery/names.ts';
import type { NewDelivery } from '../delivery/stored-delivery.ts';
import type { Finding } from './findings.ts';

export type EngineName = 'redis' | 'postgres' | 'embedded';

/** A delivery handed to a worker, which alone holds it until its promise settles. */
export interface ClaimedDelivery {
  readonly id: string;
  /** Job data as stored; may be of any version, or garbage. */
  readonly data: unknown;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** The failed attempts so far, oldest first; at most the last 100. */
  readonly history: readonly AttemptRecord[];
}

/** What a worker makes of a delivery; the store carries the decision out. */
export interface SettledDelivery {
  readonly decision: Decision;
  /** Absent when no attempt was made. */
  readonly record?: AttemptRecord;
}

/** One small text for all processes, changed by comparing and swapping. */
export interface SharedText {
  read(): Promise<string | undefined>;
  /** Replaces it if it still is `expected`; tells whether it did. */
  swap(expected: string | undefined, next: string): Promise<boolean>;
}

/** Totals since the store was made, and what is in the queue now. */
export interface QueueAccount {
  readonly accepted: number;
  readonly delivered: number;
  readonly pending: number;
  readonly dead: number;
  /** Oldest minute first, at most the last day. */
  readonly minutes: readonly QueueMinute[];
}

export interface QueueMinute {
  /** Epoch milliseconds at which it began. */
  readonly atMs: number;
  readonly accepted: number;
  readonly delivered: number;
  readonly dead: number;
}

/** Counts by name (`accepted`, `duplicate`, `challenge`, `turnedAway`, `rejected.REASON`). */
export interface IntakeAccount {
  readonly totals: Readonly<Record<string, number>>;
  /** Oldest minute first, at most the last day. */
  readonly minutes: readonly { readonly atMs: number; readonly counts: Readonly<Record<string, number>> }[];
}

/** How long finished deliveries are kept. What is pending is never removed. */
export interface Retention {
  readonly retainDeliveredMs: number;
  readonly retainDeliveredCount: number;
  readonly retainDeadMs: number;
}

export interface WorkOptions extends Retention {
  /** Deliveries of this queue attempted at once by this process. */
  readonly concurrency: number;
  /** How long the lock outlives a worker that no longer renews it, milliseconds. Must exceed the longest attempt. */
  readonly lockMs: number;
}

/** A rejection of `process` is a surprise (the store went away under it, or a bug): the delivery is tried again after 5 s, uncounted. */
export type ProcessDelivery = (delivery: ClaimedDelivery) => Promise<SettledDelivery>;

export type StoreStatus = { readonly ready: true } | { readonly ready: false; readonly reason: string };

/**
 * The durable queue, on one of three engines. Stays alive through outages; nothing here rejects because the store was
 * away when the process started.
 */
export interface Store {
  readonly engine: EngineName;
  /** Connects in the background, for as long as it takes. */
  open(): void;
  status(): StoreStatus;
  /** How well the store keeps things, as of the last time it was asked (once a minute). */
  findings(): readonly Finding[];
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
  /** What the workers of a queue share about its consumer. Rejects while the store is away. */
  circuit(queue: QueueName): SharedText;
  /** @throws RelayError `store_unavailable` */
  account(queue: QueueName): Promise<QueueAccount>;
  /**
   * Counts what was stored by a process that was killed before it could count it; for when the account is off.
   *
   * @throws RelayError `store_unavailable`
   */
  recount(queue: QueueName): Promise<void>;
  /** @throws RelayError `store_unavailable` */
  countIntake(app: AppKey, counts: Readonly<Record<string, number>>): Promise<void>;
  /** @throws RelayError `store_unavailable` */
  intake(app: AppKey): Promise<IntakeAccount>;
  /** No new attempts; resolves when the active ones have ended and are settled. Adding still works. */
  stopWorkers(): Promise<void>;
  close(): Promise<void>;
}
