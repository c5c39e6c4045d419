import { html } from 'hono/html';
import type { ConnectionView } from '../../connections/connection-schemas.ts';
import { csrfField } from '../parts/csrf-field.ts';
import type { Html } from '../parts/html.ts';
import { mayOperate, type PageContext } from '../parts/page-context.ts';
import { pathOfConnection, withQuery } from '../parts/paths.ts';
import { renderFacts } from '../parts/render-facts.ts';
import { renderTime } from '../parts/render-time.ts';
import { describeRemedy, renderConnectionState } from './render-connection-state.ts';

/** One connection: how it is and why, what can be done about it, and what is known. */
export function renderConnection(c: PageContext, connection: ConnectionView, notice?: string): Html {
  const { user, app, detail } = connection;
  const remedy = describeRemedy(connection);
  return html`<h1>${user} <span class="muted">of app ${app}</span></h1>
${notice === undefined ? '' : html`<p class="notice" role="status">${notice}</p>`}
<p class="lead">${renderConnectionState(connection)}${detail === undefined ? '' : html`: ${detail}`}</p>
${remedy === '' ? '' : html`<p>${remedy}</p>`}
${mayOperate(c) ? renderButtons(c, connection) : ''}
<h2>Connection</h2>
${renderWhat(connection)}`;
}

function renderButtons(c: PageContext, { id }: ConnectionView): Html {
  const path = pathOfConnection(id);
  const button = (action: string, title: string): Html => {
    return html`<form method="post" action="${path}/${action}">${csrfField(c)}<button type="submit">${title}</button></form>`;
  };
  return html`<div class="buttons">${button('link', 'Make reconnect link')} ${button('sync', 'Sync meetings')} <a class="button" href="${path}/disconnect">Disconnect…</a></div>`;
}

const modes = {
  'recall-managed': 'Recall keeps the tokens',
  'customer-managed': 'this relay keeps the tokens',
} as const;

function renderWhat(connection: ConnectionView): Html {
  const { id, app, mode, email, zoomUserId, zoomAccountId, credentialId, scopes } = connection;
  const { connectedAt, refreshedAt, checkedAt } = connection;
  return renderFacts({
    'Connection id': html`<code>${id}</code>`,
    App: app,
    Mode: html`${mode}: ${modes[mode]}`,
    'E-mail at Zoom': email && html`<code>${email}</code>`,
    'Zoom user': zoomUserId && html`<code>${zoomUserId}</code>`,
    'Zoom account': zoomAccountId && html`<code>${zoomAccountId}</code>`,
    'Recall credential': credentialId === undefined ? 'none yet' : html`<code>${credentialId}</code>`,
    'Scopes granted': scopes?.join(', '),
    Consented: renderTime(connectedAt),
    'Tokens replaced': refreshedAt && renderTime(refreshedAt),
    'Recall was asked': checkedAt && renderTime(checkedAt),
    'URLs for bots': html`<code>zoom-relay connections bot-urls ${id}</code> prints them: they hold a secret`,
    Audit: html`<a href="${withQuery('/audit', { target: `connection:${id}` })}">what operators did with it</a>`,
  });
}
