import { html } from 'hono/html';
import type { ConsumerName } from '../../ports.ts';
import type { DeliveryFilter, DeliveryList } from '../../schemas.ts';
import { countOf, formatCount } from '../parts/count-of.ts';
import type { Html } from '../parts/html.ts';
import { pathOfDeliveries, pathOfNewReplay } from '../parts/paths.ts';
import { renderEmpty } from '../parts/render-empty.ts';
import { renderTable } from '../parts/render-table.ts';
import { deliveryColumns, deliveryTableRow } from './delivery-row.ts';
import { describeFilter } from './describe-filter.ts';
import type { ReadFilter } from './read-filter.ts';
import { renderFilterForm } from './render-filter-form.ts';

export interface DeliveriesView {
  readonly read: ReadFilter;
  /** Absent when the filter is not valid. */
  readonly list?: DeliveryList;
  /** Of the page shown; absent for the first. */
  readonly cursor?: string | undefined;
  readonly names: readonly ConsumerName[];
  readonly mayOperate: boolean;
  readonly nowMs: number;
}

/** The filter, said as a sentence and as a form, and one page of what it means. */
export function renderDeliveries(view: DeliveriesView): Html {
  const { read, list, names } = view;
  return html`<h1>Deliveries</h1>
${renderFilterForm(read, names)}
${list === undefined ? html`<p class="problem" role="alert">✗ The filter cannot be used: correct what is marked.</p>` : renderResults(view, list)}`;
}

function renderResults(view: DeliveriesView, list: DeliveryList): Html {
  const { read, names, nowMs, mayOperate } = view;
  const hasSeveralApps = new Set(names.map(({ app }) => app)).size > 1;
  const { deliveries } = list;
  const rows = deliveries.map((row) => deliveryTableRow(row, hasSeveralApps, nowMs));
  return html`<div class="row"><p class="filtered">${describeFilter(read.filter)}, ${orderOf(read.filter)}.</p>
${mayOperate && deliveries.length > 0 ? html`<a class="button" href="${pathOfNewReplay(read.filter)}">Replay all that match…</a>` : ''}</div>
${deliveries.length === 0 ? renderNone(read, list) : renderTable('Deliveries', deliveryColumns(hasSeveralApps), rows)}
${renderEnd(view, list)}`;
}

function orderOf({ state }: DeliveryFilter): string {
  if (state === 'delivered') return 'latest delivered first';
  return state === 'dead' ? 'latest dead first' : 'newest first';
}

function renderNone({ given }: ReadFilter, { isPartial }: DeliveryList): Html {
  if (isPartial) return renderEmpty('None among those that were looked at.');
  if (Object.keys(given).length > 0) {
    return renderEmpty(
      html`No delivery that is kept matches. <a href="/deliveries">Show all</a>, or loosen the filter.`,
    );
  }
  return renderEmpty(
    html`A delivery appears here for each notification and consumer. To see some now, send a sample: <code>npm run -s zoom-relay -- send meeting.created</code>`,
  );
}

function renderEnd({ read, cursor }: DeliveriesView, list: DeliveryList): Html {
  const { isPartial, lookedAt, deliveries } = list;
  const part = isPartial
    ? html`<p>▲ Only a part of what is kept was looked at: ${countOf(lookedAt, 'delivery', 'deliveries')}, of which ${formatCount(deliveries.length)} match. Look further to see whether more do.</p>`
    : '';
  const first = cursor === undefined ? '' : html`<a href="${pathOfDeliveries(read.filter)}">First page</a>`;
  const next =
    list.cursor === undefined
      ? html`<span class="muted">${deliveries.length === 0 ? '' : 'End of what is kept.'}</span>`
      : html`<a rel="next" href="${pathOfDeliveries(read.filter, list.cursor)}">${isPartial ? 'Look further' : 'Next page'}</a>`;
  return html`${part}<nav class="pages" aria-label="Pages">${first} ${next}</nav>`;
}
