import type { AttemptRecord, FreshSignature } from '../delivery/attempt.ts';
import type { Circuit } from '../delivery/circuit.ts';
import type { DeathReason, Decision } from '../delivery/decide.ts';
import type { AppKey, ConsumerKey } from '../delivery/names.ts';
import type { Outcome } from '../delivery/outcome.ts';
import type { ReplayMark } from '../delivery/replay-mark.ts';
import type { DeliveryContent } from '../delivery/stored-delivery.ts';

/** A delivery that has been read back and is what Zoom sent. */
export interface IntactDelivery {
  /** The `notificationId`. */
  readonly id: string;
  readonly content: DeliveryContent;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** The attempts so far, oldest first. */
  readonly history: readonly AttemptRecord[];
  /** The last time an operator asked for it again. */
  readonly replay?: ReplayMark;
}

/** What came of handing a delivery over. */
export interface Reached {
  readonly outcome: Outcome;
  /** The start of what the consumer said to it. */
  readonly response?: string | undefined;
  readonly resigned?: FreshSignature | undefined;
}

/** Where deliveries of one consumer go: an HTTP endpoint or a handler. */
export interface Target {
  /** Makes one attempt. A rejection is a surprise, and no attempt: the store has it made again. */
  deliver(delivery: IntactDelivery): Promise<Reached>;
  close(): Promise<void>;
}

/** Sends one request and says what came of it. Never rejects. */
export interface Sender {
  send(url: URL, headers: Readonly<Record<string, string>>, body: Uint8Array): Promise<SendResult>;
  close(): Promise<void>;
}

export type SendResult =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly retryAfter: string | undefined;
      /** The first KiB of the body, as text. */
      readonly response: string;
    }
  /** No complete status line and headers: timeout, refused or broken connection, DNS, TLS, a private address. */
  | { readonly kind: 'no_answer'; readonly error: string };

/** One small text that all workers of a consumer share. */
export interface SharedState {
  read(): Promise<string | undefined>;
  /** Replaces it if it still is `expected`; tells whether it did. */
  swap(expected: string | undefined, next: string): Promise<boolean>;
}

/** What came of one attempt. Carries ids, never a body, a token or a signature. */
export type DeliveryEvent = { readonly app: AppKey; readonly consumer: ConsumerKey } & (
  | ({
      readonly notificationId: string;
      readonly record: AttemptRecord;
      /** Of the last replay of the delivery: this attempt is one of its. */
      readonly replayId?: string;
    } & AttemptEnd)
  /** The consumer's circuit has changed its kind. */
  | { readonly kind: 'circuit'; readonly from: Circuit; readonly to: Circuit }
);

type AttemptEnd =
  | {
      readonly kind: 'delivered';
      /** From receipt of the notification to the consumer's answer, milliseconds. */
      readonly latencyMs: number;
      /** From `event_ts` to the consumer's answer, milliseconds, by two clocks: may be negative. Absent when the body says none. */
      readonly sinceEventMs?: number;
    }
  | { readonly kind: 'attempt_failed'; readonly delayMs: number }
  /** It failed, but against a consumer known to be down or pausing: not counted, not kept. */
  | { readonly kind: 'held'; readonly delayMs: number }
  | { readonly kind: 'dead'; readonly reason: DeathReason; readonly detail?: string };

export type DeliveryObserver = (event: DeliveryEvent) => void;

/** What a trace says of an attempt: ids and outcomes, never a body, a token or a signature. */
export interface TraceAttributes {
  readonly app?: AppKey;
  readonly consumer?: ConsumerKey;
  readonly notificationId?: string;
  /** 1 for the first attempt. */
  readonly attempt?: number;
  readonly outcome?: Outcome['kind'];
  readonly status?: number | undefined;
}

/**
 * Watches one attempt from its beginning to its end; resolves and rejects as `run` does.
 *
 * @param traceparent as it came with the notification, unchecked
 * @param run gets what takes down what becomes known on the way
 */
export type TraceAttempt = <T>(
  traceparent: string | undefined,
  attributes: TraceAttributes,
  run: (note: (attributes: TraceAttributes) => void) => Promise<T>,
) => Promise<T>;

export interface Settled {
  readonly decision: Decision;
  /** Absent when no attempt was made. */
  readonly record?: AttemptRecord;
}
