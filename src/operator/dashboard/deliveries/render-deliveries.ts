import { html } from 'hono/html';
import type { ConsumerName } from '../../ports.ts';
import type { DeliveryFilter, DeliveryList } from '../../schemas.ts';
import { countOf, formatCount } from '../parts/count-of.ts';
import { csrfField } from '../parts/csrf-field.ts';
import type { Html } from '../parts/html.ts';
import type { PageContext } from '../parts/page-context.ts';
import { pathOfDeliveries, pathOfNewReplay } from '../parts/paths.ts';
import { renderEmpty } from '../parts/render-empty.ts';
import { renderTable } from '../parts/render-table.ts';
import { deliveryColumns, deliveryTableRow, tickableColumns, tickableTableRow } from './delivery-row.ts';
import { describeFilter } from './describe-filter.ts';
import type { ReadFilter } from './read-filter.ts';
import { listFields } from './render-chosen.ts';
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
export function renderDeliveries(c: PageContext, view: DeliveriesView): Html {
  const { read, list, names } = view;
  return html`<h1>Deliveries</h1>
${renderFilterForm(read, names)}
${list === undefined ? html`<p class="problem" role="alert">✗ The filter cannot be used: correct what is marked.</p>` : renderResults(c, view, list)}`;
}

function renderResults(c: PageContext, view: DeliveriesView, list: DeliveryList): Html {
  const { read, mayOperate } = view;
  const { deliveries } = list;
  return html`<div class="row"><p class="filtered">${describeFilter(read.filter)}, ${orderOf(read.filter)}.</p>
${mayOperate && deliveries.length > 0 ? html`<a class="button" href="${pathOfNewReplay(read.filter)}">Replay all that match…</a>` : ''}</div>
${deliveries.length === 0 ? renderNone(read, list) : mayOperate ? renderTickable(c, view, list) : renderRows(view, list)}
${renderEnd(view, list)}`;
}

function renderRows({ names, nowMs }: DeliveriesView, { deliveries }: DeliveryList): Html {
  const several = hasSeveralApps(names);
  const rows = deliveries.map((row) => deliveryTableRow(row, several, nowMs));
  return renderTable('Deliveries', deliveryColumns(several), rows);
}

function renderTickable(c: PageContext, view: DeliveriesView, { deliveries }: DeliveryList): Html {
  const { names, nowMs, read, cursor } = view;
  const several = hasSeveralApps(names);
  const rows = deliveries.map((row) => tickableTableRow(row, several, nowMs));
  return html`<form method="post" action="/deliveries/chosen" aria-label="Choose deliveries">${csrfField(c)}${listFields({ read, cursor })}
${renderTable('Deliveries', tickableColumns(several), rows)}
<p class="buttons"><button type="submit">Replay those chosen…</button></p>
</form>`;
}

function hasSeveralApps(names: readonly ConsumerName[]): boolean {
  return new Set(names.map(({ app }) => app)).size > 1;
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
