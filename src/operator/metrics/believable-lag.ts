const hourMs = 3_600_000;
const yearMs = 365 * 24 * hourMs;

/**
 * How long ago an event was by its `event_ts`, in seconds. What Zoom's clock was ahead counts as 0. `undefined` for what no
 * clock can account for (over an hour ahead, over a year ago: another unit, a made-up time): one of these in a histogram
 * would spoil its sum for good.
 */
export function believableLagSec(lagMs: number): number | undefined {
  const isBelievable = lagMs >= -hourMs && lagMs <= yearMs;
  return isBelievable ? Math.max(lagMs, 0) / 1000 : undefined;
}
