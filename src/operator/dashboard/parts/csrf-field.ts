import { html } from 'hono/html';
import type { Html } from './html.ts';
import type { PageContext } from './page-context.ts';

/** Belongs into every form that is posted. */
export function csrfField(c: PageContext): Html {
  return html`<input type="hidden" name="csrf" value="${c.get('csrfToken')}">`;
}
