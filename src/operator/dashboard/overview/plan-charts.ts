import type { ConsumerName } from '../../ports.ts';

/** A chart of the overview, before its figures are known. */
export interface PlannedChart {
  readonly id: string;
  readonly title: string;
  readonly unit: 'ms' | 'perMinute';
  readonly series: readonly PlannedSeries[];
  /** Whose outages are shaded, `app/consumer`; none when absent. */
  readonly consumer?: string;
}

export interface PlannedSeries {
  readonly label: string;
  /** `ack`, or `app/consumer`. */
  readonly of: string;
  readonly figure: 'p50Ms' | 'p99Ms' | 'count';
}

/** More lines than these cannot be told apart; the table under the charts has them all. */
const maxConsumers = 6;

/** Rates, the latency of acknowledgements, and that of deliveries to each consumer. */
export function planCharts(consumers: readonly ConsumerName[], hasSeveralApps: boolean): readonly PlannedChart[] {
  const shown = consumers.slice(0, maxConsumers).map(({ app, consumer }) => {
    return { key: `${app}/${consumer}`, name: hasSeveralApps ? `${app}/${consumer}` : consumer };
  });
  return [
    {
      id: 'rates',
      title: 'Acknowledged and delivered a minute',
      unit: 'perMinute',
      series: [
        { label: 'acknowledged', of: 'ack', figure: 'count' },
        ...shown.map(({ key, name }) => ({ label: name, of: key, figure: 'count' as const })),
      ],
    },
    { id: 'ack', title: 'Until Zoom is answered', unit: 'ms', series: quantilesOf('ack') },
    ...shown.map(({ key, name }) => ({
      id: key,
      title: `Until ${name} has it`,
      unit: 'ms' as const,
      series: quantilesOf(key),
      consumer: key,
    })),
  ];
}

function quantilesOf(of: string): readonly PlannedSeries[] {
  return [
    { label: 'p50', of, figure: 'p50Ms' },
    { label: 'p99', of, figure: 'p99Ms' },
  ];
}
