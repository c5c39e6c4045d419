import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import { RelayError } from '../../errors.ts';
import { errorResponse } from '../../http-error.ts';
import type { AccessEnv } from '../access/identity.ts';
import { requireRole } from '../access/require-role.ts';
import type { ConnectionService } from '../connections/connection-service.ts';
import { chainView, meetingReport } from '../doctor-schemas.ts';
import {
  appKey,
  appView,
  auditEntry,
  consumerKey,
  consumerView,
  deliveryBody,
  deliveryDetail,
  deliveryList,
  deliveryListQuery,
  diagnosisView,
  ledgerView,
  notificationId,
  replay,
  replayInput,
  replayOneInput,
  replayOneResult,
  replayPlan,
  storeView,
} from '../schemas.ts';
import type { DeliveryName, OperatorService } from '../service.ts';
import { unknownName } from '../unknown-name.ts';
import { addConnectionRoutes } from './connection-routes.ts';
import { before, describeIssues, json, limit, mutable, refusals, whoOf } from './route-parts.ts';

const consumerPath = z.object({ app: appKey, consumer: consumerKey });
const deliveryPath = consumerPath.extend({ id: notificationId });
const replayPath = z.object({
  id: z
    .string()
    .regex(/^[a-z0-9-]{1,60}$/, 'must be the id of a replay, as "replays list" (GET /api/replays) shows it'),
});
const meetingRule = 'must be a meeting id: 9 to 11 digits';
const operate = requireRole('operate');
/** What changes something needs the role unless it is said otherwise, so that no new route can forget it. */
const changing = ['POST', 'PUT', 'PATCH', 'DELETE'];
const none = { description: 'done' };

