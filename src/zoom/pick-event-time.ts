/** How far Zoom's clock may be ahead of this one, as for signatures (measured: 1 s), milliseconds. */
const maxAheadMs = 300_000;

/**
 * When something happened, epoch milliseconds: the first candidate that is a time, else when it was received. Never
 * much later than that: a time far ahead would win over everything that comes after it.
 */
export function pickEventTime(candidates: readonly (number | null | undefined)[], receivedAtMs: number): number {
  const told = candidates.find((candidate) => typeof candidate === 'number' && candidate >= 1);
  return Math.floor(Math.min(told ?? receivedAtMs, receivedAtMs + maxAheadMs));
}
