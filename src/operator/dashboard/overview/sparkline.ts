import { html } from 'hono/html';
import type { Html } from '../parts/html.ts';

const [width, height, padding] = [120, 22, 1.5];
const minuteMs = 60_000;

export interface MinuteCount {
  /** Epoch milliseconds at which it began. */
  readonly atMs: number;
  readonly count: number;
}

/** The counts of so many minutes up to the one before now, oldest first; 0 where none is given. */
export function fillMinutes(minutes: readonly MinuteCount[], amount: number, nowMs: number): readonly number[] {
  const byMinute = new Map(minutes.map(({ atMs, count }) => [Math.floor(atMs / minuteMs), count]));
  const current = Math.floor(nowMs / minuteMs);
  return Array.from({ length: amount }, (_, index) => byMinute.get(current - amount + index) ?? 0);
}

/** A line without axes. @param what for those who cannot see it */
export function renderSparkline(values: readonly number[], what: string): Html {
  const most = Math.max(...values, 1);
  const points = values.map((value, index) => {
    const x = padding + (index / Math.max(1, values.length - 1)) * (width - 2 * padding);
    const y = height - padding - (value / most) * (height - 2 * padding);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return html`<svg class="sparkline" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${what}"><polyline points="${points.join(' ')}"/></svg>`;
}
