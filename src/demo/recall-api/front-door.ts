import { type Context, Hono, type MiddlewareHandler } from 'hono';
import type { Endpoint } from './endpoint.ts';
import { createIdempotency } from './idempotency.ts';
import type { RecallApiSettings } from './settings.ts';
import { createThrottle } from './throttle.ts';

export interface FrontDoor {
  readonly apiKey: string;
  readonly settings: RecallApiSettings;
  readonly nowMs: () => number;
}

/**
 * What each request passes before it is answered, in the order of Django REST framework: the path (a missing slash is a
 * redirect, which drops the body of a POST), the key, the limit, the method.
 */
export function createFrontDoor({ apiKey, settings, nowMs }: FrontDoor, endpoints: readonly Endpoint[]): Hono {
  const routes = new Hono();
  const throttle = createThrottle(nowMs);
  const idempotent = createIdempotency(nowMs);
  const patterns = [...new Set(endpoints.map(({ path }) => path))].map((path) => {
    return { path, pattern: new RegExp(`^${path.replaceAll(':id', '[0-9a-fA-F-]{36}')}$`) };
  });
  const isKnown = (path: string) => patterns.some(({ pattern }) => pattern.test(path));

  const limited =
    ({ method, path, limit }: Endpoint): MiddlewareHandler =>
    async (c, next) => {
      const perMinute = limit === 'lists' ? settings.listsPerMinute : settings.othersPerMinute;
      const waitSec = throttle.pass(`${method} ${path}`, perMinute);
      if (waitSec === 0) return next();
      const detail = `Request was throttled. Expected available in ${waitSec} seconds.`;
      return c.json({ detail }, 429, { 'retry-after': String(waitSec) });
    };

  routes.use(async (c, next) => {
    const { pathname, search } = new URL(c.req.url);
    if (isKnown(pathname)) return next();
    return isKnown(`${pathname}/`) ? c.redirect(`${pathname}/${search}`, 301) : c.json({ detail: 'Not found.' }, 404);
  });
  routes.use(async (c, next) => checkKey(c, apiKey) ?? next());
  for (const endpoint of endpoints) {
    routes.on(endpoint.method, endpoint.path, limited(endpoint), idempotent, endpoint.answer);
  }
  for (const { path } of patterns) {
    const allowed = endpoints.filter((endpoint) => endpoint.path === path).map(({ method }) => method);
    routes.all(path, (c) => {
      return c.json({ detail: `Method "${c.req.method}" not allowed.` }, 405, { allow: allowed.join(', ') });
    });
  }
  return routes;
}

/** `undefined` when the key is right. */
function checkKey(c: Context, apiKey: string): Response | undefined {
  const [scheme, key, ...rest] = (c.req.header('authorization') ?? '').split(' ');
  const given = scheme === 'Token' && key !== undefined && rest.length === 0;
  if (given && key === apiKey) return undefined;
  const detail = given ? 'Invalid token.' : 'Authentication credentials were not provided.';
  return c.json({ detail }, 401, { 'www-authenticate': 'Token' });
}
