import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Hono } from 'hono';
import type { Config } from './config.ts';
import { attemptDelivery } from './consumers/attempt-delivery.ts';
import { CircuitBreaker } from './consumers/circuit-breaker.ts';
import { loadHandlers } from './consumers/handlers/load-handlers.ts';
import type { DeliveryObserver, Target } from './consumers/ports.ts';
import { parseCircuit } from './delivery/circuit.ts';
import { type ConsumerCounts, type IntakeCounts, intakeCountsOf } from './delivery/ledger.ts';
import { type AppKey, type ConsumerKey, queueNameOf } from './delivery/names.ts';
import { createDirectory } from './directory/directory.ts';
import { viewMeeting } from './directory/meeting-view.ts';
import type { RelayError } from './errors.ts';
import { errorResponse } from './http-error.ts';
import type { IntakeParts } from './intake/accept.ts';
import { IntakeLedger } from './intake/intake-ledger.ts';
import { ReadingRoom } from './intake/read-body.ts';
import { createIntakeRoutes } from './intake/routes.ts';
import { type Listener, listen } from './listener.ts';
import type { Log } from './log.ts';
import { createApiRoutes, type OperatorApi } from './operator/api-routes.ts';
import { readConsumers } from './operator/consumers.ts';
import { createHealthRoutes, type Health } from './operator/health-routes.ts';
import { readLedger } from './operator/ledger.ts';
import { createMetrics } from './operator/metrics.ts';
import type { OperatorSource } from './operator/ports.ts';
import { createPrivateRoutes } from './operator/private-routes.ts';
import { type PlannedConsumer, planConsumers } from './plan-consumers.ts';
import { reportDelivery, reportIntake } from './report.ts';
import { openStore } from './store/open-store.ts';
import type { Store } from './store/store.ts';

/** Bytes of bodies that one process reads at once. Beyond: 503. */
const readingBytes = 64 * 1024 * 1024;
/** How much longer than an attempt a worker's lock lasts, and the least it lasts, milliseconds. */
const lockMarginMs = 5000;
const minLockMs = 12_000;
/** What is under way gets this long when the process is told to stop, and closing connections this, milliseconds. */
const stopGraceMs = 20_000;
const closeGraceMs = 8000;

/** The records of an app's directory. */
function directorySpaceOf(app: AppKey): string {
  return `directory.${app}`;
}

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
    log,
    nowMs: Date.now,
  });
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
  const metrics = createMetrics(() => ({ ready: store.status().ready, findings: store.findings() }));
  const ledger = new IntakeLedger({ countIntake: (app, counts) => store.countIntake(app, counts) });
  const intake = composeIntake(config, consumers, {
    writer: { add: (deliveries) => store.add(deliveries) },
    observe: reportIntake(log, ledger, metrics),
    isStopping: () => stopping,
  });
  const publicApp = withErrors(new Hono().route('/', intake).route('/', createHealthRoutes(health, false)), log);
  const privateRoutes = createPrivateRoutes(health, metrics);
  if (config.operatorToken !== undefined && config.roles.includes('operator')) {
    privateRoutes.route('/', createApiRoutes(config.operatorToken, composeOperator(config, store, consumers)));
  }
  const privateApp = withErrors(privateRoutes, log);
  const listeners = await listenOnBoth(config.roles.includes('edge') ? publicApp : undefined, privateApp, config);
  store.open();
  const targets = working.map((consumer) => work(store, consumer, config, reportDelivery(log, metrics)));
  log.info({ event: 'started', roles: config.roles, apps: [...config.apps.keys()], store: store.engine });

  let stopped: Promise<void> | undefined;
  return {
    publicUrl: listeners.public?.url,
    privateUrl: listeners.private.url,
    health,
    failed,
    intakeCounts: (app) => intakeCountsOf(ledger.sinceStart(app)),
    consumerCounts: (app, consumer) => store.account(queueNameOf(app, consumer)),
    stop() {
      stopping = true;
      stopped ??= stopAll([listeners.public, listeners.private], ledger, store, targets, log);
      return stopped;
    },
  };
}

function composeOperator(config: Config, store: Store, consumers: readonly PlannedConsumer[]): OperatorApi {
  const { retainDirectoryMs } = config;
  const directories = [...config.apps.keys()].flatMap((app) => {
    if (retainDirectoryMs === undefined) return [];
    return [{ app, directory: createDirectory(store.records(directorySpaceOf(app)), retainDirectoryMs) }];
  });
  const keys = consumers.map(({ app, key }) => ({ app, consumer: key }));
  const source: OperatorSource = {
    account: (queue) => store.account(queue),
    recount: (queue) => store.recount(queue),
    intake: (app) => store.intake(app),
    circuit: async (queue) => parseCircuit(await store.circuit(queue).read()),
    queueState: (queue) => store.queueState(queue),
  };
  return {
    readLedger: () => readLedger(source, keys),
    readStore: () => ({ engine: store.engine, ...store.status(), findings: store.findings() }),
    readConsumers: () => readConsumers(source, keys, Date.now()),
    hasConsumer: (app, consumer) => keys.some((known) => known.app === app && known.consumer === consumer),
    async readMeeting(id) {
      const found = await Promise.all(
        directories.map(async ({ app, directory }) => ({ app, entry: await directory.meeting(id) })),
      );
      return found.flatMap(({ app, entry }) => (entry === undefined ? [] : [{ app, ...viewMeeting(entry) }]));
    },
    pause: (queue) => store.pause(queue),
    resume: (queue) => store.resume(queue),
  };
}

function composeIntake(
  config: Config,
  consumers: readonly PlannedConsumer[],
  parts: Pick<IntakeParts, 'writer' | 'observe' | 'isStopping'>,
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
function work(store: Store, planned: PlannedConsumer, config: Config, observe: DeliveryObserver): Target {
  const { app, key, timeoutMs } = planned;
  const queue = queueNameOf(app, key);
  const target = planned.openTarget();
  const breaker = new CircuitBreaker(store.circuit(queue), Date.now, timeoutMs + lockMarginMs, (from, to) => {
    observe({ kind: 'circuit', app, consumer: key, from, to });
  });
  const worker = `${hostname()}:${process.pid}`;
  const parts = { breaker, observe, worker, nowMs: Date.now, random: Math.random };
  const options = {
    concurrency: planned.concurrency,
    ...(planned.rateLimit !== undefined && { rateLimit: planned.rateLimit }),
    lockMs: Math.max(timeoutMs + lockMarginMs, minLockMs),
    retainDeliveredMs: config.retainDeliveredMs,
    retainDeliveredCount: config.retainDeliveredCount,
    retainDeadMs: config.retainDeadMs,
  };
  store.work(queue, options, (delivery) => attemptDelivery({ ...planned, target }, delivery, parts));
  return target;
}

async function stopAll(
  listeners: readonly (Listener | undefined)[],
  ledger: IntakeLedger,
  store: Store,
  targets: readonly Target[],
  log: Log,
): Promise<void> {
  log.info({ event: 'stopping' });
  const open = listeners.filter((listener) => listener !== undefined);
  await within(stopGraceMs, Promise.all([store.stopWorkers(), ...open.map((listener) => listener.drain())]), log);
  await within(closeGraceMs / 2, ledger.stop(), log);
  const closing = [...open, store, ...targets].map((part) => part.close());
  await within(closeGraceMs / 2, Promise.allSettled(closing), log);
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

async function listenOnBoth(
  publicApp: Hono | undefined,
  privateApp: Hono,
  config: Config,
): Promise<{ public: Listener | undefined; private: Listener }> {
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
