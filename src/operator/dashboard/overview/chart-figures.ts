import type { History, HistoryMinute, HistoryRange, OpenIncident } from '../ports.ts';
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
    /** From and to, epoch seconds. */
    readonly shaded: readonly (readonly [number, number])[];
  }[];
}

const minuteMs = 60_000;
export const minutesIn: Readonly<Record<HistoryRange, number>> = { hour: 60, day: 1440 };
const outages = ['circuit_open', 'store_away'];

/** Gives every minute of the range its figures. Open outages are shaded from when they began. */
export function chartFigures(
  charts: readonly PlannedChart[],
  { minutes }: History,
  incidents: readonly OpenIncident[],
  range: HistoryRange,
  nowMs: number,
): ChartFigures {
  const current = Math.floor(nowMs / minuteMs);
  const byMinute = new Map(minutes.map((minute) => [Math.floor(minute.atMs / minuteMs), minute]));
  const all = Array.from({ length: minutesIn[range] }, (_, index) => current - minutesIn[range] + 1 + index);
  return {
    atSec: all.map((minute) => minute * 60),
    charts: charts.map((chart) => ({
      id: chart.id,
      unit: chart.unit,
      labels: chart.series.map(({ label }) => label),
      values: chart.series.map((series) => all.map((minute) => figureOf(byMinute.get(minute), series))),
      shaded: outagesOf(chart, incidents).map(({ sinceMs }) => [sinceMs / 1000, nowMs / 1000] as const),
    })),
  };
}

function figureOf(minute: HistoryMinute | undefined, { of, figure }: PlannedSeries): number | null {
  const latency = of === 'ack' ? minute?.ack : minute?.delivery[of];
  if (figure === 'count') return latency?.count ?? 0;
  return latency === undefined || latency.count === 0 ? null : Math.round(latency[figure] * 10) / 10;
}

function outagesOf({ consumer }: PlannedChart, incidents: readonly OpenIncident[]): readonly OpenIncident[] {
  if (consumer === undefined) return [];
  return incidents.filter((incident) => {
    const isMeant = incident.consumer === undefined || `${incident.app}/${incident.consumer}` === consumer;
    return outages.includes(incident.kind) && isMeant;
  });
}