const routesOf = {
  apps: createRoute({
    method: 'get',
    path: '/api/apps',
    summary: 'The apps, the last challenge from Zoom of each, and the events it gets',
    responses: { 200: json(z.object({ apps: z.array(appView) }), 'all apps'), ...refusals },
  }),
  store: createRoute({
    method: 'get',
    path: '/api/store',
    summary: 'How the store is, and how well it keeps things',
    responses: { 200: json(storeView, 'also while the store is away'), ...refusals },
  }),
  doctor: createRoute({
    method: 'get',
    path: '/api/doctor',
    summary: 'What this relay is, where it listens, its clock and disk',
    responses: { 200: json(diagnosisView, 'of the process that answers'), ...refusals },
  }),
  chain: createRoute({
    method: 'get',
    path: '/api/doctor/chain',
    summary: 'Every link from Zoom to Recall: public URL, secrets, the app in Recall, credentials, connections, scopes',
    responses: { 200: json(chainView, 'of all apps; kept for 10 s, because each look asks Recall'), ...refusals },
  }),
  ledger: createRoute({
    method: 'get',
    path: '/api/ledger',
    summary: 'What became of every notification, recounted from the queues',
    responses: { 200: json(ledgerView, 'all apps'), ...refusals },
  }),
  consumers: createRoute({
    method: 'get',
    path: '/api/consumers',
    summary: 'Who gets the notifications, and how each is',
    request: { query: z.object({ app: appKey.optional() }) },
    responses: { 200: json(z.object({ consumers: z.array(consumerView) }), 'all, or those of one app'), ...refusals },
  }),
  pause: createRoute({
    method: 'post',
    path: '/api/consumers/{app}/{consumer}/pause',
    summary: 'Hold a consumer: it keeps collecting',
    request: { params: consumerPath },
    responses: { 204: none, ...refusals },
  }),
  resume: createRoute({
    method: 'post',
    path: '/api/consumers/{app}/{consumer}/resume',
    summary: 'Let a paused consumer go on',
    request: { params: consumerPath },
    responses: { 204: none, ...refusals },
  }),
  deliveries: createRoute({
    method: 'get',
    path: '/api/deliveries',
    summary: 'Deliveries, newest first: by when they ended if the state is delivered or dead, else by when they came',
    request: { query: deliveryListQuery },
    responses: { 200: json(deliveryList, 'one page'), ...refusals },
  }),
  delivery: createRoute({
    method: 'get',
    path: '/api/deliveries/{app}/{consumer}/{id}',
    summary: 'One delivery with every attempt',
    request: { params: deliveryPath },
    responses: { 200: json(deliveryDetail, 'without its body'), ...refusals },
  }),
  body: createRoute({
    method: 'get',
    path: '/api/deliveries/{app}/{consumer}/{id}/body',
    summary: 'The body of a delivery, passcodes and tokens masked. The look is audited',
    request: { params: deliveryPath },
    responses: { 200: json(deliveryBody, 'as text if it is UTF-8'), ...refusals },
  }),
  replayOne: createRoute({
    method: 'post',
    path: '/api/deliveries/{app}/{consumer}/{id}/replay',
    summary: 'Ask for one delivery again; one that waits for its next attempt is brought forward',
    request: { params: deliveryPath, body: { content: { 'application/json': { schema: replayOneInput } } } },
    responses: { 200: json(replayOneResult, 'what was done'), ...refusals },
  }),
  replays: createRoute({
    method: 'get',
    path: '/api/replays',
    summary: 'Replays of many deliveries, newest first',
    request: { query: z.object({ before, limit }) },
    responses: { 200: json(z.object({ replays: z.array(replay) }), 'one page'), ...refusals },
  }),
  startReplay: createRoute({
    method: 'post',
    path: '/api/replays',
    summary: 'Replay all that a filter matches; with dryRun only the plan. One at a time for each consumer',
    request: { body: { required: true, content: { 'application/json': { schema: replayInput } } } },
    responses: {
      200: json(z.object({ plan: replayPlan }), 'the plan (dryRun)'),
      201: json(replay, 'it has begun'),
      ...refusals,
    },
  }),
  replay: createRoute({
    method: 'get',
    path: '/api/replays/{id}',
    summary: 'A replay and how far it is',
    request: { params: replayPath },
    responses: { 200: json(replay, 'now'), ...refusals },
  }),
  steer: createRoute({
    method: 'post',
    path: '/api/replays/{id}/{action}',
    summary: 'Pause, resume or cancel a replay',
    request: { params: replayPath.extend({ action: z.enum(['pause', 'resume', 'cancel']) }) },
    responses: { 200: json(replay, 'after it'), ...refusals },
  }),
  audit: createRoute({
    method: 'get',
    path: '/api/audit',
    summary: 'Who did what, when and why, newest first',
    request: {
      query: z.object({ before, limit, target: z.string().max(200, 'must be at most 200 characters').optional() }),
    },
    responses: {
      200: json(z.object({ entries: z.array(auditEntry), cursor: z.string().optional() }), 'one page'),
      ...refusals,
    },
  }),
  meeting: createRoute({
    method: 'get',
    path: '/api/meetings/{id}',
    summary: 'What was heard of a meeting, what was forwarded, whether Recall knows it, and if not why',
    request: { params: z.object({ id: z.string().min(1, meetingRule).max(100, meetingRule) }) },
    responses: { 200: json(meetingReport, 'by app; 404 when nothing at all is known'), ...refusals },
  }),
} as const;

