import { html } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';

/** Of the log-in page: no scripts, nothing from elsewhere, in no frame. Its form must tell its origin. */
export const loginPageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cache-control': 'no-store',
};

/**
 * The form that starts a session.
 *
 * @param next where to go then
 * @param problem why it is shown again
 */
export function renderLoginPage(next: string, problem?: string): HtmlEscapedString | Promise<HtmlEscapedString> {
  const described = problem === undefined ? '' : html` aria-invalid="true" aria-describedby="problem"`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in · zoom-relay</title>
<link rel="stylesheet" href="/assets/dashboard.css">
</head>
<body class="login">
<main>
<h1>zoom-relay</h1>
${problem === undefined ? '' : html`<p id="problem" class="problem" role="alert">${problem}</p>`}
<form method="post" action="/login">
<input type="hidden" name="next" value="${next}">
<p><label for="token">Operator token</label></p>
<p><input id="token" name="token" type="password" required autofocus autocomplete="current-password" spellcheck="false"${described}></p>
<p><button type="submit">Log in</button></p>
</form>
</main>
</body>
</html>
`;
}
