import { html } from 'hono/html';
import { formatSpan } from '../../alerts/format-span.ts';
import type { Html } from './html.ts';

/** `2026-11-18 10:02:11 UTC`, for people and machines. @param iso a time in UTC */
export function renderTime(iso: string): Html {
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`;
}

/** With milliseconds. */
export function renderExactTime(iso: string): Html {
  return html`<time datetime="${iso}">${iso.slice(0, 23).replace('T', ' ').replace('Z', '')} UTC</time>`;
}

/** `41 s`, how long ago a time was. */
export function renderAge(iso: string, nowMs: number): Html {
  return html`<time datetime="${iso}">${formatSpan(nowMs - Date.parse(iso))}</time>`;
}
