import { html } from 'hono/html';
import type { Authorization } from './authorization.ts';
import type { ZoomUserRegistration } from './registrations.ts';

type Html = ReturnType<typeof html>;

/** No scripts and nothing from elsewhere. No `form-action`: it would also hold for where the answer redirects to. */
export const consentPageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
  'cache-control': 'no-store',
};

const style =
  'body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}' +
  'button,select{font:inherit;padding:.4rem 1rem;margin-right:.5rem}';

/** Asks for consent. `fields` come back with the form as they are. */
export function renderConsentPage(
  { app, redirectUri }: Authorization,
  users: readonly ZoomUserRegistration[],
  fields: readonly (readonly [string, string])[],
): Html {
  return renderPage(
    'Allow access to your Zoom account?',
    html`<p><strong>${app.clientId}</strong> asks to:</p>
<ul>${app.scopes.map((scope) => html`<li>${scope}</li>`)}</ul>
<p>You will be sent to ${redirectUri}</p>
<form method="post" action="/oauth/authorize/decision">
${fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<p><label for="user">Signed in as</label>
<select id="user" name="user_id">${users.map(({ id, email }) => html`<option value="${id}">${email}</option>`)}</select></p>
<p><button name="decision" value="allow">Allow</button><button name="decision" value="decline">Decline</button></p>
</form>`,
  );
}

export function renderRefusalPage(message: string): Html {
  return renderPage('Something is wrong', html`<p role="alert">${message}</p>`);
}

function renderPage(title: string, content: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Zoom stand-in</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`;
}
