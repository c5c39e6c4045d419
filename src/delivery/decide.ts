import { unreachable } from '../errors.ts';
import type { Outcome } from './outcome.ts';

/** What is known of a delivery when an attempt of it has ended. */
export interface AttemptedDelivery {
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Epoch milliseconds. */
  readonly receivedAtMs: number;
}

export interface RetryPolicy {
  /** Milliseconds to wait after the first, second, … attempt. Its length is the number of retries. */
  readonly scheduleMs: readonly number[];
  /** A retry that would start later than this after receipt is not made. */
  readonly deadlineMs: number;
}

export type DeathReason = 'corrupt' | 'unreadable' | 'attempts_exhausted' | 'deadline_passed';

export type Decision =
  | { readonly kind: 'done' }
  | { readonly kind: 'retry'; readonly delayMs: number }
  /** Not tried again by itself; kept, shown, replayable. */
  | { readonly kind: 'dead'; readonly reason: DeathReason };

/** Half the width of the band a delay is spread over, so that a crowd of retries does not arrive as one. */
const jitter = 0.2;

/**
 * What follows from an attempt. Pure: time and chance are arguments.
 *
 * @param random uniform in [0, 1)
 */
export function decide(
  delivery: AttemptedDelivery,
  outcome: Outcome,
  policy: RetryPolicy,
  nowMs: number,
  random: number,
): Decision {
  switch (outcome.kind) {
    case 'delivered':
      return { kind: 'done' };
    case 'corrupt':
    case 'unreadable':
      return { kind: 'dead', reason: outcome.kind };
    case 'refused':
    case 'unavailable':
      return nextStep(delivery, policy, nowMs, random, 0);
    case 'throttled':
      return nextStep(delivery, policy, nowMs, random, outcome.retryAfterMs ?? 0);
    default:
      return unreachable(outcome);
  }
}

/** The next step of the schedule, never sooner than `atLeastMs`. */
function nextStep(
  delivery: AttemptedDelivery,
  policy: RetryPolicy,
  nowMs: number,
  random: number,
  atLeastMs: number,
): Decision {
  const stepMs = policy.scheduleMs[delivery.attempt - 1];
  if (stepMs === undefined) return { kind: 'dead', reason: 'attempts_exhausted' };
  const delayMs = Math.max(Math.round(stepMs * (1 - jitter + 2 * jitter * random)), atLeastMs);
  const tooLate = nowMs + delayMs > delivery.receivedAtMs + policy.deadlineMs;
  return tooLate ? { kind: 'dead', reason: 'deadline_passed' } : { kind: 'retry', delayMs };
}
