import type { AttemptRecord } from '../delivery/attempt.ts';
import type { EventPattern } from '../delivery/event-pattern.ts';
import type { ReplayMark } from '../delivery/replay-mark.ts';

export type DeliveryState = 'waiting' | 'delayed' | 'active' | 'delivered' | 'dead';

export interface Whereabouts {
  /** A delivery whose worker was lost counts as active until another takes it over. */
  readonly state: DeliveryState;
  /** When it was delivered or died, epoch milliseconds. */
  readonly endedAtMs?: number;
}

/** A delivery as it is kept. */
export interface KeptDelivery extends Whereabouts {
  readonly id: string;
  /** The event's name, or `unknown`. */
  readonly event: string;
  /** Epoch milliseconds. */
  readonly addedAtMs: number;
  /** Of a delayed one, epoch milliseconds. */
  readonly nextAttemptAtMs?: number;
  /** Oldest first, that which delivered it last; of those that failed at most the last 100. Empty when brief. */
  readonly attempts: readonly AttemptRecord[];
  /** Of a dead one: `REASON: what came of the last attempt`, as it was noted when it died. */
  readonly deathReason?: string;
  /** Oldest first; at most the last 20. */
  readonly replays: readonly ReplayMark[];
  /** Job data as stored; may be of any version, or garbage. `undefined` when brief. */
  readonly data: unknown;
  /** Where it stands in the order it was listed in. */
  readonly cursor: string;
}

export interface DeliveryQuery {
  readonly state?: DeliveryState;
  readonly event?: EventPattern;
  /** Added at or after, and before, epoch milliseconds. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** Ended before, epoch milliseconds; what has not ended is left out. */
  readonly endedBeforeMs?: number;
  /**
   * Stands in one of its handles, whatever the case, or, on engines and in deliveries without them, somewhere in the body,
   * if that is kept as text, or in the value of a header: as written here, or in lower case.
   */
  readonly text?: string;
  /** Of a page or delivery of the same list. */
  readonly cursor?: string;
  /** From 1. */
  readonly limit: number;
  readonly order: 'newest' | 'oldest';
  /** Without data and attempts. */
  readonly isBrief?: boolean;
}

/**
 * Delivered and dead ones by when they ended if the query names that state, else by when they were added; of the same
 * moment by id. A cursor is such a place: it stays good whatever is added, ends or is removed meanwhile.
 */
export interface DeliveryPage {
  readonly deliveries: readonly KeptDelivery[];
  /** Where to go on; absent when nothing more is kept. */
  readonly cursor?: string;
  /** How many were looked at. */
  readonly lookedAt: number;
}

export type NewReplayMark = Omit<ReplayMark, 'attemptsBefore'>;

/** A closed list, in the words that the stores' own scripts answer. */
export const replayResults = ['replayed', 'brought_forward', 'on_its_way', 'delivered_already', 'gone'] as const;
export type ReplayResult = (typeof replayResults)[number];
