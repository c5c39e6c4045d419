import type { AttemptRecord } from '../delivery/attempt.ts';
import type { Circuit } from '../delivery/circuit.ts';
import type { EventPattern } from '../delivery/event-pattern.ts';
import type { ConsumerCounts } from '../delivery/ledger.ts';
import type { AppKey, ConsumerKey, QueueName } from '../delivery/names.ts';
import type { ReplayMark } from '../delivery/replay-mark.ts';

export interface ConsumerName {
  readonly app: AppKey;
  readonly consumer: ConsumerKey;
}

/** What operators' questions ask of the store. All reject with `store_unavailable` while it is away. */
export interface OperatorSource {
  circuit(queue: QueueName): Promise<Circuit>;
  account(queue: QueueName): Promise<ConsumerCounts & { readonly minutes: readonly ConsumerMinute[] }>;
  /** Begins to count what was stored by a process that was killed before it could count it; does not wait for it. */
  recount(queue: QueueName): Promise<void>;
  intake(app: AppKey): Promise<{
    readonly totals: Readonly<Record<string, number>>;
    readonly minutes: readonly { readonly atMs: number; readonly counts: Readonly<Record<string, number>> }[];
  }>;
  queueState(queue: QueueName): Promise<QueueState>;
  search(queue: QueueName, query: DeliveryQuery): Promise<DeliveryPage>;
  delivery(queue: QueueName, id: string): Promise<KeptDelivery | undefined>;
  /** Of each id in order: where it is now; `undefined` for one that is not kept. */
  whereabouts(queue: QueueName, ids: readonly string[]): Promise<readonly (Whereabouts | undefined)[]>;
  /**
   * Puts a delivery back to be attempted anew; what is waiting for its next attempt is brought forward instead. With the
   * same `replayId` again it is not put back a second time.
   */
  replay(queue: QueueName, id: string, mark: NewReplayMark, force: boolean): Promise<ReplayResult>;
}

export const deliveryStates = ['waiting', 'delayed', 'active', 'delivered', 'dead'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

export interface Whereabouts {
  readonly state: DeliveryState;
  /** When it was delivered or died, epoch milliseconds. */
  readonly endedAtMs?: number;
}

/** A delivery as the store has it. */
export interface KeptDelivery extends Whereabouts {
  readonly id: string;
  /** The event's name, or `unknown`. */
  readonly event: string;
  /** Epoch milliseconds. */
  readonly addedAtMs: number;
  /** Of a delayed one, epoch milliseconds. */
  readonly nextAttemptAtMs?: number;
  /** Oldest first; that which delivered it last. */
  readonly attempts: readonly AttemptRecord[];
  /** Of a dead one: why, as it was noted when it died. */
  readonly deathReason?: string;
  /** Oldest first. */
  readonly replays: readonly ReplayMark[];
  /** Job data as stored; may be of any version, or garbage. */
  readonly data: unknown;
  /** Of this delivery in the order it was listed in: a page that goes on from here begins behind it. */
  readonly cursor: string;
}

export interface DeliveryQuery {
  readonly state?: DeliveryState;
  readonly event?: EventPattern;
  /** Added at or after, and before, epoch milliseconds. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** Ended before, epoch milliseconds; for delivered and dead ones. */
  readonly endedBeforeMs?: number;
  /** Stands in what it can be found by; what is found may have it elsewhere in body and headers only. */
  readonly text?: string;
  /** Where the page before ended. */
  readonly cursor?: string;
  readonly limit: number;
  readonly order: 'newest' | 'oldest';
  /** Without data and attempts, which may be large. */
  readonly isBrief?: boolean;
}

/**
 * Delivered and dead ones by when they ended if the query names that state, else by when they were added. A cursor stays
 * good whatever is added or ends meanwhile.
 */
export interface DeliveryPage {
  readonly deliveries: readonly KeptDelivery[];
  /** Where to go on; absent when nothing more is kept. */
  readonly cursor?: string;
  /** How many were looked at for this page. A page may be short of its limit because enough was looked at. */
  readonly lookedAt: number;
}

export type NewReplayMark = Omit<ReplayMark, 'attemptsBefore'>;

export type ReplayResult =
  | 'replayed'
  /** It was delayed: its next attempt is made now. */
  | 'brought_forward'
  /** It is waiting or active already. */
  | 'on_its_way'
  /** It was delivered, and `force` was not asked for. */
  | 'delivered_already'
  /** Not kept any more. */
  | 'gone';

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

/** Small documents in a space of their own, changed by comparing and swapping. All reject while the store is away. */
export interface OperatorRecords {
  read(key: string): Promise<string | undefined>;
  /** Replaces the record if its value still is `expected` (`undefined`: there is none); tells whether it did. */
  swap(
    key: string,
    expected: string | undefined,
    next: { readonly value: string; readonly tags?: readonly string[]; readonly expiresAtMs?: number },
  ): Promise<boolean>;
  /** Tells whether there was one. */
  remove(key: string): Promise<boolean>;
  /** Highest keys first. */
  list(query: {
    readonly tag?: string;
    readonly prefix?: string;
    readonly before?: string;
    readonly limit: number;
  }): Promise<readonly { readonly key: string; readonly value: string }[]>;
}
