import { getConnInfo } from '@hono/node-server/conninfo';
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { type ErrorCode, RelayError } from '../../errors.ts';
import { errorResponse } from '../../http-error.ts';
import { authenticate } from './authenticate.ts';
import type { Access } from './create-access.ts';
import type { AccessEnv } from './identity.ts';
import { isSameOrigin } from './is-same-origin.ts';
import { limitBody } from './limit-body.ts';
import { localPathOf } from './local-path.ts';
import { logIn } from './log-in.ts';
import { loginPageHeaders, renderLoginPage } from './login-page.ts';
import { clearSessionCookie, readSessionCookie, setSessionCookie } from './session-cookie.ts';

const maxFormBytes = 8192;

/** Logging in and out: `GET /login`, `POST /login`, `POST /logout`. */
export function createAccessRoutes(access: Access): Hono<AccessEnv> {
  const routes = new Hono<AccessEnv>();
  const limit = limitBody(maxFormBytes, 'the form');

  routes.get('/login', async (c) => {
    const next = localPathOf(c.req.query('next'));
    // While the store is away nobody is logged in, but the form can be shown.
    const session = await access.sessions.find(readSessionCookie(c)).catch(() => undefined);
    return session === undefined ? showForm(c, next, 200) : c.redirect(next, 303);
  });

  routes.post('/login', limit, async (c) => {
    if (!isSameOrigin((name) => c.req.header(name), true)) {
      return errorResponse(c, 'csrf_refused', 'log in by the form of this relay');
    }
    const { token, next: wanted } = await readForm(c);
    const next = localPathOf(wanted);
    const result = await logIn(access, token, addressOf(c));
    switch (result.kind) {
      case 'limited':
        c.header('retry-after', String(result.retryAfterSec));
        return refuse(c, next, 429, 'login_limited', `Too many have failed: try again in ${result.retryAfterSec} s.`);
      case 'refused':
        return refuse(c, next, 401, 'token_invalid', 'This is not an operator token of this relay.');
      case 'started':
        await access.sessions.end(readSessionCookie(c));
        setSessionCookie(c, result.sessionId);
        return c.redirect(next, 303);
    }
  });

  routes.post('/logout', limit, authenticate(access), async (c) => {
    const { name: who, via } = c.get('identity');
    if (via === 'session') await access.sessions.end(readSessionCookie(c));
    clearSessionCookie(c);
    const target = `address:${addressOf(c)}`;
    access.log.info({ event: 'operator_logout', who, address: addressOf(c) });
    await access.audit.note({ who, action: 'logout', target }).catch((error: unknown) => {
      access.log.warn({ event: 'audit_failed', action: 'logout', err: error });
    });
    return c.redirect('/login', 303);
  });

  routes.onError((error, c) => {
    if (!(error instanceof RelayError) || error.code !== 'store_unavailable') throw error;
    return errorResponse(c, error.code, 'the store is away; try again when /readyz says ready');
  });
  return routes;
}

/** A page for browsers, the usual error for others. */
function refuse(
  c: Context,
  next: string,
  status: 401 | 429,
  code: ErrorCode,
  message: string,
): Response | Promise<Response> {
  const isBrowser = (c.req.header('accept') ?? '').includes('text/html');
  return isBrowser ? showForm(c, next, status, message) : errorResponse(c, code, message);
}

async function showForm(c: Context, next: string, status: ContentfulStatusCode, problem?: string): Promise<Response> {
  return c.html(await renderLoginPage(next, problem), status, loginPageHeaders);
}

async function readForm(c: Context): Promise<{ readonly token: string; readonly next: string }> {
  if (!/^application\/x-www-form-urlencoded\b/i.test(c.req.header('content-type') ?? ''))
    return { token: '', next: '' };
  const { token, next } = await c.req.parseBody();
  const textOf = (value: unknown): string => (typeof value === 'string' ? value.trim() : '');
  return { token: textOf(token), next: textOf(next) };
}

/** Of whoever connected: behind a proxy, the proxy. X-Forwarded-For is whatever the sender likes. */
function addressOf(c: Context): string {
  return getConnInfo(c).remote.address ?? 'unknown';
}
