import { unreachable } from '../errors.ts';
import { type Circuit, circuitAfter } from './circuit.ts';
import type { Outcome } from './outcome.ts';
import type { ReplayMark } from './replay-mark.ts';

/** What is known of a delivery when an attempt of it has ended. */
export interface AttemptedDelivery {
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Epoch milliseconds. */
  readonly receivedAtMs: number;
  /** Whether it was sent to find out if the consumer is back. */
  readonly isProbe: boolean;
  /** The last time an operator asked for it again: schedule and deadline count from there. */
  readonly replay?: ReplayMark | undefined;
}

export interface RetryPolicy {
  /** Milliseconds to wait after the first, second, … attempt. Its length is the number of retries. */
  readonly scheduleMs: readonly number[];
  /** No attempt starts later than this after receipt, or after an operator asked for it again. */
  readonly deadlineMs: number;
}

/** A closed list: metrics have a line for each. */
export const deathReasons = ['corrupt', 'unreadable', 'gave_up', 'attempts_exhausted', 'deadline_passed'] as const;
export type DeathReason = (typeof deathReasons)[number];

export type Decision =
  | { readonly kind: 'done' }
  | { readonly kind: 'retry'; readonly delayMs: number }
  /** Back to the head of its queue, which waits; no attempt is spent. */
  | { readonly kind: 'hold'; readonly delayMs: number }
  /** Waits aside for that long, so that the next probe is another delivery; no attempt is spent. */
  | { readonly kind: 'defer'; readonly delayMs: number }
  /** Not tried again by itself; kept, shown, replayable. */
  | { readonly kind: 'dead'; readonly reason: DeathReason };

export interface Verdict {
  readonly decision: Decision;
  /** The consumer's circuit from now on; the same object when it has not changed. */
  readonly circuit: Circuit;
}

/** Half the width of the band a delay is spread over, so that a crowd of retries does not arrive as one. */
const jitter = 0.2;
/** What a queue waits at least when it waits, milliseconds. */
const minHoldMs = 1000;

/**
 * What follows from an attempt, for the delivery and for its consumer's circuit. Pure: time and chance are arguments.
 *
 * @param circuit the circuit as it is in the store when the attempt has ended
 * @param random uniform in [0, 1)
 */
export function decide(
  delivery: AttemptedDelivery,
  outcome: Outcome,
  circuit: Circuit,
  policy: RetryPolicy,
  nowMs: number,
  random: number,
): Verdict {
  const throttleMs = outcome.kind === 'throttled' ? throttleOf(outcome, policy) : 0;
  const after = circuitAfter(circuit, outcome, delivery.isProbe, throttleMs, nowMs, random);
  return { circuit: after, decision: decisionOf(delivery, outcome, circuit, after, policy, nowMs, random) };
}

function decisionOf(
  delivery: AttemptedDelivery,
  outcome: Outcome,
  before: Circuit,
  after: Circuit,
  policy: RetryPolicy,
  nowMs: number,
  random: number,
): Decision {
  switch (outcome.kind) {
    case 'delivered':
      return { kind: 'done' };
    case 'corrupt':
    case 'unreadable':
    case 'gave_up':
      return { kind: 'dead', reason: outcome.kind };
    case 'refused':
    case 'failed':
      return nextStep(delivery, policy, nowMs, random);
    case 'throttled':
      // Without a Retry-After that makes sense there is nothing to wait for but the schedule.
      return outcome.retryAfterMs === undefined ? nextStep(delivery, policy, nowMs, random) : hold(after, nowMs);
    case 'unavailable':
      // Known to be down or pausing before this attempt ended: it costs nothing. But a delivery that fails as a probe
      // must not be the next one too: what if the consumer fails at just this one?
      if (!isHolding(before, nowMs)) return nextStep(delivery, policy, nowMs, random);
      return delivery.isProbe ? { kind: 'defer', delayMs: holdMs(after, nowMs) + minHoldMs } : hold(after, nowMs);
    default:
      return unreachable(outcome);
  }
}

/**
 * The death of a delivery that is too old to be tried, or `undefined`.
 *
 * @param sinceMs when it was received or, after that, asked for again, epoch milliseconds
 */
export function deathByAge(sinceMs: number, policy: RetryPolicy, nowMs: number): Decision | undefined {
  return nowMs > sinceMs + policy.deadlineMs ? { kind: 'dead', reason: 'deadline_passed' } : undefined;
}

/** Retry-After only ever lengthens: never less than the first step of the schedule. */
function throttleOf(outcome: Extract<Outcome, { kind: 'throttled' }>, policy: RetryPolicy): number {
  if (outcome.retryAfterMs === undefined) return 0;
  return Math.max(outcome.retryAfterMs, policy.scheduleMs[0] ?? 0, minHoldMs);
}

function isHolding(circuit: Circuit, nowMs: number): boolean {
  return circuit.kind === 'throttled' ? nowMs < circuit.untilMs : circuit.kind !== 'closed';
}

function hold(circuit: Circuit, nowMs: number): Decision {
  return { kind: 'hold', delayMs: holdMs(circuit, nowMs) };
}

function holdMs(circuit: Circuit, nowMs: number): number {
  const untilMs = 'untilMs' in circuit ? circuit.untilMs : nowMs;
  return Math.max(untilMs - nowMs, minHoldMs);
}

function nextStep(delivery: AttemptedDelivery, policy: RetryPolicy, nowMs: number, random: number): Decision {
  const { attempt, receivedAtMs, replay } = delivery;
  const stepMs = policy.scheduleMs[attempt - (replay?.attemptsBefore ?? 0) - 1];
  if (stepMs === undefined) return { kind: 'dead', reason: 'attempts_exhausted' };
  const delayMs = Math.round(stepMs * (1 - jitter + 2 * jitter * random));
  const tooLate = nowMs + delayMs > (replay?.atMs ?? receivedAtMs) + policy.deadlineMs;
  return tooLate ? { kind: 'dead', reason: 'deadline_passed' } : { kind: 'retry', delayMs };
}
