import { Hono } from 'hono';
import { RelayError } from '../../errors.ts';
import { errorResponse } from '../../http-error.ts';
import type { AccessEnv } from '../access/identity.ts';
import { createAppRoutes } from './apps/app-routes.ts';
import { createAuditRoutes } from './audit/audit-routes.ts';
import { createConnectionRoutes } from './connections/connection-routes.ts';
import { createChosenRoutes } from './deliveries/chosen-routes.ts';
import { createDeliveryRoutes } from './deliveries/delivery-routes.ts';
import { describeError } from './describe-error.ts';
import { createLiveRoutes } from './live/live-routes.ts';
import { createOverviewRoutes } from './overview/overview-routes.ts';
import { createPageSender } from './page-sender.ts';
import type { DashboardParts } from './ports.ts';
import { type Assets, readAssets } from './read-assets.ts';
import { renderError } from './render-error.ts';
import { createReplayRoutes } from './replays/replay-routes.ts';

/**
 * The dashboard's pages. Comes behind `authenticate`; the assets they link to are served by `createAssetRoutes`.
 * Expected errors are pages too, with the status that the API gives them; others are thrown on.
 */
export function createDashboardRoutes(parts: DashboardParts, assets: Assets = readAssets()): Hono<AccessEnv> {
  const send = createPageSender(parts, assets);
  const routes = new Hono<AccessEnv>();
  for (const create of [
    createOverviewRoutes,
    createDeliveryRoutes,
    createChosenRoutes,
    createReplayRoutes,
    createLiveRoutes,
    createAppRoutes,
    createConnectionRoutes,
    createAuditRoutes,
  ]) {
    routes.route('/', create(parts, send));
  }
  routes.onError((error, c) => {
    if (!(error instanceof RelayError)) throw error;
    const { status } = errorResponse(c, error.code, error.message);
    const words = describeError(error.code, error.message);
    return send.page(c, { title: words.title, content: renderError(words, error.code) }, status);
  });
  return routes;
}
