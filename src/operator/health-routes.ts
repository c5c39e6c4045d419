import { Hono } from 'hono';
import { errorResponse } from '../http-error.ts';

export type Health =
  | { readonly ready: true }
  | { readonly ready: false; readonly reason: string; readonly isStopping?: true };

/**
 * `GET /healthz`: the process runs. `GET /readyz`: it would take a notification, or work on one, now.
 *
 * @param tellReason whether `/readyz` says why not: on the private listener only, it may name hosts
 */
export function createHealthRoutes(health: () => Health, tellReason: boolean): Hono {
  const routes = new Hono();
  routes.get('/healthz', (c) => c.json({ status: 'alive' }));
  routes.get('/readyz', (c) => {
    const now = health();
    if (now.ready) return c.json({ status: 'ready' });
    const code = now.isStopping ? 'shutting_down' : 'store_unavailable';
    return errorResponse(c, code, tellReason ? now.reason : 'not ready');
  });
  return routes;
}
