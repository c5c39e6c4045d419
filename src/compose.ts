import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Hono } from 'hono';
import packageJson from '../package.json' with { type: 'json' };
import { composeConnect } from './compose-connect.ts';
import { composeOperator, directorySpaceOf, type OperatorParts } from './compose-operator.ts';
import type { Config } from './config.ts';
import { createConnectRoutes } from './connect/routes.ts';
import { type AttemptParts, attemptDelivery } from './consumers/attempt-delivery.ts';
import { CircuitBreaker } from './consumers/circuit-breaker.ts';
import { loadHandlers } from './consumers/handlers/load-handlers.ts';
import type { Target } from './consumers/ports.ts';
import { parseCircuit } from './delivery/circuit.ts';
import { type ConsumerCounts, type IntakeCounts, intakeCountsOf } from './delivery/ledger.ts';
import { type AppKey, type ConsumerKey, queueNameOf } from './delivery/names.ts';
import { createDirectory } from './directory/directory.ts';
import type { RelayError } from './errors.ts';
import { errorResponse } from './http-error.ts';
import type { IntakeParts } from './intake/accept.ts';
import { IntakeLedger } from './intake/intake-ledger.ts';
import type { DeliveryWriter } from './intake/ports.ts';
import { ReadingRoom } from './intake/read-body.ts';
import { createIntakeRoutes } from './intake/routes.ts';
import { type Listener, listen } from './listener.ts';
import type { Log } from './log.ts';
import { requireKnownHost } from './operator/access/require-known-host.ts';
import { createAppFacts } from './operator/app-facts.ts';
import { createFiguresReader, type ReadConnectionFigures } from './operator/connections/connection-figures.ts';
import { createHealthRoutes, type Health } from './operator/health-routes.ts';
import { createLatencyLog } from './operator/latency-log.ts';
import { readQueues } from './operator/metrics/read-queues.ts';
import { createMetrics, type Metrics } from './operator/metrics.ts';
import { createOutageLog } from './operator/outage-log.ts';
import type { OperatorSource } from './operator/ports.ts';
import { createPrivateRoutes } from './operator/private-routes.ts';
import { type PlannedConsumer, planConsumers } from './plan-consumers.ts';
import { notificationResults, reportDelivery, reportIntake } from './report.ts';
import { connectMetricLabels, reportConnect } from './report-connect.ts';
import { openStore } from './store/open-store.ts';
import type { Store } from './store/store.ts';
import { openTracing } from './tracing.ts';

const { version: packageVersion } = packageJson;
/** Bytes of bodies that one process reads at once. Beyond: 503. */
const readingBytes = 64 * 1024 * 1024;
/** How much longer than an attempt a worker's lock lasts, and the least it lasts, milliseconds. */
const lockMarginMs = 5000;
const minLockMs = 12_000;
/** What is under way gets this long when the process is told to stop, and closing connections this, milliseconds. */
const stopGraceMs = 20_000;
const closeGraceMs = 8000;

/** A running relay. */
export interface Relay {
  /** Present with the edge role. */
  readonly publicUrl: URL | undefined;
  readonly privateUrl: URL;
  health(): Health;
  /** Since this process started. */
  intakeCounts(app: AppKey): IntakeCounts;
  /** @throws RelayError `store_unavailable` */
  consumerCounts(app: AppKey, consumer: ConsumerKey): Promise<ConsumerCounts>;
  /** Resolves, if ever, with why this relay can never become ready. */
  readonly failed: Promise<RelayError>;
  /** What the private listener serves, for those who want to go through all of it. */
  readonly privateApp: Hono;
  /** Answers what is in flight, refuses what is new, lets active attempts finish, closes. Never rejects. */
  stop(): Promise<void>;
}

/**
 * Joins all parts. Listens at once and connects to the store in the background: until it is there, `/readyz` and
 * notifications get 503.
 *
 * @throws RelayError `listener_failed`; `configuration_invalid` for a handler module that is not usable
 */
