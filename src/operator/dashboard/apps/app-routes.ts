import { Hono } from 'hono';
import type { AccessEnv } from '../../access/identity.ts';
import type { PageSender } from '../page-sender.ts';
import type { DashboardParts } from '../ports.ts';
import { renderApps } from './render-apps.ts';

export function createAppRoutes({ service, nowMs }: DashboardParts, send: PageSender): Hono<AccessEnv> {
  const routes = new Hono<AccessEnv>();
  routes.get('/apps', async (c) => {
    const content = renderApps(await service.readApps(), nowMs());
    return send.page(c, { title: 'Apps', section: 'apps', content });
  });
  return routes;
}
