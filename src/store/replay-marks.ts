import type { ReplayMark } from '../delivery/replay-mark.ts';

/** So many are kept with a delivery, the last ones. */
export const keptReplays = 20;

/** Reads the marks of a delivery back from the `progress` of its job, where replays put them. Oldest first. */
export function readReplayMarks(progress: unknown): readonly ReplayMark[] {
  return Array.isArray(progress) ? progress.filter(isReplayMark) : [];
}

function isReplayMark(value: unknown): value is ReplayMark {
  if (typeof value !== 'object' || value === null) return false;
  const { replayId, atMs, attemptsBefore, resign }: Partial<Record<keyof ReplayMark, unknown>> = value;
  const numbers = [atMs, attemptsBefore].every((number) => typeof number === 'number');
  return typeof replayId === 'string' && numbers && typeof resign === 'boolean';
}
