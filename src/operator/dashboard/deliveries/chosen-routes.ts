import { Hono } from 'hono';
import type { AccessEnv } from '../../access/identity.ts';
import type { PageSender } from '../page-sender.ts';
import type { DashboardParts } from '../ports.ts';
import { requireOperator } from '../require-operator.ts';
import { readChosen } from './read-chosen.ts';
import { renderChosen, renderReplayed } from './render-chosen.ts';
import { readChosenDeliveries, replayChosen } from './replay-chosen.ts';

/** Deliveries ticked in the list: the plan, and the replay of each. */
export function createChosenRoutes({ service, nowMs }: DashboardParts, send: PageSender): Hono<AccessEnv> {
  const routes = new Hono<AccessEnv>();
  const page = { title: 'Replay', section: 'deliveries' } as const;

  // Asking for the plan changes nothing; it is a POST because so many ids make a long address.
  routes.post('/deliveries/chosen', requireOperator, async (c) => {
    const chosen = await readChosen(c, service);
    const deliveries = await readChosenDeliveries(service, chosen.names);
    const hasSeveralApps = new Set(service.consumerNames.map(({ app }) => app)).size > 1;
    return send.page(c, { ...page, content: renderChosen(c, chosen, deliveries, hasSeveralApps, nowMs()) });
  });

  routes.post('/deliveries/replay', requireOperator, async (c) => {
    const chosen = await readChosen(c, service);
    const replayed = await replayChosen(service, chosen.names, chosen.wish, c.get('identity').name);
    const status = replayed.failure === undefined ? 200 : 503;
    return send.page(c, { ...page, content: renderReplayed(chosen, replayed) }, status);
  });

  return routes;
}
