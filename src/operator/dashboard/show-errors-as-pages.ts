import type { MiddlewareHandler } from 'hono';
import { html } from 'hono/html';
import { errorBody } from '../schemas.ts';
import { describeError } from './describe-error.ts';
import { pageHeaders } from './page-headers.ts';
import type { Html } from './parts/html.ts';
import { type Assets, readAssets, urlOfAsset } from './read-assets.ts';
import { renderError } from './render-error.ts';

/**
 * Turns what others answer to browsers as `{"error": …}` (the store is away before anybody is identified, a form too
 * old, no such path) into pages. Belongs in front of `authenticate`; the operator API is left alone.
 */
export function showErrorsAsPages(assets: Assets = readAssets()): MiddlewareHandler {
  return async (c, next) => {
    await next();
    const isJson = c.res.headers.get('content-type')?.startsWith('application/json') ?? false;
    const isBrowser = (c.req.header('accept') ?? '').includes('text/html') && !c.req.path.startsWith('/api/');
    if (c.res.status < 400 || !isJson || !isBrowser) return;
    const parsed = errorBody.safeParse(await c.res.clone().json());
    if (!parsed.success) return;
    const { code, message } = parsed.data.error;
    const page = renderBare(assets, renderError(describeError(code, message), code));
    const headers = { ...pageHeaders, 'content-type': 'text/html; charset=utf-8' };
    c.res = new Response(String(await page), { status: c.res.status, headers });
  };
}

/** Nobody is identified: without menu. */
function renderBare(assets: Assets, content: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>zoom-relay</title>
<link rel="icon" href="${urlOfAsset(assets, 'icon.svg')}">
<link rel="stylesheet" href="${urlOfAsset(assets, 'dashboard.css')}">
</head>
<body>
<header><div class="bar"><a class="brand" href="/">zoom-relay</a></div></header>
<main>${content}</main>
</body>
</html>
`;
}
