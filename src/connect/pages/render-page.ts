import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';

const style = `
:root { color-scheme: light dark; --text: #1d2329; --quiet: #55606b; --line: #d5dae0; --accent: #0b57d0; --back: #fff; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9ec; --quiet: #a3adb8; --line: #3a424b; --accent: #8ab4f8; --back: #14181c; } }
body { margin: 0; background: var(--back); color: var(--text); font: 1rem/1.6 system-ui, sans-serif; }
main { max-width: 34rem; margin: 15vh auto 2rem; padding: 0 1.25rem; }
h1 { font-size: 1.5rem; line-height: 1.3; margin: 0 0 .75rem; }
p { margin: 0 0 1rem; }
.said { border-left: 3px solid var(--line); padding-left: .9rem; color: var(--quiet); overflow-wrap: anywhere; }
a { color: var(--accent); }
a.action { display: inline-block; padding: .5rem 1rem; border: 1px solid currentColor; border-radius: .4rem; text-decoration: none; }
a:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
.code { color: var(--quiet); font-size: .875rem; }
`;

/** Of every page for people: nothing from elsewhere, in no frame, kept by no cache. */
export const pageHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

/** What a person is told. */
export interface Page {
  readonly title: string;
  readonly text: string;
  /** What Zoom or Recall said, in their own words. */
  readonly said?: string | undefined;
  /** For whoever the person asks for help. */
  readonly code?: string | undefined;
  readonly action?: { readonly label: string; readonly href: string } | undefined;
}

export function renderPage({ title, text, said, code, action }: Page): HtmlEscapedString | Promise<HtmlEscapedString> {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="robots" content="noindex" />
    <title>${title}</title>
    <style>${raw(style)}</style>
  </head>
  <body>
    <main>
      <h1>${title}</h1>
      <p>${text}</p>
      ${said === undefined ? '' : html`<p class="said">${said}</p>`}
      ${action === undefined ? '' : html`<p><a class="action" href="${action.href}">${action.label}</a></p>`}
      ${code === undefined ? '' : html`<p class="code">${code}</p>`}
    </main>
  </body>
</html>`;
}
