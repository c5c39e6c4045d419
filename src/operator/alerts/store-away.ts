import type { Condition } from './incident.ts';

const storeAwayMs = 60_000;

/** The store does not answer, or takes nothing, since now. */
export function storeAway(nowMs: number): Condition {
  return { kind: 'store_away', sinceMs: nowMs, mustLastMs: storeAwayMs, figures: {} };
}
