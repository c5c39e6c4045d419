import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { RelayError } from '../../errors.ts';
import type { AccessEnv } from '../access/identity.ts';
import {
  actInput,
  botUrls,
  connectionFilter,
  connectionList,
  connectionPath,
  connectionView,
  connectLink,
  disconnectQuery,
  disconnectResult,
  linkInput,
} from '../connections/connection-schemas.ts';
import type { ConnectionService } from '../connections/connection-service.ts';
import { errorBody } from '../schemas.ts';
import { before, json, limit, refusals, whoOf } from './route-parts.ts';

const optionalReason = { content: { 'application/json': { schema: actInput } } };
const fromRecall = { 502: json(errorBody, 'Recall refused: see the message') };

const routesOf = {
  connections: createRoute({
    method: 'get',
    path: '/api/connections',
    summary: 'Who has connected their Zoom, newest first, and how each connection is',
    request: { query: connectionFilter.extend({ before, limit }) },
    responses: { 200: json(connectionList, 'one page'), ...refusals },
  }),
  connection: createRoute({
    method: 'get',
    path: '/api/connections/{id}',
    summary: 'One connection',
    request: { params: connectionPath },
    responses: { 200: json(connectionView, 'without its secrets'), ...refusals },
  }),
  link: createRoute({
    method: 'post',
    path: '/api/connections/links',
    summary: 'Make a link by which a person connects their Zoom, or connects again',
    request: { body: { required: true, content: { 'application/json': { schema: linkInput } } } },
    responses: { 200: json(connectLink, 'shown this once'), ...refusals },
  }),
  disconnect: createRoute({
    method: 'delete',
    path: '/api/connections/{id}',
    summary: 'End a connection: revoked at Zoom, deleted at Recall, then deleted here',
    request: { params: connectionPath, query: disconnectQuery },
    responses: {
      200: json(disconnectResult, 'it is deleted here'),
      ...refusals,
      409: json(errorBody, 'Zoom or Recall did not do its part, so it is kept: connection_kept'),
    },
  }),
  botUrls: createRoute({
    method: 'post',
    path: '/api/connections/{id}/bot-urls',
    summary: 'The URLs that Create Bot takes for this connection. The look is audited',
    request: { params: connectionPath, body: optionalReason },
    responses: { 200: json(botUrls, 'the same each time'), ...refusals },
  }),
  sync: createRoute({
    method: 'post',
    path: '/api/connections/{id}/sync',
    summary: "Have Recall read the person's meetings anew",
    request: { params: connectionPath, body: optionalReason },
    responses: { 204: { description: 'Recall has begun' }, ...refusals, ...fromRecall },
  }),
} as const;

/** Adds what the operator API has of connections. */
export function addConnectionRoutes(routes: OpenAPIHono<AccessEnv>, connections: ConnectionService): void {
  routes.openapi(routesOf.connections, async (c) => {
    const { before: from, limit: size, ...filter } = c.req.valid('query');
    checkApp(filter.app, connections.apps);
    return c.json(await connections.list(filter, { before: from, limit: size }), 200);
  });
  routes.openapi(routesOf.connection, async (c) => c.json(await connections.read(c.req.valid('param').id), 200));
  routes.openapi(routesOf.link, async (c) => {
    const { url, expiresAtMs } = await connections.createLink(c.req.valid('json'), whoOf(c));
    c.header('cache-control', 'no-store');
    return c.json({ url: url.href, expiresAt: new Date(expiresAtMs).toISOString() }, 200);
  });
  routes.openapi(routesOf.disconnect, async (c) => {
    const { force, reason } = c.req.valid('query');
    const wish = { force: force === 'true', reason };
    const { kind, leftBehind } = await connections.disconnect(c.req.valid('param').id, wish, whoOf(c));
    if (kind === 'kept') throw new RelayError('connection_kept', describeKept(leftBehind));
    return c.json({ leftBehind: [...leftBehind] }, 200);
  });
  routes.openapi(routesOf.botUrls, async (c) => {
    const urls = await connections.botUrls(c.req.valid('param').id, c.req.valid('json'), whoOf(c));
    c.header('cache-control', 'no-store');

    const { zak, obf, joinToken } = urls;
    return c.json({ zakUrl: zak.reveal(), obfTokenUrl: obf.reveal(), joinTokenUrl: joinToken.reveal() }, 200);
  });
  routes.openapi(routesOf.sync, async (c) => {
    await connections.syncMeetings(c.req.valid('param').id, c.req.valid('json'), whoOf(c));
    return c.body(null, 204);
  });
}

/** Where nobody can connect at all, the service says so. */
function checkApp(app: string | undefined, known: ConnectionService['apps']): void {
  if (app === undefined || known.length === 0 || known.some((key) => key === app)) return;
  throw new RelayError('app_unknown', `nobody can connect to app ${app}; to these they can: ${known.join(', ')}`);
}

function describeKept(leftBehind: readonly string[]): string {
  return `it is kept, so that it can be tried again: ${leftBehind.join('; ')}. To delete it here all the same, force it`;
}
