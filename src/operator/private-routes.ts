import { Hono } from 'hono';
import { createHealthRoutes, type Health } from './health-routes.ts';
import type { Metrics } from './metrics.ts';

/** What the private listener serves without a token. */
export function createPrivateRoutes(health: () => Health, metrics: Metrics): Hono {
  const routes = new Hono();
  routes.route('/', createHealthRoutes(health, true));
  routes.get('/metrics', async (c) => {
    const { contentType, body } = await metrics.render();
    return c.body(body, 200, { 'content-type': contentType });
  });
  return routes;
}
