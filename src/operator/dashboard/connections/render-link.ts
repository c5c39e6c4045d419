import { html } from 'hono/html';
import type { Html } from '../parts/html.ts';
import { renderTime } from '../parts/render-time.ts';

export interface MadeLink {
  /** For whom. */
  readonly user: string;
  readonly url: URL;
  readonly expiresAtMs: number;
}

/** A link that was made just now. @param back where the page leads then */
export function renderLink({ user, url, expiresAtMs }: MadeLink, back: string): Html {
  return html`<h1>A link for ${user}</h1>
<p>Send it to that person only, over a private channel: whoever opens it can connect their Zoom in this name, more than once, until ${renderTime(new Date(expiresAtMs).toISOString())}.</p>
<div class="field"><label for="link-url">Link <span class="muted">(shown this once: it is kept nowhere)</span></label>
<textarea id="link-url" rows="6" readonly spellcheck="false">${url.href}</textarea></div>
<p class="buttons"><button type="button" data-copies="link-url" hidden>Copy the link</button> <a href="${back}">Back</a></p>`;
}
