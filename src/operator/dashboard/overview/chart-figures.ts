import type { History, HistoryMinute, HistoryRange, OpenIncident, ShownOutage } from '../ports.ts';
import { describeOutages } from './describe-outages.ts';
import type { PlannedChart, PlannedSeries } from './plan-charts.ts';

/** What the browser draws. */
export interface ChartFigures {
  /** The minutes, epoch seconds; none is left out. */
  readonly atSec: readonly number[];
  readonly charts: readonly {
    readonly id: string;
    readonly unit: PlannedChart['unit'];
    readonly labels: readonly string[];
    /** As many as minutes; `null` where nothing was measured. */
    readonly values: readonly (readonly (number | null)[])[];
    /** Outages: from and to, epoch seconds. */
    readonly shaded: readonly (readonly [number, number])[];
    /** What is shaded, in words; empty when nothing is. */
    readonly note: string;
  }[];
}

const minuteMs = 60_000;
export const minutesIn: Readonly<Record<HistoryRange, number>> = { hour: 60, day: 1440 };

/** Gives every minute of the range its figures. */
export function chartFigures(
  charts: readonly PlannedChart[],
  history: History,
  incidents: readonly OpenIncident[],
  range: HistoryRange,
  nowMs: number,
): ChartFigures {
  const current = Math.floor(nowMs / minuteMs);
  const byMinute = new Map(history.minutes.map((minute) => [Math.floor(minute.atMs / minuteMs), minute]));
  const all = Array.from({ length: minutesIn[range] }, (_, index) => current - minutesIn[range] + 1 + index);
  return {
    atSec: all.map((minute) => minute * 60),
    charts: charts.map((chart) => {
      const outages = outagesOf(chart, history, incidents);
      const described = describeOutages(outages, nowMs);
      return {
        id: chart.id,
        unit: chart.unit,
        labels: chart.series.map(({ label }) => label),
        values: chart.series.map((series) => all.map((minute) => figureOf(byMinute.get(minute), series))),
        shaded: outages.map(({ fromMs, toMs = nowMs }) => [fromMs / 1000, toMs / 1000] as const),
        note: described === undefined ? '' : `shaded: down ${described}`,
      };
    }),
  };
}

function figureOf(minute: HistoryMinute | undefined, { of, figure }: PlannedSeries): number | null {
  const latency = of === 'ack' ? minute?.ack : minute?.delivery[of];
  if (figure === 'count') return latency?.count ?? 0;
  return latency === undefined || latency.count === 0 ? null : Math.round(latency[figure] * 10) / 10;
}

/** The consumer's own; while the store is away, nobody gets anything. */
function outagesOf(
  { consumer }: PlannedChart,
  history: History,
  incidents: readonly OpenIncident[],
): readonly ShownOutage[] {
  if (consumer === undefined) return [];
  const away = incidents.filter(({ kind }) => kind === 'store_away').map(({ sinceMs }) => ({ fromMs: sinceMs }));
  return [...(history.outages[consumer] ?? []), ...away];
}
