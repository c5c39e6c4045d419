import { html } from 'hono/html';
import type { Html } from './html.ts';

/** Names and values; those without a value are left out. */
export function renderFacts(facts: Readonly<Record<string, Html | string | number | undefined>>): Html {
  const given = Object.entries(facts).filter(([, value]) => value !== undefined);
  return html`<dl class="facts">${given.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}
