import type { IncomingMessage } from 'node:http';
import { type NotificationId, notificationIdOf, queueNameOf } from '../delivery/names.ts';
import { encodeDelivery, type NewDelivery } from '../delivery/stored-delivery.ts';
import { type ErrorCode, RelayError } from '../errors.ts';
import { answerChallenge, type ChallengeAnswer, challengeEvent } from '../zoom/challenge.ts';
import { type EventLook, lookAtEvent } from '../zoom/event.ts';
import { readEventTimestamp } from '../zoom/event-timestamp.ts';
import { pickForwardedHeaders } from '../zoom/headers.ts';
import { handlesOf, identifiersIn } from '../zoom/identifiers.ts';
import { readSignatureClaim, type VerifiedNotification, verifyNotification } from '../zoom/verify.ts';
import type {
  DeliveryWriter,
  IntakeApp,
  IntakeEvent,
  IntakeObserver,
  RejectionReason,
  TraceNotification,
} from './ports.ts';
import type { BodyRead, ReadingRoom } from './read-body.ts';
import { withDeadline } from './with-deadline.ts';

export interface IntakeSettings {
  /** How far `x-zm-request-timestamp` may lie from now, both ways, seconds. */
  readonly toleranceSec: number;
  readonly maxBodyBytes: number;
  /** How long the durable write may take before the answer is 503, milliseconds. */
  readonly ackDeadlineMs: number;
}

export interface IntakeParts {
  readonly writer: DeliveryWriter;
  readonly observe: IntakeObserver;
  readonly readingRoom: ReadingRoom;
  /** True once this process takes nothing new; what it has begun to read it still finishes. */
  readonly isStopping: () => boolean;
  /** Epoch milliseconds. */
  readonly nowMs: () => number;
  /** Nothing is traced without. */
  readonly trace?: TraceNotification;
}

export type IntakeAnswer =
  | { readonly kind: 'kept' }
  | { readonly kind: 'challenge'; readonly answer: ChallengeAnswer }
  | { readonly kind: 'error'; readonly code: ErrorCode };

/**
 * One notification: verify → durable → answer. Nothing is parsed, answered or stored before the signature over the raw
 * bytes has been checked, the challenge included.
 */
export async function acceptNotification(
  request: IncomingMessage,
  app: IntakeApp,
  settings: IntakeSettings,
  parts: IntakeParts,
): Promise<IntakeAnswer> {
  const startedAtMs = parts.nowMs();
  const end = new Ending(app, parts, startedAtMs);
  if (parts.isStopping()) return end.turnedAway('shutting_down');
  const headers = pickForwardedHeaders(request.headers);
  const read = readSignatureClaim(headers, startedAtMs, settings.toleranceSec);
  if (read.kind === 'rejected') return end.rejected(read.reason);
  const received: BodyRead = await parts.readingRoom.read(request, settings.maxBodyBytes);
  if (received.kind === 'overloaded') return end.turnedAway('overloaded');
  if (received.kind !== 'body') return end.rejected(received.kind);
  const { body } = received;
  const receivedAtMs = parts.nowMs();
  const verified = verifyNotification({ claim: read.claim, body, headers, receivedAtMs, secrets: app.secrets });
  if (verified.kind === 'rejected') return end.rejected(verified.reason);
  const { notification } = verified;
  const look = lookAtEvent(body);
  if (look.name === challengeEvent) {
    const answer = answerChallenge(look, notification.secret);
    return answer === undefined ? end.rejected('challenge_malformed') : end.challenge(answer);
  }
  return keep(notification, look, app, settings, parts, end);
}

/** Queues a verified notification for each consumer; answers when the store has all of them, or at the deadline. */
async function keep(
  notification: VerifiedNotification,
  look: EventLook,
  app: IntakeApp,
  settings: IntakeSettings,
  parts: IntakeParts,
  end: Ending,
): Promise<IntakeAnswer> {
  const id = notificationIdOf(notification.body);
  const deliveries = deliveriesOf(notification, id, look, app);
  try {
    const areNew = await withDeadline(parts.writer.add(deliveries), settings.ackDeadlineMs);
    return end.kept(areNew.some(Boolean) ? 'accepted' : 'duplicate', notification, id, look);
  } catch (error) {
    return end.turnedAway(error instanceof RelayError ? error.code : 'store_unavailable', id, error);
  }
}

function deliveriesOf(
  notification: VerifiedNotification,
  id: NotificationId,
  look: EventLook,
  app: IntakeApp,
): readonly NewDelivery[] {
  const data = encodeDelivery(notification);
  const sizeBytes = notification.body.length + 1024;
  const label = look.name ?? 'unknown';
  const handles = handlesOf(identifiersIn(look), notification.headers);
  const wanting = app.consumers.filter((consumer) => consumer.wants(look.name));
  return wanting.map(({ key }) => ({ queue: queueNameOf(app.key, key), id, label, data, handles, sizeBytes }));
}

/** Each way a request can end: one event for the observers, one answer for the sender. */
class Ending {
  readonly #app: IntakeApp;
  readonly #parts: IntakeParts;
  readonly #startedAtMs: number;

  constructor(app: IntakeApp, parts: IntakeParts, startedAtMs: number) {
    this.#app = app;
    this.#parts = parts;
    this.#startedAtMs = startedAtMs;
  }

  kept(kind: 'accepted' | 'duplicate', from: VerifiedNotification, id: NotificationId, look: EventLook): IntakeAnswer {
    const requestId = from.headers['x-zm-request-id'];
    const bytes = from.body.length;
    const secret = from.secret === this.#app.secrets[0] ? 'current' : 'previous';
    const toldMs = readEventTimestamp(look);
    const lagMs = toldMs === undefined ? undefined : from.receivedAtMs - toldMs;
    const about = { notificationId: id, eventName: look.name, requestId, bytes, secret, lagMs } as const;
    this.#observe({ kind, ...this.#common(), ...about });
    return { kind: 'kept' };
  }

  challenge(answer: ChallengeAnswer): IntakeAnswer {
    this.#observe({ kind: 'challenge', ...this.#common() });
    return { kind: 'challenge', answer };
  }

  rejected(reason: RejectionReason): IntakeAnswer {
    this.#observe({ kind: 'rejected', ...this.#common(), reason });
    return { kind: 'error', code: reason };
  }

  turnedAway(code: ErrorCode, notificationId?: NotificationId, cause?: unknown): IntakeAnswer {
    this.#observe({ kind: 'turned_away', ...this.#common(), code, notificationId, cause });
    return { kind: 'error', code };
  }

  #common(): { app: IntakeApp['key']; ackMs: number } {
    return { app: this.#app.key, ackMs: this.#parts.nowMs() - this.#startedAtMs };
  }

  #observe(event: IntakeEvent): void {
    this.#parts.observe(event);
  }
}
