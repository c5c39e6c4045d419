import { html } from 'hono/html';
import type { Html } from './html.ts';

/** In place of a list that is empty: what will appear, and how to make it appear. */
export function renderEmpty(what: Html | string): Html {
  return html`<p class="empty">${what}</p>`;
}
