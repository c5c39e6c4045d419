import { Hono } from 'hono';
import { html } from 'hono/html';
import type { AccessEnv } from '../../access/identity.ts';
import type { PageSender } from '../page-sender.ts';
import { asksForPart, type PageContext } from '../parts/page-context.ts';
import { withQuery } from '../parts/paths.ts';
import type { DashboardParts, HistoryRange } from '../ports.ts';
import { readForm, readQuery } from '../read-form.ts';
import { requireOperator } from '../require-operator.ts';
import { type Now, readNow } from './read-now.ts';
import { type Measured, renderFigures, renderHistory } from './render-history.ts';
import { renderNow } from './render-now.ts';

/** `GET /`, the parts of it that refresh themselves, and the buttons that hold a consumer. */
export function createOverviewRoutes(parts: DashboardParts, send: PageSender): Hono<AccessEnv> {
  const { service } = parts;
  const routes = new Hono<AccessEnv>();

  routes.get('/', async (c) => {
    const { app, range } = readQuery(c);
    const now = await readNow(parts, app);
    const measured = await measure(now, rangeOf(range));
    const content = html`<div id="now" hx-get="${withQuery('/overview/now', { app })}" hx-trigger="every 5s" hx-sync="this:drop">${renderNow(c, now)}</div>
${renderHistory(measured)}`;
    return send.page(c, { title: 'Overview', section: 'overview', app, content, scripts: ['charts'] });
  });

  routes.get('/overview/now', async (c) => send.part(renderNow(c, await readNow(parts, readQuery(c).app))));

  routes.get('/overview/history', async (c) => {
    const { app, range } = readQuery(c);
    const incidents = await parts.readIncidents();
    return send.part(renderFigures(await measure({ app, incidents }, rangeOf(range))));
  });

  for (const action of ['pause', 'resume'] as const) {
    routes.post(`/consumers/:app/:consumer/${action}`, requireOperator, async (c) => {
      const name = service.nameOf(c.req.param('app'), c.req.param('consumer'));
      await service[action](name, c.get('identity').name);
      return showAgain(c);
    });
  }

  async function showAgain(c: PageContext): Promise<Response> {
    const { shown } = await readForm(c);
    if (asksForPart(c)) return send.part(renderNow(c, await readNow(parts, shown)));
    return c.redirect(withQuery('/', { app: shown }), 303);
  }

  async function measure({ app, incidents }: Pick<Now, 'app' | 'incidents'>, range: HistoryRange): Promise<Measured> {
    const all = service.consumerNames;
    return {
      history: await parts.readHistory(range),
      incidents,
      range,
      consumers: all.filter((name) => (app ?? name.app) === name.app),
      hasSeveralApps: new Set(all.map((name) => name.app)).size > 1,
      app,
      nowMs: parts.nowMs(),
    };
  }

  return routes;
}

function rangeOf(text: string | undefined): HistoryRange {
  return text === 'day' ? 'day' : 'hour';
}
