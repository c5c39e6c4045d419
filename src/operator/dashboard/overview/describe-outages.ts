import { formatSpan } from '../../alerts/format-span.ts';
import type { ShownOutage } from '../ports.ts';

const dayMs = 86_400_000;

/**
 * Outages of the last day in a few words: `08:12 to 08:19 UTC`, `since 08:12 UTC`, `for 3 d 4 h`, `3 times, 21 min in all`.
 *
 * @returns `undefined` for none
 */
export function describeOutages(outages: readonly ShownOutage[], nowMs: number): string | undefined {
  const [first] = outages;
  if (first === undefined) return undefined;
  if (outages.length > 1) {
    const allMs = outages.reduce((sum, { fromMs, toMs = nowMs }) => sum + toMs - fromMs, 0);
    const isDown = outages.some(({ toMs }) => toMs === undefined);
    return `${outages.length} times, ${formatSpan(allMs)} in all${isDown ? ', and now' : ''}`;
  }
  const { fromMs, toMs } = first;
  if ((toMs ?? nowMs) - fromMs >= dayMs) return `for ${formatSpan((toMs ?? nowMs) - fromMs)}`;
  if (toMs === undefined) return `since ${timeOf(fromMs)} UTC`;
  const isShort = timeOf(fromMs) === timeOf(toMs);
  return isShort
    ? `at ${timeOf(fromMs)} UTC for ${formatSpan(toMs - fromMs)}`
    : `${timeOf(fromMs)} to ${timeOf(toMs)} UTC`;
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().slice(11, 16);
}
