import { formatSpan } from '../../alerts/format-span.ts';
import type { ReplayPlan } from '../../schemas.ts';
import { countOf, formatCount } from '../parts/count-of.ts';

/** What a replay would do, in sentences; the first is the answer. @param rate deliveries a second */
export function describePlan(plan: ReplayPlan, wish: { rate: number; force: boolean }): readonly string[] {
  const { total, alreadyDelivered, onTheirWay, wouldBeResigned, isTruncated } = plan;
  const left = alreadyDelivered > 0 && !wish.force;
  const leftOut = left
    ? [`${countOf(alreadyDelivered, 'that was delivered is', 'that were delivered are')} left out.`]
    : [];
  if (total === 0) return ['Nothing matches that could be replayed.', ...leftOut];
  const span = formatSpan(Math.max(1000, (total / wish.rate) * 1000));
  const again = alreadyDelivered > 0 && wish.force;
  return [
    `${countOf(total, 'delivery', 'deliveries')} would be attempted again, oldest first. At ${formatCount(wish.rate)} a second that takes ${span} or longer.`,
    ...leftOut,
    ...(again
      ? [
          `${formatCount(alreadyDelivered)} of them ${alreadyDelivered === 1 ? 'was' : 'were'} delivered already, and would be delivered again.`,
        ]
      : []),
    ...(onTheirWay > 0
      ? [
          `${formatCount(onTheirWay)} of them ${onTheirWay === 1 ? 'is' : 'are'} on their way: those delayed are brought forward, the others left alone.`,
        ]
      : []),
    ...(wouldBeResigned > 0
      ? [`${formatCount(wouldBeResigned)} of them would carry a fresh timestamp and signature instead of Zoom’s.`]
      : []),
    ...(isTruncated ? ['More match than one replay takes: the rest needs another one after it.'] : []),
  ];
}
