import type { Context } from 'hono';
import { z } from 'zod';
import { type Endpoint, notFound } from './endpoint.ts';
import { anything, type Filter, listPage, uuid } from './list-page.ts';
import { readInput } from './read-input.ts';
import type { RecallState } from './recall-state.ts';
import { type AppRecord, formatTime, type LogRecord, renderApp } from './records.ts';
import type { RecallApiSettings } from './settings.ts';

const text = z.string().min(1).max(200);
const newApp = z.strictObject({
  kind: z.enum(['user_level', 'account_level'], 'Not a valid choice.'),
  client_id: text,
  client_secret: text,
  webhook_secret: text,
});
const appChange = z.strictObject({ client_secret: text.optional(), webhook_secret: text.optional() });

const appFilters: Readonly<Record<string, Filter<AppRecord>>> = {
  client_id: { pattern: anything, matches: ({ clientId }, value) => clientId === value },
  kind: { pattern: /^(?:user|account)_level$/, matches: ({ kind }, value) => kind === value },
};
const logFilters: Readonly<Record<string, Filter<LogRecord>>> = {
  oauth_app: { pattern: uuid, matches: ({ about }, value) => about === value },
};

/** `zoom-oauth-apps` and their log. Secrets come back in clear. */
export function createAppEndpoints(state: RecallState, settings: RecallApiSettings): readonly Endpoint[] {
  const withApp = (answer: (c: Context, app: AppRecord) => Response | Promise<Response>) => (c: Context) => {
    const app = state.apps.get(c.req.param('id') ?? '');
    return app === undefined ? notFound(c) : answer(c, app);
  };
  const path = '/api/v2/zoom-oauth-apps/';
  return [
    {
      method: 'GET',
      path,
      limit: 'lists',
      answer: (c) => {
        const items = state.apps.values();
        return listPage(c, settings, { items, filters: appFilters, timeField: 'created_at', render: renderApp });
      },
    },
    {
      method: 'POST',
      path,
      limit: 'others',
      async answer(c) {
        const input = await readInput(c, newApp);
        if (input.kind === 'refused') return input.response;
        const { kind, client_id: clientId, client_secret: clientSecret, webhook_secret: webhookSecret } = input.value;
        return c.json(renderApp(state.addApp({ kind, clientId, clientSecret, webhookSecret })), 201);
      },
    },
    { method: 'GET', path: `${path}:id/`, limit: 'others', answer: withApp((c, app) => c.json(renderApp(app))) },
    {
      method: 'PATCH',
      path: `${path}:id/`,
      limit: 'others',
      answer: withApp(async (c, app) => {
        const input = await readInput(c, appChange);
        if (input.kind === 'refused') return input.response;
        app.clientSecret = input.value.client_secret ?? app.clientSecret;
        app.webhookSecret = input.value.webhook_secret ?? app.webhookSecret;
        return c.json(renderApp(app));
      }),
    },
    {
      method: 'DELETE',
      path: `${path}:id/`,
      limit: 'others',
      answer: withApp((c, { id }) => {
        state.deleteApp(id);
        return c.body(null, 204);
      }),
    },
    {
      method: 'GET',
      path: '/api/v2/zoom-oauth-app-logs/',
      limit: 'lists',
      answer: (c) => {
        const items = state.appLogs;
        return listPage(c, settings, { items, filters: logFilters, timeField: 'created_at', render: renderLog });
      },
    },
  ];
}

function renderLog({ about, message, atMs }: LogRecord) {
  return { oauth_app: about, message, created_at: formatTime(atMs) };
}
