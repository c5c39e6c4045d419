import { Hono } from 'hono';
import { type SSEStreamingApi, streamSSE } from 'hono/streaming';
import { RelayError } from '../../../errors.ts';
import type { AccessEnv } from '../../access/identity.ts';
import type { DeliveryRow } from '../../schemas.ts';
import { deliveryColumns, deliveryTableRow } from '../deliveries/delivery-row.ts';
import { pageHeaders } from '../page-headers.ts';
import type { PageSender } from '../page-sender.ts';
import { renderTableRow } from '../parts/render-table.ts';
import type { DashboardParts } from '../ports.ts';
import { readQuery } from '../read-form.ts';
import { PendingRows } from './pending-rows.ts';
import { renderLive } from './render-live.ts';

const shown = 50;
/** Tells the page that the connection lives though nothing comes, milliseconds. */
const stillHereMs = 10_000;
/** The browser connects again by itself then, and is asked again who it is, milliseconds. */
const longestMs = 10 * 60_000;

/** The tail: `GET /live`, and `GET /live/events`, which sends it rows as they come and change. */
export function createLiveRoutes(parts: DashboardParts, send: PageSender): Hono<AccessEnv> {
  const { service, tail, stopping, nowMs } = parts;
  const routes = new Hono<AccessEnv>();
  const hasSeveralApps = new Set(service.consumerNames.map(({ app }) => app)).size > 1;

  routes.get('/live', async (c) => {
    const { app } = readQuery(c);
    const { deliveries } = await service.listDeliveries({ app }, { limit: shown });
    const content = renderLive({ deliveries, app, hasSeveralApps, nowMs: nowMs() });
    return send.page(c, { title: 'Live', section: 'live', app, content, scripts: ['live'] });
  });

  routes.get('/live/events', async (c) => {
    const { app } = readQuery(c);
    const rows = new PendingRows();
    const isMeant = (row: DeliveryRow): boolean => (app ?? row.app) === row.app;
    const end = tail.listen((row) => {
      if (isMeant(row)) rows.add(row);
    });
    if (end === undefined) throw new RelayError('overloaded', 'too many watch already: 20 at most');
    try {
      // What came between the page and now.
      const { deliveries } = await service.listDeliveries({ app }, { limit: shown });
      for (const row of deliveries.toReversed()) rows.addOlder(row);
    } catch (error) {
      end();
      throw error;
    }
    for (const [name, value] of Object.entries(pageHeaders)) c.header(name, value);
    return streamSSE(c, async (stream) => {
      const ending = AbortSignal.any([stopping, AbortSignal.timeout(longestMs)]);
      stream.onAbort(() => rows.close());
      ending.addEventListener('abort', () => rows.close());
      if (ending.aborted) rows.close();
      await sendRows(stream, rows);
      end();
    });
  });

  async function sendRows(stream: SSEStreamingApi, rows: PendingRows): Promise<void> {
    while (!rows.isClosed) {
      for (const row of rows.take()) {
        const cells = deliveryTableRow(row, hasSeveralApps, nowMs());
        const data = String(await renderTableRow(deliveryColumns(hasSeveralApps), cells)).trim();
        await stream.writeSSE({ event: 'row', data });
      }
      await stream.writeSSE({ event: 'here', data: new Date(nowMs()).toISOString() });
      await rows.waitForMore(stillHereMs);
    }
  }

  return routes;
}
