import { html } from 'hono/html';
import type { ConnectionView } from '../../connections/connection-schemas.ts';
import { csrfField } from '../parts/csrf-field.ts';
import type { Html } from '../parts/html.ts';
import type { PageContext } from '../parts/page-context.ts';
import { pathOfConnection } from '../parts/paths.ts';
import { renderMark } from '../parts/render-mark.ts';

export interface DisconnectForm {
  readonly reason: string;
  /** What Zoom and Recall did not do when it was tried, in a sentence each; empty before. */
  readonly leftBehind: readonly string[];
}

/** Asks whether a connection shall end; after a try that was not carried out, whether it shall be deleted all the same. */
export function renderDisconnect(c: PageContext, connection: ConnectionView, form: DisconnectForm): Html {
  const { id, user, app } = connection;
  const { reason, leftBehind } = form;
  return html`<h1>Disconnect ${user} <span class="muted">of app ${app}</span></h1>
${leftBehind.length === 0 ? html`<p>Access is revoked at Zoom, the credential deleted at Recall, and the connection with its tokens deleted here. Recall gets no tokens for this person’s meetings from then on, until they connect anew.</p>` : renderKept(leftBehind)}
<form class="act" method="post" action="${pathOfConnection(id)}/disconnect">${csrfField(c)}
<div class="field"><label for="disconnect-reason">Reason <span class="muted">(kept in the audit)</span></label><input id="disconnect-reason" name="reason" maxlength="500" autocomplete="off" value="${reason}"></div>
${leftBehind.length === 0 ? '' : html`<p><label class="check"><input type="checkbox" name="force" value="true"> Delete it here all the same</label></p>`}
<p class="buttons"><button type="submit">${leftBehind.length === 0 ? 'Disconnect' : 'Try again'}</button> <a href="${pathOfConnection(id)}">Back to the connection</a></p>
</form>`;
}

function renderKept(leftBehind: readonly string[]): Html {
  return html`<p class="lead" role="alert">${renderMark('warning', 'It is kept, so that it can be tried again:')}</p>
${renderLeftBehind(leftBehind)}
<p>Deleted here all the same, these stay as they are, and the relay does not know of them any more.</p>`;
}

/** The connection is gone here, and this is not. */
export function renderGone({ user }: ConnectionView, leftBehind: readonly string[]): Html {
  return html`<h1>${user} is disconnected here</h1>
<p>Left behind, to be done by hand at Zoom or Recall:</p>
${renderLeftBehind(leftBehind)}
<p><a href="/connections">Connections</a></p>`;
}

function renderLeftBehind(leftBehind: readonly string[]): Html {
  return html`<ul>${leftBehind.map((what) => html`<li>${what}</li>`)}</ul>`;
}
