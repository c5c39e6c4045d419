import { html } from 'hono/html';
import { csrfField } from '../parts/csrf-field.ts';
import type { Html } from '../parts/html.ts';
import type { PageContext } from '../parts/page-context.ts';
import type { LinkField, ReadLinkForm } from './read-link-form.ts';

/** For a link to somebody who has not connected yet. @param apps those that people can connect to */
export function renderLinkForm(c: PageContext, form: ReadLinkForm, apps: readonly string[]): Html {
  return html`<form class="act" id="new-link" method="post" action="/connections/links">${csrfField(c)}
${renderApp(form, apps)}
${renderInput(form, 'user', html`Person <span class="muted">(your own name for them: an e-mail, an id)</span>`, html` required maxlength="200"`)}
${renderInput(form, 'returnTo', html`Return to <span class="muted">(a URL, where they go afterwards; a plain page without)</span>`, html` inputmode="url" maxlength="1000"`)}
${renderInput(form, 'expiresIn', html`Good for <span class="muted">(1m to 30d)</span>`, html` class="short" required`, '24h')}
${renderInput(form, 'reason', html`Reason <span class="muted">(kept in the audit)</span>`, html` maxlength="500"`)}
<p class="buttons"><button type="submit">Make the link</button></p>
</form>`;
}

function renderApp({ given, problems }: ReadLinkForm, apps: readonly string[]): Html {
  const [only] = apps;
  if (apps.length === 1 && problems.app === undefined) return html`<input type="hidden" name="app" value="${only}">`;
  return html`<div class="field"><label for="link-app">App</label><select id="link-app" name="app"${invalid(problems.app, 'app')}>${apps.map((app) => html`<option value="${app}"${app === given.app ? html` selected` : ''}>${app}</option>`)}</select>${problem(problems.app, 'app')}</div>`;
}

function renderInput(
  { given, problems }: ReadLinkForm,
  name: LinkField,
  label: Html,
  attributes: Html,
  initial = '',
): Html {
  return html`<div class="field"><label for="link-${name}">${label}</label><input id="link-${name}" name="${name}" value="${given[name] ?? initial}" autocomplete="off" spellcheck="false"${attributes}${invalid(problems[name], name)}>${problem(problems[name], name)}</div>`;
}

function invalid(text: string | undefined, name: LinkField): Html | string {
  return text === undefined ? '' : html` aria-invalid="true" aria-describedby="problem-${name}"`;
}

function problem(text: string | undefined, name: LinkField): Html | string {
  return text === undefined ? '' : html`<p class="problem" id="problem-${name}">✗ ${text}</p>`;
}
