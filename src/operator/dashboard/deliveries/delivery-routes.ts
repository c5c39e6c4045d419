import { Hono } from 'hono';
import { RelayError } from '../../../errors.ts';
import type { AccessEnv } from '../../access/identity.ts';
import { notificationId, replayOneInput } from '../../schemas.ts';
import type { DeliveryName } from '../../service.ts';
import type { PageSender } from '../page-sender.ts';
import { asksForPart, mayOperate, type PageContext } from '../parts/page-context.ts';
import { pathOfDelivery, withQuery } from '../parts/paths.ts';
import type { DashboardParts } from '../ports.ts';
import { readForm, readQuery } from '../read-form.ts';
import { requireOperator } from '../require-operator.ts';
import { describeReplayResult } from './describe-replay-result.ts';
import { readFilter } from './read-filter.ts';
import { renderDeliveries } from './render-deliveries.ts';
import { renderBody, renderDelivery, renderProgress } from './render-delivery.ts';

const pageSize = 50;
const path = '/deliveries/:app/:consumer/:id';

/** The list of deliveries, and each of them. */
export function createDeliveryRoutes({ service, nowMs }: DashboardParts, send: PageSender): Hono<AccessEnv> {
  const routes = new Hono<AccessEnv>();

  routes.get('/deliveries', async (c) => {
    const { cursor, ...query } = readQuery(c);
    const read = readFilter(query);
    const isValid = Object.keys(read.problems).length === 0;
    const list = isValid ? await service.listDeliveries(read.filter, { cursor, limit: pageSize }) : undefined;
    const view = { read, cursor, names: service.consumerNames, mayOperate: mayOperate(c), nowMs: nowMs() };
    const content = renderDeliveries(c, { ...view, ...(list && { list }) });
    const { app } = read.filter;
    return send.page(c, { title: 'Deliveries', section: 'deliveries', app, content }, isValid ? 200 : 400);
  });

  routes.get(path, async (c) => {
    const delivery = await service.readDelivery(nameOf(c));
    const content = renderDelivery(c, delivery, undefined, describeReplayResult(c.req.query('done')));
    return send.page(c, { title: delivery.event, section: 'deliveries', content });
  });

  routes.get(`${path}/progress`, async (c) => {
    return send.part(renderProgress(await service.readDelivery(nameOf(c))));
  });

  // Looking is a POST because it leaves a trace: no link, prefetch or reload looks by itself.
  routes.post(`${path}/body`, async (c) => {
    const name = nameOf(c);
    const body = await service.readBody(name, c.get('identity').name);
    if (asksForPart(c)) return send.part(renderBody(body));
    const delivery = await service.readDelivery(name);
    return send.page(c, { title: delivery.event, section: 'deliveries', content: renderDelivery(c, delivery, body) });
  });

  routes.post(`${path}/replay`, requireOperator, async (c) => {
    const name = nameOf(c);
    const { reason, resign, force } = await readForm(c);
    const wish = replayOneInput.safeParse({ reason, resign: resign === 'true', force: force === 'true' });
    if (!wish.success) throw new RelayError('input_invalid', 'the reason must have at most 500 characters');
    const result = await service.replayOne(name, wish.data, c.get('identity').name);
    return c.redirect(withQuery(pathOfDelivery(name), { done: result }), 303);
  });

  function nameOf(c: PageContext): DeliveryName {
    const { app = '', consumer = '', id } = c.req.param();
    const parsed = notificationId.safeParse(id);
    if (!parsed.success) throw new RelayError('delivery_unknown', 'no delivery has an id like this');
    return { ...service.nameOf(app, consumer), id: parsed.data };
  }

  return routes;
}