export async function startRelay(config: Config, log: Log): Promise<Relay> {
  const handlers = config.handlers === undefined ? [] : await loadHandlers(config.handlers);
  const consumers = planConsumers(config, {
    handlers,
    directoryOf: (app, retainMs) => createDirectory(store.records(directorySpaceOf(app)), retainMs),
    endDeauthorized: async (app, told) => (await connect?.endDeauthorized(app, told)) ?? false,
    log,
    nowMs: Date.now,
  });
  const tracing = await openTracing(config.tracing, log);
  let stopping = false;
  const { promise: failed, resolve: onFatal } = Promise.withResolvers<RelayError>();
  const working = config.roles.includes('worker') ? consumers : [];
  const store = openStore({
    url: config.storeUrl.reveal(),
    queues: consumers.map(({ app, key }) => queueNameOf(app, key)),
    apps: [...config.apps.keys()],
    workers: working.length,
    log,
    allowEviction: config.dangerouslyAllowEviction,
    nowMs: () => performance.now(),
    onFatal,
  });
  const health = (): Health =>
    stopping ? { ready: false, reason: 'shutting down', isStopping: true } : store.status();
  const connectApps = [...config.apps.values()].flatMap((app) => (app.connect === undefined ? [] : [app.key]));
  const readFigures = createFiguresReader(
    connectApps,
    async (app) => (await connect?.readHealth(app)) ?? { total: 0, needPerson: 0, failing: 0 },
    () => performance.now(),
  );
  const metrics = composeMetrics(store, consumers, { apps: connectApps, readFigures });
  const connect = composeConnect(config, store, reportConnect({ log, metrics }));
  const ledger = new IntakeLedger({ countIntake: (app, counts) => store.countIntake(app, counts) });
  const facts = createAppFacts(store.records('apps'), Date.now);
  const latency = createLatencyLog(store.records('latency'), randomUUID(), Date.now);
  const outages = createOutageLog(store.records('outages'), Date.now);
  const intake = composeIntake(config, consumers, {
    writer: timedWriter(store, metrics),
    observe: reportIntake({ log, ledger, metrics, facts, latency }),
    isStopping: () => stopping,
    trace: tracing.intake,
  });
  const publicRoutes = new Hono().route('/', intake).route('/', createHealthRoutes(health, false));
  if (connect !== undefined)
    publicRoutes.route(
      '/',
      createConnectRoutes(connect, () => stopping),
    );
  const publicApp = withErrors(publicRoutes, log);
  const privateRoutes = createPrivateRoutes(health, metrics);
  privateRoutes.use(requireKnownHost(config.operatorPublicHosts)); // not before /healthz, /readyz and /metrics
  const operator = config.roles.includes('operator')
    ? composeOperator({
        config,
        store,
        consumers,
        facts,
        latency,
        connect,
        outages,
        readFigures,
        metrics,
        log,
        about: () => aboutOf(config, listeners),
      })
    : undefined;
  if (operator !== undefined) privateRoutes.route('/', operator.routes);
  const privateApp = withErrors(privateRoutes, log);
  const listeners = await listenOnBoth(config.roles.includes('edge') ? publicApp : undefined, privateApp, config);
  store.open();
  operator?.start();
  const maintenance = config.roles.includes('worker') ? connect?.startMaintenance() : undefined;
  const attempts = { observe: reportDelivery({ log, metrics, latency, outages }), trace: tracing.attempt };
  const targets = working.map((consumer) => work(store, consumer, config, attempts));
  log.info({ event: 'started', roles: config.roles, apps: [...config.apps.keys()], store: store.engine });

  let stopped: Promise<void> | undefined;
  return {
    publicUrl: listeners.public?.url,
    privateUrl: listeners.private.url,
    health,
    failed,
    intakeCounts: (app) => intakeCountsOf(ledger.sinceStart(app)),
    consumerCounts: (app, consumer) => store.account(queueNameOf(app, consumer)),
    privateApp,
    stop() {
      if (stopped !== undefined) return stopped;
      stopping = true;
      operator?.endStreams();
      const background = [ledger, facts, latency, outages, operator].filter((part) => part !== undefined);
      const closable = [...targets, tracing, ...(connect === undefined ? [] : [connect])];
      const settling = [store.stopWorkers(), maintenance?.stop()];
      const settle = async (): Promise<void> => connect?.settle();
      stopped = stopAll([listeners.public, listeners.private], settling, settle, background, [store, ...closable], log);
      return stopped;
    },
  };
}

function composeMetrics(
  store: Store,
  consumers: readonly PlannedConsumer[],
  connect: { readonly apps: readonly AppKey[]; readonly readFigures: ReadConnectionFigures },
): Metrics {
  const keys = consumers.map(({ app, key }) => ({ app, consumer: key }));
  const source: Pick<OperatorSource, 'queueState' | 'circuit'> = {
    queueState: (queue) => store.queueState(queue),
    circuit: async (queue) => parseCircuit(await store.circuit(queue).read()),
  };
  return createMetrics({
    consumers: keys,
    results: notificationResults,
    connect: { ...connectMetricLabels(connect.apps), readFigures: connect.readFigures },
    store: () => ({ ready: store.status().ready, findings: store.findings() }),
    readQueues: () => readQueues(source, keys, Date.now()),
    nowMs: () => performance.now(),
  });
}

/** Measures the durable writes that are carried out. */
function timedWriter(store: Store, metrics: Metrics): DeliveryWriter {
  return {
    async add(deliveries) {
      const startedAtMs = performance.now();
      const areNew = await store.add(deliveries);
      metrics.storeRoundTrip(performance.now() - startedAtMs);
      return areNew;
    },
  };
}

