import { html } from 'hono/html';
import type { ErrorWords } from './describe-error.ts';
import type { Html } from './parts/html.ts';

const ways: Readonly<Record<string, string>> = {
  '/': 'Overview',
  '/deliveries': 'Deliveries',
  '/replays': 'Replays',
};

/** @param code for whoever asks somebody else for help */
export function renderError({ title, happened, lost, next }: ErrorWords, code: string): Html {
  return html`<h1>${title}</h1>
<p>${happened}</p>
<p>${lost}</p>
<p>${next}</p>
<p class="ways">${Object.entries(ways).map(([path, name]) => html`<a href="${path}">${name}</a> `)}</p>
<p class="muted">Code: <code>${code}</code></p>`;
}
