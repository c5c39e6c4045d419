import type { AppKey, ConsumerKey, NotificationId } from '../delivery/names.ts';
import type { NewDelivery } from '../delivery/stored-delivery.ts';
import type { ErrorCode } from '../errors.ts';
import type { SecretTokens } from '../zoom/secret-token.ts';
import type { Rejection } from '../zoom/verify.ts';

/** What intake needs to know of an app. */
export interface IntakeApp {
  readonly key: AppKey;
  readonly secrets: SecretTokens;
  /** Who gets this app's notifications. */
  readonly consumers: readonly IntakeConsumer[];
}

export interface IntakeConsumer {
  readonly key: ConsumerKey;
  /** @param event the event's name; `undefined` when the body names none */
  readonly wants: (event: string | undefined) => boolean;
}

/** Where intake puts deliveries. Resolves when they are durable, with one answer each: whether it is new. */
export interface DeliveryWriter {
  add(deliveries: readonly NewDelivery[]): Promise<readonly boolean[]>;
}

/** What became of one request to an app's endpoint. Carries ids, never a body, a token or a signature. */
export type IntakeEvent =
  | {
      readonly kind: 'accepted' | 'duplicate';
      readonly app: AppKey;
      readonly notificationId: NotificationId;
      readonly eventName: string | undefined;
      /** Zoom's `x-zm-request-id`, the same over its retries. */
      readonly requestId: string | undefined;
      readonly bytes: number;
      /** Which of the app's Secret Tokens it was signed with: while rotating, the previous one has to be seen to fade. */
      readonly secret: 'current' | 'previous';
      /** From Zoom's `event_ts` to receipt, milliseconds; `undefined` when the body says none. */
      readonly lagMs: number | undefined;
      /** From headers read to answer ready, milliseconds. */
      readonly ackMs: number;
    }
  | { readonly kind: 'challenge'; readonly app: AppKey; readonly ackMs: number }
  | { readonly kind: 'rejected'; readonly app: AppKey; readonly reason: RejectionReason; readonly ackMs: number }
  /** `key` is what the path said; absent when it is not even of the form of a key. */
  | { readonly kind: 'app_unknown'; readonly key: AppKey | undefined }
  /** Answered with 503: not kept, Zoom sends it again. */
  | {
      readonly kind: 'turned_away';
      readonly app: AppKey;
      readonly code: ErrorCode;
      readonly notificationId: NotificationId | undefined;
      readonly cause: unknown;
      readonly ackMs: number;
    };

export const rejectionReasons = ['challenge_malformed', 'body_too_large', 'body_incomplete'] as const;
export type RejectionReason = Rejection | (typeof rejectionReasons)[number];

export type IntakeObserver = (event: IntakeEvent) => void;

/** What a trace says of a request: ids and results, never a body, a token or a signature. */
export interface TraceAttributes {
  readonly app?: AppKey;
  readonly notificationId?: NotificationId | undefined;
  /** The event's name. */
  readonly event?: string | undefined;
  /** What became of it, as metrics name it. */
  readonly result?: string;
}

/**
 * Watches the handling of one request from its beginning to its end; resolves and rejects as `run` does.
 *
 * @param traceparent as received, unchecked
 * @param run gets what takes down what becomes known on the way
 */
export type TraceNotification = <T>(
  traceparent: string | undefined,
  attributes: TraceAttributes,
  run: (note: (attributes: TraceAttributes) => void) => Promise<T>,
) => Promise<T>;
