import { formatSpan } from '../../alerts/format-span.ts';
import type { Replay } from '../../schemas.ts';
import { countOf, formatCount } from '../parts/count-of.ts';

export interface DescribedProgress {
  /** Handed over or skipped. */
  readonly done: number;
  readonly total: number;
  readonly text: string;
}

/** How far a replay is, how fast it goes, how long it will take and what it waits for. */
export function describeProgress(replay: Replay, nowMs: number): DescribedProgress {
  const { progress, plan, state, rate, waitingFor, createdAt, endedAt } = replay;
  const done = progress.fed + progress.skipped;
  const of = `${formatCount(done)} of ${countOf(plan.total, 'delivery', 'deliveries')}`;
  return { done, total: plan.total, text: textOf() };

  function textOf(): string {
    const took = formatSpan((endedAt === undefined ? nowMs : Date.parse(endedAt)) - Date.parse(createdAt));
    if (state === 'done') return `Done: ${of} in ${took}.`;
    if (state === 'cancelled') return `Cancelled after ${took}: ${of} were dealt with, the rest was left as it was.`;
    if (state === 'paused') return `Paused at ${of}.`;
    if (waitingFor !== undefined) return `Waits at ${of}: ${waitingFor}. It goes on by itself.`;
    if (done >= plan.total)
      return `Running: all are handed over; ${countOf(progress.pending, 'is', 'are')} still on the way.`;
    return `Running: ${of}, ${formatCount(rate)} a second, ${formatSpan(((plan.total - done) / rate) * 1000)} left.`;
  }
}
