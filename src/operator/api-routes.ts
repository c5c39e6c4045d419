import { type Context, Hono } from 'hono';
import {
  type AppKey,
  type ConsumerKey,
  parseAppKey,
  parseConsumerKey,
  type QueueName,
  queueNameOf,
} from '../delivery/names.ts';
import { RelayError } from '../errors.ts';
import { errorResponse } from '../http-error.ts';
import type { Secret } from '../secret.ts';
import { requireBearer } from './bearer.ts';
import type { ConsumerView } from './consumers.ts';
import type { Ledger } from './ledger.ts';

/** How the store is, and how well it keeps things. */
export interface StoreReport {
  readonly engine: string;
  readonly ready: boolean;
  readonly reason?: string;
  readonly findings: readonly { readonly level: string; readonly code: string; readonly message: string }[];
}

/** What the routes call. What asks the store rejects with `store_unavailable` while it is away. */
export interface OperatorApi {
  readLedger(): Promise<Ledger>;
  readStore(): StoreReport;
  readConsumers(): Promise<readonly ConsumerView[]>;
  hasConsumer(app: AppKey, consumer: ConsumerKey): boolean;
  /** What each app's directory knows of a meeting; empty when none does. */
  readMeeting(id: string): Promise<readonly { readonly app: AppKey; readonly id: string }[]>;
  pause(queue: QueueName): Promise<void>;
  resume(queue: QueueName): Promise<void>;
}

/** The operator API under `/api`. Every route asks for the token. */
export function createApiRoutes(token: Secret, api: OperatorApi): Hono {
  const routes = new Hono();
  routes.use('/api/*', requireBearer(token));
  routes.get('/api/store', (c) => c.json(api.readStore()));
  routes.get('/api/ledger', async (c) => c.json(await api.readLedger()));
  routes.get('/api/consumers', async (c) => c.json({ consumers: await api.readConsumers() }));
  routes.get('/api/meetings/:id', async (c) => {
    const meetings = await api.readMeeting(c.req.param('id'));
    if (meetings.length > 0) return c.json({ meetings });
    return errorResponse(c, 'meeting_unknown', 'no directory has heard of this meeting');
  });
  routes.post('/api/consumers/:app/:consumer/pause', (c) => onQueue(c, (queue) => api.pause(queue)));
  routes.post('/api/consumers/:app/:consumer/resume', (c) => onQueue(c, (queue) => api.resume(queue)));
  routes.onError((error, c) => {
    if (!(error instanceof RelayError) || error.code !== 'store_unavailable') throw error;
    return errorResponse(c, error.code, 'the store is away; ask again when /readyz says ready');
  });

  async function onQueue(c: Context, act: (queue: QueueName) => Promise<void>): Promise<Response> {
    const app = parseAppKey(c.req.param('app') ?? '');
    const consumer = parseConsumerKey(c.req.param('consumer') ?? '');
    if (app === undefined || consumer === undefined || !api.hasConsumer(app, consumer)) {
      return errorResponse(c, 'consumer_unknown', 'no such consumer: GET /api/consumers lists them');
    }
    await act(queueNameOf(app, consumer));
    return c.body(null, 204);
  }
  return routes;
}
