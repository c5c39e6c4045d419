import type { AttemptRecord } from '../delivery/attempt.ts';
import { decide, type RetryPolicy } from '../delivery/decide.ts';
import type { AppKey, ConsumerKey } from '../delivery/names.ts';
import { type Outcome, outcomeOfResponse } from '../delivery/outcome.ts';
import { type DeliveryContent, decodeDelivery } from '../delivery/stored-delivery.ts';
import { unreachable } from '../errors.ts';
import type { SecretTokens } from '../zoom/secret-token.ts';
import { forwardHeaders } from './forward-headers.ts';
import { isIntact } from './integrity.ts';
import type { DeliveryObserver, Sender, SendResult, Settled } from './ports.ts';

/** An HTTP endpoint that gets an app's notifications as they came. */
export interface HttpConsumer {
  readonly app: AppKey;
  readonly key: ConsumerKey;
  readonly url: URL;
  readonly secrets: SecretTokens;
  readonly policy: RetryPolicy;
}

export interface AttemptParts {
  readonly sender: Sender;
  readonly observe: DeliveryObserver;
  /** Epoch milliseconds. */
  readonly nowMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** A delivery as the queue gives it: data of unknown version. */
export interface QueuedDelivery {
  readonly id: string;
  readonly data: unknown;
  readonly attempt: number;
}

/** One attempt: decode → check → send → interpret → decide. Never rejects on bad data or a bad consumer. */
export async function attemptDelivery(
  consumer: HttpConsumer,
  delivery: QueuedDelivery,
  parts: AttemptParts,
): Promise<Settled> {
  const startedAtMs = parts.nowMs();
  const decoded = decodeDelivery(delivery.data);
  if (decoded.kind === 'unreadable') {
    const outcome: Outcome = { kind: 'unreadable', reason: decoded.reason };
    return settle(consumer, delivery, outcome, undefined, { startedAtMs, receivedAtMs: startedAtMs }, parts);
  }
  const { content } = decoded;
  const { outcome, response } = await send(consumer, delivery.id, content, parts);
  return settle(consumer, delivery, outcome, response, { startedAtMs, receivedAtMs: content.receivedAtMs }, parts);
}

async function send(
  consumer: HttpConsumer,
  id: string,
  content: DeliveryContent,
  parts: AttemptParts,
): Promise<{ outcome: Outcome; response?: string }> {
  if (!isIntact(content, id, consumer.secrets)) return { outcome: { kind: 'corrupt' } };
  const result = await parts.sender.send(consumer.url, forwardHeaders(content.headers), content.body);
  return { outcome: outcomeOf(result, parts.nowMs()), ...(result.kind === 'answer' && { response: result.response }) };
}

function outcomeOf(result: SendResult, nowMs: number): Outcome {
  if (result.kind === 'no_answer') return { kind: 'unavailable', error: result.error };
  return outcomeOfResponse(result.status, result.retryAfter, nowMs);
}

function settle(
  consumer: HttpConsumer,
  delivery: QueuedDelivery,
  outcome: Outcome,
  response: string | undefined,
  times: { startedAtMs: number; receivedAtMs: number },
  parts: AttemptParts,
): Settled {
  const nowMs = parts.nowMs();
  const attempted = { attempt: delivery.attempt, receivedAtMs: times.receivedAtMs };
  const decision = decide(attempted, outcome, consumer.policy, nowMs, parts.random());
  const record: AttemptRecord = {
    attempt: delivery.attempt,
    startedAtMs: times.startedAtMs,
    durationMs: nowMs - times.startedAtMs,
    outcome: outcome.kind,
    ...('status' in outcome && outcome.status !== undefined && { status: outcome.status }),
    ...('error' in outcome && outcome.error !== undefined && { error: outcome.error }),
    ...(response !== undefined && response !== '' && { response }),
  };
  const common = { app: consumer.app, consumer: consumer.key, notificationId: delivery.id, record };
  switch (decision.kind) {
    case 'done':
      parts.observe({ kind: 'delivered', ...common, latencyMs: nowMs - times.receivedAtMs });
      break;
    case 'retry':
      parts.observe({ kind: 'attempt_failed', ...common, outcome: outcome.kind, delayMs: decision.delayMs });
      break;
    case 'dead': {
      const detail = outcome.kind === 'unreadable' ? { detail: outcome.reason } : {};
      parts.observe({ kind: 'dead', ...common, reason: decision.reason, ...detail });
      break;
    }
    default:
      unreachable(decision);
  }
  return { decision, record };
}