/** What this process tells of itself. */
function aboutOf(config: Config, listeners: Listeners): ReturnType<OperatorParts['about']> {
  const { version: node } = process;
  const publicUrl = listeners.public?.url.href;
  return {
    version: packageVersion,
    node: node.slice(1),
    roles: config.roles,
    listeners: { private: listeners.private.url.href, ...(publicUrl !== undefined && { public: publicUrl }) },
  };
}

function composeIntake(
  config: Config,
  consumers: readonly PlannedConsumer[],
  parts: Pick<IntakeParts, 'writer' | 'observe' | 'isStopping' | 'trace'>,
): ReturnType<typeof createIntakeRoutes> {
  const apps = [...config.apps].map(([key, { secrets }]) => {
    return [key, { key, secrets, consumers: consumers.filter(({ app }) => app === key) }] as const;
  });
  const settings = {
    toleranceSec: config.signatureToleranceSec,
    maxBodyBytes: config.maxBodyBytes,
    ackDeadlineMs: config.ackDeadlineMs,
  };
  return createIntakeRoutes(new Map(apps), settings, {
    ...parts,
    readingRoom: new ReadingRoom(readingBytes),
    nowMs: Date.now,
  });
}

/** Each consumer has a target of its own, so that one that hangs takes no connection from another. */
function work(
  store: Store,
  planned: PlannedConsumer,
  config: Config,
  { observe, trace }: Required<Pick<AttemptParts, 'observe' | 'trace'>>,
): Target {
  const { app, key, timeoutMs } = planned;
  const queue = queueNameOf(app, key);
  const target = planned.openTarget();
  const breaker = new CircuitBreaker(store.circuit(queue), Date.now, timeoutMs + lockMarginMs, (from, to) => {
    observe({ kind: 'circuit', app, consumer: key, from, to });
  });
  const worker = `${hostname()}:${process.pid}`;
  const parts = { breaker, observe, trace, worker, nowMs: Date.now, random: Math.random };
  const options = {
    concurrency: planned.concurrency,
    claimedAhead: planned.concurrency, // see README.md, "Decisions"
    ...(planned.rateLimit !== undefined && { rateLimit: planned.rateLimit }),
    lockMs: Math.max(timeoutMs + lockMarginMs, minLockMs),
    retainDeliveredMs: config.retainDeliveredMs,
    retainDeliveredCount: config.retainDeliveredCount,
    retainDeadMs: config.retainDeadMs,
  };
  store.work(queue, options, (delivery) => attemptDelivery({ ...planned, target }, delivery, parts));
  return target;
}

/**
 * @param settling what is under way and needs the store: it is waited for like a request
 * @param settle waits for what those have begun and do not wait for
 */
async function stopAll(
  listeners: readonly (Listener | undefined)[],
  settling: readonly (Promise<void> | undefined)[],
  settle: () => Promise<void>,
  background: readonly { stop(): Promise<void> }[],
  closable: readonly { close(): Promise<void> }[],
  log: Log,
): Promise<void> {
  log.info({ event: 'stopping' });
  const open = listeners.filter((listener) => listener !== undefined);
  const drained = Promise.all([...settling, ...open.map((listener) => listener.drain())]);
  await within(stopGraceMs, drained.then(settle), log);
  // Before the counts are written: what a balancer still sends is turned away and counted until here.
  const closing = open.map((listener) => listener.close());
  await within(closeGraceMs / 2, Promise.allSettled(background.map((part) => part.stop())), log);
  await within(closeGraceMs / 2, Promise.allSettled([...closing, ...closable.map((part) => part.close())]), log);
  log.info({ event: 'stopped' });
}

/** What every listener answers to a path it does not have, and to a bug. */
function withErrors(app: Hono, log: Log): Hono {
  app.notFound((c) => errorResponse(c, 'route_unknown', 'there is nothing at this path'));
  app.onError((error, c) => {
    log.error({ event: 'internal_error', path: c.req.routePath, err: error });
    return errorResponse(c, 'internal', 'an unexpected error; it is logged');
  });
  return app;
}

interface Listeners {
  readonly public: Listener | undefined;
  readonly private: Listener;
}

async function listenOnBoth(publicApp: Hono | undefined, privateApp: Hono, config: Config): Promise<Listeners> {
  const forPublic = publicApp && (await listen(publicApp, config.public, { host: 'HOST', port: 'PORT' }));
  try {
    const names = { host: 'OPERATOR_HOST', port: 'OPERATOR_PORT' };
    return { public: forPublic, private: await listen(privateApp, config.private, names) };
  } catch (error) {
    await forPublic?.close();
    throw error;
  }
}

async function within(limitMs: number, work: Promise<unknown>, log: Log): Promise<void> {
  const timer = new AbortController();
  const late = delay(limitMs, 'late', { signal: timer.signal }).catch(() => undefined);
  if ((await Promise.race([work, late])) === 'late') log.warn({ event: 'stop_took_too_long', limitMs });
  timer.abort();
}
