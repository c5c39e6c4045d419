import { timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { RelayError } from '../../errors.ts';
import { errorResponse } from '../../http-error.ts';
import type { Access } from './create-access.ts';
import type { AccessEnv } from './identity.ts';
import { isSameOrigin } from './is-same-origin.ts';
import { localPathOf } from './local-path.ts';
import { readSessionCookie } from './session-cookie.ts';
import type { Session } from './sessions.ts';

const safeMethods = ['GET', 'HEAD', 'OPTIONS'];

/**
 * Lets through who has a token or a session, and says who it is: `c.get('identity')`. A bearer token decides where both
 * are sent. By session, what changes something must come from a page of this server: with the session's CSRF token in
 * `x-csrf-token` or the form field `csrf`.
 */
export function authenticate(access: Pick<Access, 'findToken' | 'sessions'>): MiddlewareHandler<AccessEnv> {
  return async (c, next) => {
    const session = await identify(c, access);
    if (session instanceof Response) return session;
    if (session === undefined) return refuse(c);
    const { identity, csrfToken } = session;
    if (identity.via === 'session' && !safeMethods.includes(c.req.method) && !(await isOwnPage(c, csrfToken))) {
      return errorResponse(c, 'csrf_refused', 'not sent by a page of this relay: reload the page and try again');
    }
    c.set('identity', identity);
    c.set('csrfToken', csrfToken);
    return next();
  };
}

/** The store is asked for sessions only: bearer tokens are good also while it is away. */
async function identify(
  c: Context,
  { findToken, sessions }: Pick<Access, 'findToken' | 'sessions'>,
): Promise<Session | Response | undefined> {
  const [isBearer, given = ''] = /^Bearer(?:\s+(.*))?$/i.exec(c.req.header('authorization') ?? '') ?? [];
  if (isBearer !== undefined) {
    const token = findToken(given);
    return token && { identity: { name: token.name, role: token.role, via: 'token' }, csrfToken: '' };
  }
  try {
    return await sessions.find(readSessionCookie(c));
  } catch (error) {
    if (!(error instanceof RelayError) || error.code !== 'store_unavailable') throw error;
    return errorResponse(c, error.code, 'sessions are in the store, which is away; ask again when /readyz says ready');
  }
}

async function isOwnPage(c: Context, expected: string): Promise<boolean> {
  if (!isSameOrigin((name) => c.req.header(name), false)) return false;
  const given = Buffer.from(c.req.header('x-csrf-token') ?? (await readFormField(c)));
  const wanted = Buffer.from(expected);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function readFormField(c: Context): Promise<string> {
  if (!/^application\/x-www-form-urlencoded\b/i.test(c.req.header('content-type') ?? '')) return '';
  const { csrf } = await c.req.parseBody();
  return typeof csrf === 'string' ? csrf : '';
}

/** Browsers are led to the log-in form and from there back; htmx, which asks for parts of a page, takes the page along. */
function refuse(c: Context<AccessEnv>): Response {
  const isPage = !c.req.path.startsWith('/api/') && (c.req.header('accept') ?? '').includes('text/html');
  const isPartOfPage = c.req.header('hx-request') === 'true';
  const cameFrom = safeMethods.includes(c.req.method) ? c.req.url : '';
  if (isPage && !isPartOfPage) return c.redirect(loginPathFor(cameFrom), 303);
  if (isPartOfPage) c.header('hx-redirect', loginPathFor(c.req.header('hx-current-url') ?? ''));
  c.header('www-authenticate', 'Bearer');
  return errorResponse(c, 'token_invalid', 'Authorization: Bearer and an operator token are needed, or a session');
}

function loginPathFor(url: string): string {
  const { pathname, search } = URL.canParse(url) ? new URL(url) : { pathname: '/', search: '' };
  const next = localPathOf(`${pathname}${search}`);
  return next === '/' ? '/login' : `/login?next=${encodeURIComponent(next)}`;
}
