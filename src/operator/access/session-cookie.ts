import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';

const name = 'zoom_relay_session';
const always = { path: '/', httpOnly: true, sameSite: 'Strict' } as const;

export function readSessionCookie(c: Context): string | undefined {
  return getCookie(c, name);
}

/** Ends with the browser; the server ends it sooner. */
export function setSessionCookie(c: Context, id: string): void {
  setCookie(c, name, id, { ...always, secure: isOverTls(c) });
}

export function clearSessionCookie(c: Context): void {
  deleteCookie(c, name, { ...always, secure: isOverTls(c) });
}

/**
 * By the connection itself, or, behind a proxy that ends TLS, by the origin that the browser says the form is from.
 * X-Forwarded-Proto is whatever the sender likes.
 */
function isOverTls(c: Context): boolean {
  return c.req.url.startsWith('https:') || c.req.header('origin')?.startsWith('https:') === true;
}
