import type { AttemptRecord, FreshSignature } from '../delivery/attempt.ts';
import { type Decision, deathByAge, decide, type RetryPolicy } from '../delivery/decide.ts';
import type { AppKey, ConsumerKey } from '../delivery/names.ts';
import { type Outcome, outcomeOfResponse } from '../delivery/outcome.ts';
import { type DeliveryContent, decodeDelivery } from '../delivery/stored-delivery.ts';
import { unreachable } from '../errors.ts';
import type { SecretTokens } from '../zoom/secret-token.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import { forwardHeaders } from './forward-headers.ts';
import { isIntact } from './integrity.ts';
import type { DeliveryObserver, Sender, SendResult, Settled } from './ports.ts';
import { freshSignature, type ResignPolicy } from './resign.ts';

/** An HTTP endpoint that gets an app's notifications as they came. */
export interface HttpConsumer {
  readonly app: AppKey;
  readonly key: ConsumerKey;
  readonly url: URL;
  readonly secrets: SecretTokens;
  readonly policy: RetryPolicy;
  readonly resign: ResignPolicy;
}

export interface AttemptParts {
  readonly sender: Sender;
  readonly breaker: CircuitBreaker;
  readonly observe: DeliveryObserver;
  /** Names this process in attempt records. */
  readonly worker: string;
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
  /** The failed attempts so far, oldest first. */
  readonly history: readonly AttemptRecord[];
}

/** What is known of an attempt when it has ended. */
interface Ended {
  readonly outcome: Outcome;
  readonly receivedAtMs: number;
  readonly startedAtMs: number;
  readonly isProbe: boolean;
  readonly response?: string | undefined;
  readonly resigned?: FreshSignature | undefined;
}

/** One attempt: decode → ask the circuit → check → send → interpret → decide. Never rejects on bad data. */
export async function attemptDelivery(
  consumer: HttpConsumer,
  delivery: QueuedDelivery,
  parts: AttemptParts,
): Promise<Settled> {
  const startedAtMs = parts.nowMs();
  const decoded = decodeDelivery(delivery.data);
  if (decoded.kind === 'unreadable') {
    const outcome: Outcome = { kind: 'unreadable', reason: decoded.reason };
    return settle(consumer, delivery, { outcome, receivedAtMs: startedAtMs, startedAtMs, isProbe: false }, parts);
  }
  const { content } = decoded;
  const { receivedAtMs } = content;
  const death = deathByAge(receivedAtMs, consumer.policy, startedAtMs);
  if (death !== undefined) {
    return conclude(
      consumer,
      delivery,
      { decision: death, record: tooOld(delivery, startedAtMs, parts), receivedAtMs },
      parts,
    );
  }
  if (!isIntact(content, delivery.id, consumer.secrets)) {
    return settle(
      consumer,
      delivery,
      { outcome: { kind: 'corrupt' }, receivedAtMs, startedAtMs, isProbe: false },
      parts,
    );
  }
  const entry = await parts.breaker.enter();
  if (entry.kind === 'hold') return { decision: entry };
  const sent = await send(consumer, delivery, content, parts);
  return settle(consumer, delivery, { ...sent, receivedAtMs, startedAtMs, isProbe: entry.isProbe }, parts);
}

async function send(
  consumer: HttpConsumer,
  delivery: QueuedDelivery,
  content: DeliveryContent,
  parts: AttemptParts,
): Promise<Pick<Ended, 'outcome' | 'response' | 'resigned'>> {
  const resigned = freshSignature(content, delivery.history, consumer.resign, consumer.secrets[0], parts.nowMs());
  const result = await parts.sender.send(consumer.url, forwardHeaders(content.headers, resigned), content.body);
  const response = result.kind === 'answer' ? result.response : undefined;
  return { outcome: outcomeOf(result, parts.nowMs()), response, resigned };
}

function outcomeOf(result: SendResult, nowMs: number): Outcome {
  if (result.kind === 'no_answer') return { kind: 'unavailable', error: result.error };
  return outcomeOfResponse(result.status, result.retryAfter, nowMs);
}

/** Decides together with the circuit, which may have changed while the attempt was under way. */
async function settle(
  consumer: HttpConsumer,
  delivery: QueuedDelivery,
  ended: Ended,
  parts: AttemptParts,
): Promise<Settled> {
  const nowMs = parts.nowMs();
  const random = parts.random();
  const attempted = { attempt: delivery.attempt, receivedAtMs: ended.receivedAtMs, isProbe: ended.isProbe };
  const { decision } = await parts.breaker.settle((circuit) => {
    return decide(attempted, ended.outcome, circuit, consumer.policy, nowMs, random);
  });
  const { outcome, receivedAtMs } = ended;
  const detail = outcome.kind === 'unreadable' ? { detail: outcome.reason } : {};
  const record = recordOf(delivery, ended, nowMs, parts);
  return conclude(consumer, delivery, { decision, record, receivedAtMs, ...detail }, parts);
}

function recordOf(delivery: QueuedDelivery, ended: Ended, nowMs: number, parts: AttemptParts): AttemptRecord {
  const { outcome, startedAtMs, response, resigned } = ended;
  return {
    attempt: delivery.attempt,
    startedAtMs,
    durationMs: nowMs - startedAtMs,
    outcome: outcome.kind,
    ...('status' in outcome && outcome.status !== undefined && { status: outcome.status }),
    ...('error' in outcome && outcome.error !== undefined && { error: outcome.error }),
    ...(response !== undefined && response !== '' && { response }),
    ...(resigned !== undefined && { resigned }),
    worker: parts.worker,
  };
}

/** Nothing is sent for a delivery past its deadline; the record says when that was found. */
function tooOld(delivery: QueuedDelivery, nowMs: number, parts: AttemptParts): AttemptRecord {
  const { attempt } = delivery;
  return {
    attempt,
    startedAtMs: nowMs,
    durationMs: 0,
    outcome: 'unavailable',
    error: 'not sent',
    worker: parts.worker,
  };
}

interface Conclusion {
  readonly decision: Decision;
  readonly record: AttemptRecord;
  readonly receivedAtMs: number;
  /** What the reason alone does not say. */
  readonly detail?: string;
}

/** Tells the observers what was decided, and gives it to the store to carry out. */
function conclude(
  consumer: HttpConsumer,
  delivery: QueuedDelivery,
  { decision, record, receivedAtMs, detail }: Conclusion,
  parts: AttemptParts,
): Settled {
  const common = { app: consumer.app, consumer: consumer.key, notificationId: delivery.id, record };
  switch (decision.kind) {
    case 'done':
      parts.observe({ kind: 'delivered', ...common, latencyMs: record.startedAtMs + record.durationMs - receivedAtMs });
      break;
    case 'retry':
      parts.observe({ kind: 'attempt_failed', ...common, delayMs: decision.delayMs });
      break;
    case 'hold':
    case 'defer':
      parts.observe({ kind: 'held', ...common, delayMs: decision.delayMs });
      break;
    case 'dead':
      parts.observe({ kind: 'dead', ...common, reason: decision.reason, ...(detail !== undefined && { detail }) });
      break;
    default:
      unreachable(decision);
  }
  return { decision, record };
}
