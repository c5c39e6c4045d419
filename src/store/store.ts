import type { AttemptRecord } from '../delivery/attempt.ts';
import type { Decision } from '../delivery/decide.ts';
import type { AppKey, QueueName } from '../delivery/names.ts';
import type { ReplayMark } from '../delivery/replay-mark.ts';
import type { NewDelivery } from '../delivery/stored-delivery.ts';
import type { Finding } from './findings.ts';
import type {
  DeliveryPage,
  DeliveryQuery,
  KeptDelivery,
  NewReplayMark,
  ReplayResult,
  Whereabouts,
} from './kept-delivery.ts';

export type EngineName = 'redis' | 'postgres' | 'embedded';

/** A delivery handed to a worker, which alone holds it until its promise settles. */
export interface ClaimedDelivery {
  readonly id: string;
  /** Job data as stored; may be of any version, or garbage. */
  readonly data: unknown;
  /** 1 for the first attempt; goes on counting after a replay. */
  readonly attempt: number;
  /** The attempts so far, oldest first; at most the last 100. One that had delivered is among them after a replay. */
  readonly history: readonly AttemptRecord[];
  /** The last time an operator asked for it again. */
  readonly replay?: ReplayMark;
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

export interface RecordChange {
  readonly value: string;
  /** What to find it by; replaces the tags it had. */
  readonly tags?: readonly string[];
  /** From then on there is no such record, epoch milliseconds. Kept for ever without. */
  readonly expiresAtMs?: number;
}

export interface KeptRecord {
  readonly key: string;
  readonly value: string;
}

export interface RecordQuery {
  /** Only records that carry it. */
  readonly tag?: string;
  /** Only keys that begin with it. */
  readonly prefix?: string;
  /** Only keys below it; the last key of one page gives the next page, whatever was added meanwhile. */
  readonly before?: string;
  /** At most so many. */
  readonly limit: number;
}

/**
 * Small documents that must last, in a space of their own; changed by comparing and swapping. A record past its expiry
 * is not there. Keys and tags have 1 to 200 characters; keys, tags and values may be any well-formed text without NUL.
 *
 * Every method throws RelayError `store_unavailable` when the store is away, refuses, or does not answer within 10 s (a
 * change may then have been made all the same), and `internal` for text it does not take.
 */
export interface Records {
  read(key: string): Promise<string | undefined>;
  /** Replaces the record if its value still is `expected` (`undefined`: there is none); tells whether it did. */
  swap(key: string, expected: string | undefined, next: RecordChange): Promise<boolean>;
  /** Tells whether there was one. */
  remove(key: string): Promise<boolean>;
  /** The records with the highest keys, descending in order of their UTF-8 bytes. */
  list(query: RecordQuery): Promise<readonly KeptRecord[]>;
}

/** What is in a queue at this moment. */
export interface QueueState {
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
  /** Delivered and still kept. */
  readonly delivered: number;
  /** Given up and still kept. */
  readonly dead: number;
  readonly isPaused: boolean;
  /**
   * When the oldest delivery that is not finished was added, epoch milliseconds. Redis looks at up to 1,000 each of those
   * waiting, active and delayed, 500 from either end: where there are more, an older one in the middle may be missed. (What
   * was retried comes back at the end where new ones arrive; the longest delays belong to the oldest.)
   */
  readonly oldestPendingAtMs: number | undefined;
}

/** Totals since the store was made, and what is in the queue now. What was put back by a replay counts where it is now. */
export interface QueueAccount {
  readonly accepted: number;
  readonly delivered: number;
  readonly pending: number;
  readonly dead: number;
  /** Oldest minute first, at most the last day. */
  readonly minutes: readonly QueueMinute[];
}

/** What happened in it: what was delivered or died and was put back later is still in the minute in which it ended. */
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
  /** How many more are claimed while attempts are quick, so that the next ones are at hand; none unless told. */
  readonly claimedAhead?: number;
  /** How long the lock outlives a worker that no longer renews it, milliseconds. Must exceed the longest attempt. */
  readonly lockMs: number;
  readonly rateLimit?: RateLimit;
}

/**
 * For a queue, over all processes that work on it with the same limit: at most `max` attempts (1 or more) in each
 * `durationMs`, counted from the first attempt after the window before. A `hold` ends the window: after it a new one begins.
 */
export interface RateLimit {
  readonly max: number;
  readonly durationMs: number;
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
   * Begins to count what was stored by a process that was killed before it could count it, and does not wait for it; for
   * when the account is off. Upkeep does so, too.
   *
   * @throws RelayError `store_unavailable`
   */
  recount(queue: QueueName): Promise<void>;
  /** @throws RelayError `store_unavailable` */
  countIntake(app: AppKey, counts: Readonly<Record<string, number>>): Promise<void>;
  /** @throws RelayError `store_unavailable` */
  intake(app: AppKey): Promise<IntakeAccount>;
  /** @throws RelayError `store_unavailable` */
  queueState(queue: QueueName): Promise<QueueState>;
  /**
   * A page of what is kept. It ends early after 20,000 deliveries that were looked at, or about 400 ms: its cursor goes on.
   *
   * @throws RelayError `store_unavailable`, `cursor_invalid`
   */
  search(queue: QueueName, query: DeliveryQuery): Promise<DeliveryPage>;
  /** @throws RelayError `store_unavailable` */
  delivery(queue: QueueName, id: string): Promise<KeptDelivery | undefined>;
  /**
   * Of each id in order: where it is now; `undefined` for one that is not kept. One round trip for every 500.
   *
   * @throws RelayError `store_unavailable`
   */
  whereabouts(queue: QueueName, ids: readonly string[]): Promise<readonly (Whereabouts | undefined)[]>;
  /**
   * Puts a delivery that has ended back to be attempted anew, behind those that wait; one that is delayed is brought
   * forward. The mark stays with it. When the last mark has the same `replayId` already, nothing is done again, and the
   * answer is `replayed` whatever came of it. A paused queue stays paused.
   *
   * @param isForced whether what was delivered is put back too
   * @throws RelayError `store_unavailable`; it may have been put back all the same
   */
  replay(queue: QueueName, id: string, mark: NewReplayMark, isForced: boolean): Promise<ReplayResult>;
  /**
   * Workers of all processes claim nothing more from the queue, also after a restart, until it is resumed. What is active
   * is finished; adding goes on.
   *
   * @throws RelayError `store_unavailable`; it may have been paused all the same
   */
  pause(queue: QueueName): Promise<void>;
  /** @throws RelayError `store_unavailable`; it may have been resumed all the same */
  resume(queue: QueueName): Promise<void>;
  /**
   * May be called before the store is open. What has expired is removed by processes that have asked for the space.
   *
   * @param space 1 to 100 of `a-z 0-9 . - _`, the first a letter or digit
   * @throws RelayError `internal` for another name
   */
  records(space: string): Records;
  /** No new attempts; resolves when the active ones have ended and are settled. Adding still works. */
  stopWorkers(): Promise<void>;
  close(): Promise<void>;
}
