import { randomBytes, randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { composeDoctor, type Doctor } from './compose-doctor.ts';
import type { Config } from './config.ts';
import type { Connect } from './connect/create-connect.ts';
import { parseCircuit } from './delivery/circuit.ts';
import { type AppKey, queueNameOf } from './delivery/names.ts';
import { createDirectory } from './directory/directory.ts';
import type { MeetingEntry } from './directory/meeting-entry.ts';
import { RelayError } from './errors.ts';
import type { Log } from './log.ts';
import { createAccessRoutes } from './operator/access/access-routes.ts';
import { authenticate } from './operator/access/authenticate.ts';
import { createAccess } from './operator/access/create-access.ts';
import type { AccessEnv } from './operator/access/identity.ts';
import { limitBody } from './operator/access/limit-body.ts';
import { lookAtRelay } from './operator/alerts/look.ts';
import { type Alerts, startAlerts } from './operator/alerts/start-alerts.ts';
import { createWebhookSender } from './operator/alerts/webhook-sender.ts';
import { createApiRoutes } from './operator/api/api-routes.ts';
import { createStreamRoutes } from './operator/api/stream-routes.ts';
import type { AppFacts } from './operator/app-facts.ts';
import { type AuditLog, createAuditLog } from './operator/audit-log.ts';
import type { ReadConnectionFigures } from './operator/connections/connection-figures.ts';
import { type ConnectionService, createConnectionService } from './operator/connections/connection-service.ts';
import { readQueues } from './operator/consumers.ts';
import { createAssetRoutes } from './operator/dashboard/create-asset-routes.ts';
import { createDashboardRoutes } from './operator/dashboard/create-dashboard-routes.ts';
import { type HistorySource, readHistory } from './operator/dashboard/overview/read-history.ts';
import type { DashboardParts } from './operator/dashboard/ports.ts';
import { showErrorsAsPages } from './operator/dashboard/show-errors-as-pages.ts';
import { type Diagnosis, readDiagnosis } from './operator/diagnosis.ts';
import type { LatencyLog } from './operator/latency-log.ts';
import { LiveTail } from './operator/live-tail.ts';
import type { Metrics } from './operator/metrics.ts';
import type { OutageLog } from './operator/outage-log.ts';
import type { ConsumerName, OperatorSource } from './operator/ports.ts';
import { type ReplayRunner, startReplayRunner } from './operator/replays/replay-runner.ts';
import { createReplays } from './operator/replays/replays.ts';
import type { AppView } from './operator/schemas.ts';
import { createOperatorService, type OperatorService } from './operator/service.ts';
import type { PlannedConsumer } from './plan-consumers.ts';
import type { Store } from './store/store.ts';

/** Between looks for what is the matter, milliseconds. */
const alertIntervalMs = 30_000;
/** Of forms and of JSON. */
const maxInputBytes = 64 * 1024;

export interface OperatorParts {
  readonly config: Config;
  readonly store: Store;
  readonly consumers: readonly PlannedConsumer[];
  readonly facts: AppFacts;
  readonly latency: LatencyLog;
  /** Absent: nobody can connect to any app. */
  readonly connect: Connect | undefined;
  readonly outages: OutageLog;
  readonly readFigures: ReadConnectionFigures;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly about: () => Omit<Diagnosis, 'nowMs' | 'disk' | 'zoomClock'>;
}

/** What the operator role adds to a process. */
export interface Operator {
  /** For the private listener. */
  readonly routes: Hono;
  /** Begins what goes on by itself: replays and alerts. */
  start(): void;
  /** Ends live streams, which would otherwise keep the listener from draining. */
  endStreams(): void;
  /** Ends it. Never rejects. */
  stop(): Promise<void>;
}

/** Joins the parts of the operator role. */
export function composeOperator(parts: OperatorParts): Operator {
  const { config, store, consumers, log } = parts;
  const names = consumers.map(({ app, key }) => ({ app, consumer: key }));
  const source = operatorSource(store);
  const audit = createAuditLog(store.records('audit'), config.retainAuditMs, Date.now, randomUUID);
  let running: { readonly alerts: Alerts; readonly runner: ReplayRunner } | undefined;
  const replays = createReplays({
    source,
    records: store.records('replays'),
    resignAlways: config.resign === 'always' ? { olderThanMs: config.signatureToleranceSec * 1000 } : undefined,
    retainMs: config.retainDeadMs,
    nowMs: Date.now,
    newId: shortId,
    onStart: () => running?.runner.wake(),
  });
  const doctor = composeDoctor({ ...parts, source, directory: directoryOf(config, store) });
  const service = composeService(parts, doctor, source, names, { audit, replays });
  const connections = composeConnections(parts.connect, audit);
  const access = createAccess({
    tokens: config.operatorTokens,
    records: store.records('sessions'),
    audit,
    log,
    nowMs: Date.now,
    randomBytes,
  });
  const tail = new LiveTail((filter, page) => service.listDeliveries(filter, page));
  const stopping = new AbortController();
  const dashboard: DashboardParts = {
    service,
    connections,
    readHistory: (range) => readHistory(composeHistory(parts, source), names, range, Date.now()),
    readIncidents: async () => (await running?.alerts.currentIncidents()) ?? [],
    tail,
    stopping: stopping.signal,
    nowMs: Date.now,
  };
  const behind = new Hono<AccessEnv>().use(authenticate(access));
  behind
    .route('/', createApiRoutes(service, connections))
    .route('/', createStreamRoutes(tail, service.consumerNames, stopping.signal));
  behind.route('/', createDashboardRoutes(dashboard));
  // In front of everything that reads a body, `authenticate` with its forms included.
  const routes = new Hono().use(showErrorsAsPages()).use(limitBody(maxInputBytes, 'the input'));
  routes.route('/', createAssetRoutes()).route('/', createAccessRoutes(access)).route('/', behind);
  return {
    routes,
    start() {
      running = { runner: composeRunner(parts, source), alerts: composeAlerts(parts, service, source, names) };
    },
    endStreams: () => stopping.abort(),
    async stop() {
      await Promise.allSettled([running?.runner.stop(), running?.alerts.stop(), tail.stop(), doctor.close()]);
    },
  };
}

function composeHistory({ latency, outages }: OperatorParts, source: OperatorSource): HistorySource {
  return {
    latency,
    outages,
    async readDownSince(app, consumer) {
      const circuit = await source.circuit(queueNameOf(app, consumer));
      return 'sinceMs' in circuit ? circuit.sinceMs : undefined;
    },
  };
}

/** What operators' questions ask of the store. */
export function operatorSource(store: Store): OperatorSource {
  return {
    account: (queue) => store.account(queue),
    recount: (queue) => store.recount(queue),
    intake: (app) => store.intake(app),
    circuit: async (queue) => parseCircuit(await store.circuit(queue).read()),
    queueState: (queue) => store.queueState(queue),
    search: (queue, query) => store.search(queue, query),
    delivery: (queue, id) => store.delivery(queue, id),
    whereabouts: (queue, ids) => store.whereabouts(queue, ids),
    replay: (queue, id, mark, force) => store.replay(queue, id, mark, force),
  };
}

/** The records of an app's directory. */
export function directorySpaceOf(app: AppKey): string {
  return `directory.${app}`;
}

function composeService(
  { config, store, facts, metrics, about }: OperatorParts,
  doctor: Doctor,
  source: OperatorSource,
  names: readonly ConsumerName[],
  kept: Pick<Parameters<typeof createOperatorService>[0], 'audit' | 'replays'>,
): OperatorService {
  const storeUrl = config.storeUrl.reveal();
  const storeFolder = storeUrl.startsWith('file:') ? storeUrl.slice('file:'.length) : undefined;
  return createOperatorService({
    ...kept,
    source,
    consumers: names,
    readApps: () => readApps(config, names, facts),
    readStore: () => ({ engine: store.engine, ...store.status(), findings: store.findings() }),
    readDiagnosis: () => readDiagnosis({ source, consumers: names, about, storeFolder, nowMs: Date.now }),
    readChain: async () => ({ lines: [...(await doctor.readChain())] }),
    readMeeting: (id) => doctor.readMeeting(id),
    pause: ({ app, consumer }) => store.pause(queueNameOf(app, consumer)),
    resume: ({ app, consumer }) => store.resume(queueNameOf(app, consumer)),
    observeReplay: ({ app, consumer }, result) => metrics.replayed(app, consumer, result),
    nowMs: Date.now,
    newId: shortId,
  });
}

function composeConnections(connect: Connect | undefined, audit: AuditLog): ConnectionService {
  const apps = [...(connect?.apps.values() ?? [])].map(({ key }) => key);
  return createConnectionService({ source: connect, apps, audit, nowMs: Date.now });
}

async function readApps(config: Config, names: readonly ConsumerName[], facts: AppFacts): Promise<readonly AppView[]> {
  return Promise.all(
    [...config.apps.values()].map(async ({ key, secrets, recallWebhookUrl }) => {
      const { lastChallengeAtMs, events } = await facts.read(key);
      return {
        app: key,
        endpoint: `/webhooks/zoom/${key}`,
        recallHost: recallWebhookUrl.host,
        consumers: names.filter(({ app }) => app === key).map(({ consumer }) => consumer),
        secrets: secrets.length,
        ...(lastChallengeAtMs !== undefined && { lastChallengeAt: new Date(lastChallengeAtMs).toISOString() }),
        events: events.map(({ event, lastAtMs }) => ({ event, lastAt: new Date(lastAtMs).toISOString() })),
      };
    }),
  );
}

/** What the apps' directories have of a meeting. */
function directoryOf({ retainDirectoryMs }: Config, store: Store) {
  return async (app: AppKey, id: string): Promise<MeetingEntry | undefined> => {
    if (retainDirectoryMs === undefined) return undefined;
    return createDirectory(store.records(directorySpaceOf(app)), retainDirectoryMs).meeting(id);
  };
}

function composeRunner({ config, store, metrics, log }: OperatorParts, source: OperatorSource) {
  return startReplayRunner({
    source,
    records: store.records('replays'),
    retainMs: config.retainDeadMs,
    runnerId: randomUUID(),
    nowMs: Date.now,
    onError: (error) => {
      const isAway = error instanceof RelayError && error.code === 'store_unavailable';
      if (!isAway) log.error({ event: 'replays_failed', err: error });
    },
    observe: ({ app, consumer }, result) => metrics.replayed(app, consumer, result),
  });
}

function composeAlerts(
  { config, store, facts, latency, readFigures, log }: OperatorParts,
  service: OperatorService,
  source: OperatorSource,
  names: readonly ConsumerName[],
): Alerts {
  const sender = config.alertWebhookUrl && createWebhookSender(config.alertWebhookUrl, Math.random);
  const alerts = startAlerts({
    records: store.records('alerts'),
    look: () =>
      lookAtRelay(
        {
          readQueues: () => readQueues(source, names, Date.now()),
          readLedger: () => service.readLedger(),
          readStore: () => service.readStore(),
          readAppFacts: (app) => facts.read(app),
          readLatency: (fromMs, toMs) => latency.read(fromMs, toMs),
          readConnections: readFigures,
        },
        Date.now(),
      ),
    send: sender?.send,
    log,
    nowMs: Date.now,
    intervalMs: alertIntervalMs,
    newId: randomUUID,
  });
  return {
    currentIncidents: () => alerts.currentIncidents(),
    async stop() {
      await alerts.stop();
      await sender?.close();
    },
  };
}

function shortId(): string {
  return randomBytes(4).toString('hex');
}
