import { html } from 'hono/html';
import type { ConsumerName } from '../../ports.ts';
import { formatCount } from '../parts/count-of.ts';
import { formatLatency } from '../parts/format-latency.ts';
import type { Html } from '../parts/html.ts';
import { withQuery } from '../parts/paths.ts';
import { renderEmpty } from '../parts/render-empty.ts';
import { renderTable } from '../parts/render-table.ts';
import type { History, HistoryRange, OpenIncident } from '../ports.ts';
import { chartFigures } from './chart-figures.ts';
import { describeOutages } from './describe-outages.ts';
import { planCharts } from './plan-charts.ts';
import { sumUpHistory } from './sum-up-history.ts';

export interface Measured {
  readonly history: History;
  readonly incidents: readonly OpenIncident[];
  readonly range: HistoryRange;
  readonly consumers: readonly ConsumerName[];
  readonly hasSeveralApps: boolean;
  readonly app: string | undefined;
  readonly nowMs: number;
}

const refreshes: Readonly<Record<HistoryRange, string>> = { hour: 'every 20s', day: 'every 60s' };
const names: Readonly<Record<HistoryRange, string>> = { hour: 'Last hour', day: 'Last 24 h' };

/** Charts, whose frames are there before their figures are drawn, and the same in figures for who cannot see them. */
export function renderHistory(measured: Measured): Html {
  const { consumers, hasSeveralApps, range, app } = measured;
  const path = withQuery('/overview/history', { range, app });
  return html`<section aria-labelledby="history-title">
<div class="row"><h2 id="history-title">Latency and rates</h2>
<nav class="choice" aria-label="How far back">${Object.entries(names).map(([key, name]) => {
    const href = `${withQuery('/', { app, range: key === 'hour' ? undefined : key })}#history-title`;
    return html`<a href="${href}"${key === range ? html` aria-current="true"` : ''}>${name}</a>`;
  })}</nav></div>
<div class="charts">${planCharts(consumers, hasSeveralApps).map(
    ({ id, title, series }) => html`<figure data-chart="${id}">
<figcaption><strong>${title}</strong><span class="keys">${series.map(({ label }, index) => html`<span class="key key-${index}">${label}</span>`)}</span><span class="note"></span><span class="readout"></span></figcaption>
<div class="plot" role="img" aria-label="Chart: ${title}. The table below has its figures."></div>
</figure>`,
  )}</div>
<div id="history" hx-get="${path}" hx-trigger="${refreshes[range]}" hx-sync="this:drop">${renderFigures(measured)}</div>
</section>`;
}

/** What the charts are drawn from, and a table of it; this part is refreshed. */
export function renderFigures({ history, incidents, range, consumers, hasSeveralApps, nowMs }: Measured): Html {
  const charts = planCharts(consumers, hasSeveralApps);
  const figures = chartFigures(charts, history, incidents, range, nowMs);
  const lines = [
    { of: 'ack', name: 'Zoom is answered' },
    ...consumers.map(({ app, consumer }) => ({
      of: `${app}/${consumer}`,
      name: `${hasSeveralApps ? `${app}/${consumer}` : consumer} has it`,
    })),
  ];
  const rows = lines.flatMap(({ of, name }) => {
    const sum = sumUpHistory(history, of);
    const down = describeOutages(history.outages[of] ?? [], nowMs);
    if (sum === undefined && down === undefined) return [];
    const latencies = sum === undefined ? ['–', '–', '–'] : [sum.p50Ms, sum.p99Ms, sum.maxMs].map(formatLatency);
    return [{ cells: [`until ${name}`, formatCount(sum?.count ?? 0), ...latencies, down ?? '–'] }];
  });
  const columns = ['Measured', 'p50 (middle minute)', 'p99 (worst minute)', 'Slowest'];
  return html`<div data-figures="${JSON.stringify(figures)}">
${
  rows.length === 0
    ? renderEmpty(
        `Nothing was measured in the ${names[range].toLowerCase()}. Latencies appear here a moment after a notification comes.`,
      )
    : renderTable(
        'Latencies',
        [{ title: 'Time' }, ...columns.map((title) => ({ title, isNumber: true })), { title: 'Down' }],
        rows,
      )
}
</div>`;
}
