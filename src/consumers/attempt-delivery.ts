import type { AttemptRecord } from '../delivery/attempt.ts';
import { type Decision, deathByAge, decide, type RetryPolicy } from '../delivery/decide.ts';
import type { AppKey, ConsumerKey } from '../delivery/names.ts';
import type { ReplayMark } from '../delivery/replay-mark.ts';
import { decodeDelivery } from '../delivery/stored-delivery.ts';
import { unreachable } from '../errors.ts';
import { lookAtEvent } from '../zoom/event.ts';
import { readEventTimestamp } from '../zoom/event-timestamp.ts';
import type { SecretTokens } from '../zoom/secret-token.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import { isIntact } from './integrity.ts';
import type { DeliveryObserver, IntactDelivery, Reached, Settled, Target, TraceAttempt } from './ports.ts';

/** Whoever is to get an app's notifications, as a worker sees it. */
export interface Consumer {
  readonly app: AppKey;
  readonly key: ConsumerKey;
  /** The app's Secret Tokens, to check what the store gives back. */
  readonly secrets: SecretTokens;
  readonly policy: RetryPolicy;
  readonly target: Target;
}

export interface AttemptParts {
  readonly breaker: CircuitBreaker;
  readonly observe: DeliveryObserver;
  /** Names this process in attempt records. */
  readonly worker: string;
  /** Epoch milliseconds. */
  readonly nowMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Nothing is traced without. */
  readonly trace?: TraceAttempt;
}

/** A delivery as the queue gives it: data of unknown version. */
export interface QueuedDelivery {
  readonly id: string;
  readonly data: unknown;
  readonly attempt: number;
  /** The attempts so far, oldest first. */
  readonly history: readonly AttemptRecord[];
  /** The last time an operator asked for it again. */
  readonly replay?: ReplayMark;
}

/** What is known of an attempt when it has ended. */
interface Ended extends Reached {
  /** Absent when it could not be read. */
  readonly body?: Uint8Array;
  readonly receivedAtMs: number;
  readonly startedAtMs: number;
  readonly isProbe: boolean;
}

/** One attempt: decode → ask the circuit → check → hand over → decide. Never rejects on bad data. */
export async function attemptDelivery(
  consumer: Consumer,
  delivery: QueuedDelivery,
  parts: AttemptParts,
): Promise<Settled> {
  const startedAtMs = parts.nowMs();
  const decoded = decodeDelivery(delivery.data);
  if (decoded.kind === 'unreadable') {
    const ended = { outcome: decoded, receivedAtMs: startedAtMs, startedAtMs, isProbe: false };
    return settle(consumer, delivery, ended, parts);
  }
  const { content } = decoded;
  const { receivedAtMs } = content;
  const { id, attempt, history, replay } = delivery;
  const decision = deathByAge(replay?.atMs ?? receivedAtMs, consumer.policy, startedAtMs);
  if (decision !== undefined) {
    const record = tooOld(delivery, startedAtMs, parts);
    return conclude(consumer, delivery, { decision, record, receivedAtMs }, parts);
  }
  if (!isIntact(content, id, consumer.secrets)) {
    const ended = { outcome: { kind: 'corrupt' }, receivedAtMs, startedAtMs, isProbe: false } as const;
    return settle(consumer, delivery, ended, parts);
  }
  const entry = await parts.breaker.enter();
  if (entry.kind === 'hold') return { decision: entry };
  const intact = { id, content, attempt, history, ...(replay !== undefined && { replay }) };
  const reached = await deliver(consumer, intact, parts);
  const ended = { ...reached, body: content.body, receivedAtMs, startedAtMs, isProbe: entry.isProbe };
  return settle(consumer, delivery, ended, parts);
}

/** Hands the delivery over, watched by `parts.trace`. */
async function deliver(consumer: Consumer, delivery: IntactDelivery, { trace }: AttemptParts): Promise<Reached> {
  if (trace === undefined) return consumer.target.deliver(delivery);
  const { id: notificationId, attempt, content } = delivery;
  const known = { app: consumer.app, consumer: consumer.key, notificationId, attempt };
  return trace(content.headers.traceparent, known, async (note) => {
    const reached = await consumer.target.deliver(delivery);
    const { outcome } = reached;
    note({ outcome: outcome.kind, status: 'status' in outcome ? outcome.status : undefined });
    return reached;
  });
}

/** Decides together with the circuit, which may have changed while the attempt was under way. */
async function settle(
  consumer: Consumer,
  delivery: QueuedDelivery,
  ended: Ended,
  parts: AttemptParts,
): Promise<Settled> {
  const nowMs = parts.nowMs();
  const random = parts.random();
  const { attempt, replay } = delivery;
  const attempted = { attempt, receivedAtMs: ended.receivedAtMs, isProbe: ended.isProbe, replay };
  const { decision } = await parts.breaker.settle((circuit) => {
    return decide(attempted, ended.outcome, circuit, consumer.policy, nowMs, random);
  });
  const { outcome, receivedAtMs, body } = ended;
  const detail = 'reason' in outcome ? { detail: outcome.reason } : {};
  const record = recordOf(delivery, ended, nowMs, parts);
  return conclude(consumer, delivery, { decision, record, receivedAtMs, ...(body && { body }), ...detail }, parts);
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
  readonly body?: Uint8Array;
  /** What the reason alone does not say. */
  readonly detail?: string;
}

/** Tells the observers what was decided, and gives it to the store to carry out. */
function conclude(
  consumer: Consumer,
  delivery: QueuedDelivery,
  { decision, record, receivedAtMs, body, detail }: Conclusion,
  parts: AttemptParts,
): Settled {
  const { id: notificationId, replay } = delivery;
  const replayed = replay === undefined ? {} : { replayId: replay.replayId };
  const common = { app: consumer.app, consumer: consumer.key, notificationId, record, ...replayed };
  switch (decision.kind) {
    case 'done': {
      const answeredAtMs = record.startedAtMs + record.durationMs;
      const latencyMs = answeredAtMs - receivedAtMs;
      parts.observe({ kind: 'delivered', ...common, latencyMs, ...sinceEvent(body, answeredAtMs) });
      break;
    }
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

/** The body is parsed for it (2 µs for 1 KB), which is why only what has been delivered is asked. */
function sinceEvent(body: Uint8Array | undefined, answeredAtMs: number): { readonly sinceEventMs?: number } {
  const toldMs = body && readEventTimestamp(lookAtEvent(body));
  return toldMs === undefined ? {} : { sinceEventMs: answeredAtMs - toldMs };
}
