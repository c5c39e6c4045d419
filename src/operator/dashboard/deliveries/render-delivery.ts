import { html } from 'hono/html';
import type { DeliveryBody, DeliveryDetail } from '../../schemas.ts';
import { countOf, formatCount } from '../parts/count-of.ts';
import { csrfField } from '../parts/csrf-field.ts';
import { formatLatency } from '../parts/format-latency.ts';
import type { Html } from '../parts/html.ts';
import { mayOperate, type PageContext } from '../parts/page-context.ts';
import { pathOfDeliveries, pathOfDelivery } from '../parts/paths.ts';
import { renderDeliveryState } from '../parts/render-delivery-state.ts';
import { renderFacts } from '../parts/render-facts.ts';
import { renderMark } from '../parts/render-mark.ts';
import { renderExactTime, renderTime } from '../parts/render-time.ts';
import { describeAbout } from './describe-about.ts';
import { renderReplayForm } from './render-replay-form.ts';
import { timeLineOf } from './time-line.ts';

/** One delivery. @param body when it was asked for */
export function renderDelivery(c: PageContext, delivery: DeliveryDetail, body?: DeliveryBody, notice?: string): Html {
  const { event, about } = delivery;
  const what = describeAbout(about);
  return html`<h1>${event}${what === '' ? '' : html` <span class="muted">${what}</span>`}</h1>
${notice === undefined ? '' : html`<p class="notice" role="status">${notice}</p>`}
${renderProgress(delivery)}
${mayOperate(c) ? renderReplayForm(c, delivery) : ''}
<h2>Notification</h2>
${renderWhat(delivery)}
<h2>Headers</h2>
${renderHeaders(delivery)}
<h2>Body</h2>
<div id="body">${body === undefined ? renderBodyButton(c, delivery) : renderBody(body)}</div>`;
}

/** State and time line: while it is under way, this part refreshes itself. */
export function renderProgress(delivery: DeliveryDetail): Html {
  const { app, consumer, notificationId: id, state, nextAttemptAt } = delivery;
  const isUnderWay = state !== 'delivered' && state !== 'dead';
  const path = `${pathOfDelivery({ app, consumer, id })}/progress`;
  const poll = isUnderWay ? html` hx-get="${path}" hx-trigger="every 2s" hx-swap="outerHTML"` : '';
  return html`<div id="progress"${poll}>
<p class="lead">To <a id="to-consumer" href="${pathOfDeliveries({ app, consumer })}">${consumer}</a> of app ${app}: ${renderDeliveryState(state)}${nextAttemptAt === undefined ? '' : html`, next attempt ${renderTime(nextAttemptAt)}`}</p>
<h2>What happened</h2>
<ol class="time-line">${timeLineOf(delivery).map(
    ({ at, mark, title, notes, answer }) => html`<li>
<span class="when">${renderExactTime(at)}</span>
<div>${renderMark(mark, html`<strong>${title}</strong>`)}${notes.length === 0 ? '' : html`<p class="muted">${notes.join(' · ')}</p>`}${answer === undefined ? '' : html`<pre>${answer}</pre>`}</div>
</li>`,
  )}</ol>
</div>`;
}

function renderWhat(delivery: DeliveryDetail): Html {
  const { app, consumer, notificationId, receivedAt, about, meetingUuid, requestId, sha256, bytes, lagMs } = delivery;
  return renderFacts({
    'Notification id': html`<code>${notificationId}</code>`,
    'SHA-256 of the body': sha256 && html`<code>${sha256}</code>`,
    'x-zm-request-id': requestId && html`<code>${requestId}</code>`,
    App: app,
    Consumer: consumer,
    Received: renderExactTime(receivedAt),
    'Lag behind the event': lagMs === undefined ? undefined : formatLag(lagMs),
    Size: bytes === undefined ? undefined : countOf(bytes, 'byte', 'bytes'),
    Meeting: about.meetingId && html`<code>${about.meetingId}</code>`,
    'Meeting UUID': meetingUuid && html`<code>${meetingUuid}</code>`,
    User: about.userId && html`<code>${about.userId}</code>`,
    'E-mail': about.email && html`<code>${about.email}</code>`,
    Account: about.accountId && html`<code>${about.accountId}</code>`,
  });
}

function formatLag(lagMs: number): string {
  return lagMs < 0 ? `none: Zoom’s clock is ${formatLatency(-lagMs)} ahead` : formatLatency(lagMs);
}

function renderHeaders({ headers, bytes }: DeliveryDetail): Html {
  const given = Object.entries(headers);
  if (given.length > 0) {
    return renderFacts(Object.fromEntries(given.map(([name, value]) => [name, html`<code>${value}</code>`])));
  }
  return html`<p class="muted">${bytes === undefined ? 'This delivery cannot be read: another release wrote it.' : 'None were kept.'}</p>`;
}

function renderBodyButton(c: PageContext, { app, consumer, notificationId: id, bytes }: DeliveryDetail): Html | string {
  if (bytes === undefined) return html`<p class="muted">It cannot be read.</p>`;
  const path = `${pathOfDelivery({ app, consumer, id })}/body`;
  return html`<form method="post" action="${path}" hx-post="${path}" hx-target="#body">${csrfField(c)}
<p class="buttons"><button type="submit">Show the body</button> <span class="muted">${countOf(bytes, 'byte', 'bytes')}. That you looked is noted in the audit. Passcodes and tokens are masked.</span></p>
</form>`;
}

/** A stranger's text, shown as it is. */
export function renderBody({ text, base64, masked }: DeliveryBody): Html {
  const note = masked === 0 ? '' : html`<p class="muted">${countOf(masked, 'value is', 'values are')} masked.</p>`;
  if (text !== undefined) return html`${note}<pre id="body-text" tabindex="0" aria-label="Body">${text}</pre>`;
  return html`<p class="muted">It is not UTF-8 text: in base64, ${formatCount(base64?.length ?? 0)} characters.</p><pre id="body-text" tabindex="0" aria-label="Body, base64">${base64 ?? ''}</pre>`;
}
