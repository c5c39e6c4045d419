import { unreachable } from '../errors.ts';
import type { Outcome } from './outcome.ts';

/**
 * What is known of a consumer's health, shared by all workers of all processes. Kept in the store as JSON; a consumer
 * nobody has written about is closed.
 */
export type Circuit =
  /** Deliveries go out. `failures` counts attempts in a row that found the consumer unavailable. */
  | { readonly kind: 'closed'; readonly failures: number; readonly lastFailureAtMs: number }
  /** The consumer asked for a pause: nothing goes out until then. */
  | { readonly kind: 'throttled'; readonly untilMs: number }
  /** The consumer is down: nothing goes out until then, after that one probe. */
  | { readonly kind: 'open'; readonly untilMs: number; readonly openings: number; readonly sinceMs: number }
  /** One worker is trying; should it be lost, another may try after `probeUntilMs`. */
  | { readonly kind: 'half_open'; readonly probeUntilMs: number; readonly openings: number; readonly sinceMs: number };

export const closedCircuit: Circuit = { kind: 'closed', failures: 0, lastFailureAtMs: 0 };

/** Attempts in a row that find the consumer unavailable before the circuit opens. */
export const failuresToOpen = 5;
/** A failure this long ago says nothing about now, milliseconds. */
const failureMemoryMs = 60_000;
/** How long the first opening lasts; each further one twice as long, up to the longest. Milliseconds. */
const firstOpeningMs = 5000;
const longestOpeningMs = 300_000;
/** Half the width of the band an opening is spread over. */
const jitter = 0.1;
/** How soon those who wait for a probe look again, milliseconds. */
const probeWaitMs = 1000;

/** What a worker may do with the delivery it has taken. */
export type Admission =
  | { readonly kind: 'send' }
  /** Send it if the circuit can be moved to `next`: then this one is the probe. */
  | { readonly kind: 'probe'; readonly next: Circuit }
  | { readonly kind: 'hold'; readonly delayMs: number };

/** @param probeMs how long a probe may take before it counts as lost */
export function admit(circuit: Circuit, nowMs: number, probeMs: number): Admission {
  switch (circuit.kind) {
    case 'closed':
      return { kind: 'send' };
    case 'throttled':
      return nowMs < circuit.untilMs ? { kind: 'hold', delayMs: circuit.untilMs - nowMs } : { kind: 'send' };
    case 'open':
      return nowMs < circuit.untilMs
        ? { kind: 'hold', delayMs: circuit.untilMs - nowMs }
        : probe(circuit, nowMs, probeMs);
    case 'half_open':
      return nowMs < circuit.probeUntilMs ? { kind: 'hold', delayMs: probeWaitMs } : probe(circuit, nowMs, probeMs);
    default:
      return unreachable(circuit);
  }
}

function probe(circuit: Extract<Circuit, { openings: number }>, nowMs: number, probeMs: number): Admission {
  const { openings, sinceMs } = circuit;
  return { kind: 'probe', next: { kind: 'half_open', probeUntilMs: nowMs + probeMs, openings, sinceMs } };
}

/**
 * The circuit after an attempt. The same object when nothing changes, so that a success on a healthy consumer costs no
 * write.
 *
 * @param isProbe whether the attempt was the one the half-open circuit waits for
 * @param throttleMs how long to wait when the outcome is `throttled`; 0 when it said nothing that makes sense
 * @param random uniform in [0, 1)
 */
export function circuitAfter(
  circuit: Circuit,
  outcome: Outcome,
  isProbe: boolean,
  throttleMs: number,
  nowMs: number,
  random: number,
): Circuit {
  switch (outcome.kind) {
    case 'delivered':
    case 'refused': // whoever refuses is there
    case 'failed':
    case 'gave_up':
      return answered(circuit, isProbe, nowMs);
    case 'throttled': // without a wait it is a refusal
      return throttleMs === 0 ? answered(circuit, isProbe, nowMs) : throttled(circuit, isProbe, nowMs + throttleMs);
    case 'unavailable':
      return unavailable(circuit, isProbe, nowMs, random);
    case 'corrupt':
    case 'unreadable': // nothing was sent; a probe that was not made is given back
      return isProbe && circuit.kind === 'half_open' ? { ...circuit, probeUntilMs: nowMs } : circuit;
    default:
      return unreachable(outcome);
  }
}

function answered(circuit: Circuit, isProbe: boolean, nowMs: number): Circuit {
  if ((circuit.kind === 'open' || circuit.kind === 'half_open') && !isProbe) return circuit; // a late straggler
  if (circuit.kind === 'closed' && circuit.failures === 0) return circuit;
  // An answer to what was sent before the pause was asked for does not end the pause.
  if (circuit.kind === 'throttled' && nowMs < circuit.untilMs) return circuit;
  return closedCircuit;
}

function throttled(circuit: Circuit, isProbe: boolean, untilMs: number): Circuit {
  if (circuit.kind === 'throttled' && circuit.untilMs >= untilMs) return circuit;
  const isDown = circuit.kind === 'open' || circuit.kind === 'half_open';
  return isDown && !isProbe ? circuit : { kind: 'throttled', untilMs };
}

function unavailable(circuit: Circuit, isProbe: boolean, nowMs: number, random: number): Circuit {
  if (circuit.kind === 'half_open')
    return isProbe ? open(circuit.openings + 1, circuit.sinceMs, nowMs, random) : circuit;
  if (circuit.kind === 'open') return circuit;
  if (circuit.kind === 'throttled' && nowMs < circuit.untilMs) return circuit;
  const before = circuit.kind === 'closed' && nowMs - circuit.lastFailureAtMs <= failureMemoryMs ? circuit.failures : 0;
  if (before + 1 >= failuresToOpen) return open(1, nowMs, nowMs, random);
  return { kind: 'closed', failures: before + 1, lastFailureAtMs: nowMs };
}

function open(openings: number, sinceMs: number, nowMs: number, random: number): Circuit {
  const waitMs = Math.min(firstOpeningMs * 2 ** (openings - 1), longestOpeningMs);
  const untilMs = nowMs + Math.round(waitMs * (1 - jitter + 2 * jitter * random));
  return { kind: 'open', untilMs, openings, sinceMs };
}

/** Reads what the store holds; anything it does not understand (a newer release wrote it) is a closed circuit. */
export function parseCircuit(text: string | undefined): Circuit {
  if (text === undefined) return closedCircuit;
  try {
    const value: unknown = JSON.parse(text);
    return isCircuit(value) ? value : closedCircuit;
  } catch {
    return closedCircuit;
  }
}

const fields: Readonly<Record<Circuit['kind'], readonly string[]>> = {
  closed: ['failures', 'lastFailureAtMs'],
  throttled: ['untilMs'],
  open: ['untilMs', 'openings', 'sinceMs'],
  half_open: ['probeUntilMs', 'openings', 'sinceMs'],
};

function isCircuit(value: unknown): value is Circuit {
  if (typeof value !== 'object' || value === null || !('kind' in value) || typeof value.kind !== 'string') return false;
  const needed = Object.entries(fields).find(([kind]) => kind === value.kind)?.[1];
  const numbers = new Map(Object.entries(value));
  return needed?.every((field) => Number.isFinite(numbers.get(field))) ?? false;
}
