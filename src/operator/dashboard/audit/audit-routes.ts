import { Hono } from 'hono';
import type { AccessEnv } from '../../access/identity.ts';
import type { PageSender } from '../page-sender.ts';
import type { DashboardParts } from '../ports.ts';
import { readQuery } from '../read-form.ts';
import { renderAudit } from './render-audit.ts';

const pageSize = 50;

export function createAuditRoutes({ service }: DashboardParts, send: PageSender): Hono<AccessEnv> {
  const routes = new Hono<AccessEnv>();
  routes.get('/audit', async (c) => {
    const { before, target } = readQuery(c);
    const page = await service.listAudit({ before, limit: pageSize, target });
    return send.page(c, { title: 'Audit', section: 'audit', content: renderAudit(page, target, before === undefined) });
  });
  return routes;
}
