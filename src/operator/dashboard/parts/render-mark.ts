import { html } from 'hono/html';
import type { Html } from './html.ts';

/** How something is. The word tells it; shape and colour repeat it. */
export type Mark = 'good' | 'idle' | 'warning' | 'bad';

const signs: Readonly<Record<Mark, string>> = { good: '●', idle: '○', warning: '▲', bad: '✗' };

export function renderMark(mark: Mark, words: Html | string): Html {
  return html`<span class="mark ${mark}"><span class="sign" aria-hidden="true">${signs[mark]}</span>&nbsp;${words}</span>`;
}