/** The operator API under `/api`, and what describes it. Comes behind `authenticate`. */
export function createApiRoutes(service: OperatorService, connections: ConnectionService): OpenAPIHono<AccessEnv> {
  const routes = new OpenAPIHono<AccessEnv>({
    defaultHook: (result, c) => {
      return result.success ? undefined : errorResponse(c, 'input_invalid', describeIssues(result.error.issues));
    },
  });
  const nameOf = (path: z.infer<typeof deliveryPath>): DeliveryName => ({
    ...service.nameOf(path.app, path.consumer),
    id: path.id,
  });
  const checkNames = (filter: Parameters<typeof unknownName>[1]): void => {
    const unknown = unknownName(service.consumerNames, filter);
    if (unknown !== undefined) throw unknown;
  };
  routes.on(changing, '/api/*', operate);
  routes.openapi(routesOf.apps, async (c) => c.json({ apps: [...(await service.readApps())] }, 200));
  routes.openapi(routesOf.store, (c) => c.json(mutable(service.readStore()), 200));
  routes.openapi(routesOf.doctor, async (c) => c.json(mutable(await service.readDiagnosis()), 200));
  routes.openapi(routesOf.chain, async (c) => c.json(await service.readChain(), 200));
  routes.openapi(routesOf.ledger, async (c) => c.json(mutable(await service.readLedger()), 200));
  routes.openapi(routesOf.consumers, async (c) => {
    const { app } = c.req.valid('query');
    checkNames({ app });
    const consumers = (await service.readConsumers()).filter((one) => (app ?? one.app) === one.app);
    return c.json({ consumers: mutable(consumers) }, 200);
  });
  routes.openapi(routesOf.pause, async (c) => {
    const { app, consumer } = c.req.valid('param');
    await service.pause(service.nameOf(app, consumer), whoOf(c));
    return c.body(null, 204);
  });
  routes.openapi(routesOf.resume, async (c) => {
    const { app, consumer } = c.req.valid('param');
    await service.resume(service.nameOf(app, consumer), whoOf(c));
    return c.body(null, 204);
  });
  routes.openapi(routesOf.deliveries, async (c) => {
    const { cursor, limit: size, ...filter } = c.req.valid('query');
    checkNames(filter);
    return c.json(await service.listDeliveries(filter, { cursor, limit: size }), 200);
  });
  routes.openapi(routesOf.delivery, async (c) => {
    return c.json(await service.readDelivery(nameOf(c.req.valid('param'))), 200);
  });
  routes.openapi(routesOf.body, async (c) => {
    return c.json(await service.readBody(nameOf(c.req.valid('param')), whoOf(c)), 200);
  });
  routes.openapi(routesOf.replayOne, async (c) => {
    const wish = c.req.valid('json');
    const result = await service.replayOne(nameOf(c.req.valid('param')), wish, whoOf(c));
    return c.json({ result }, 200);
  });
  routes.openapi(routesOf.replays, async (c) => {
    return c.json({ replays: [...(await service.listReplays(c.req.valid('query')))] }, 200);
  });
  routes.openapi(routesOf.startReplay, async (c) => {
    const input = c.req.valid('json');
    if (input.dryRun) return c.json({ plan: await service.planReplay(input) }, 200);
    return c.json(await service.startReplay(input, whoOf(c)), 201);
  });
  routes.openapi(routesOf.replay, async (c) => c.json(await service.readReplay(c.req.valid('param').id), 200));
  routes.openapi(routesOf.steer, async (c) => {
    const { id, action } = c.req.valid('param');
    return c.json(await service.steerReplay(id, action, whoOf(c)), 200);
  });
  routes.openapi(routesOf.audit, async (c) => {
    const { entries, cursor } = await service.listAudit(c.req.valid('query'));
    return c.json({ entries: [...entries], ...(cursor !== undefined && { cursor }) }, 200);
  });
  routes.openapi(routesOf.meeting, async (c) => {
    return c.json(await service.readMeeting(c.req.valid('param').id), 200);
  });
  addConnectionRoutes(routes, connections);
  routes.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: { title: 'zoom-relay operator API', version: '1' },
    security: [{ bearer: [] }],
  });
  routes.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });

  routes.onError((error, c) => {
    if (!(error instanceof RelayError)) throw error;
    const message =
      error.code === 'store_unavailable' ? 'the store is away; ask again when /readyz says ready' : error.message;
    return errorResponse(c, error.code, message);
  });
  return routes;
}
