import { html } from 'hono/html';
import type { DeliveryRow } from '../../schemas.ts';
import { deliveryColumns, deliveryTableRow } from '../deliveries/delivery-row.ts';
import type { Html } from '../parts/html.ts';
import { withQuery } from '../parts/paths.ts';
import { renderTable } from '../parts/render-table.ts';

export interface LiveView {
  readonly deliveries: readonly DeliveryRow[];
  readonly app: string | undefined;
  readonly hasSeveralApps: boolean;
  readonly nowMs: number;
}

/** The newest deliveries, newest on top; the script goes on from there. */
export function renderLive({ deliveries, app, hasSeveralApps, nowMs }: LiveView): Html {
  const rows = deliveries.map((row) => deliveryTableRow(row, hasSeveralApps, nowMs));
  return html`<div class="row"><h1>Live</h1>
<p class="buttons needs-script"><span id="live-state" role="status">connecting…</span> <button type="button" id="live-pause" aria-pressed="false">Pause</button></p></div>
<p class="muted needs-script">Deliveries as they come and change, newest on top. The list stands still while the pointer or the focus is in it.</p>
<noscript><p class="muted">Without JavaScript this page does not go on by itself: reload it.</p></noscript>
<div id="live" data-events="${withQuery('/live/events', { app })}">
${renderTable('Newest deliveries', deliveryColumns(hasSeveralApps), rows, 'live-rows')}
<p class="empty" id="live-empty"${deliveries.length > 0 ? html` hidden` : ''}>Nothing has come yet. Deliveries appear here within a second. To see one, send a sample: <code>npm run -s zoom-relay -- send meeting.created</code></p>
</div>`;
}
