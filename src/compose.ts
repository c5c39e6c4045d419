import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Hono } from 'hono';
import type { AppConfig, Config } from './config.ts';
import { attemptDelivery, type HttpConsumer } from './consumers/attempt-delivery.ts';
import { CircuitBreaker } from './consumers/circuit-breaker.ts';
import type { DeliveryObserver, Sender } from './consumers/ports.ts';
import { createUndiciSender } from './consumers/undici-sender.ts';
import { parseCircuit } from './delivery/circuit.ts';
import { type ConsumerCounts, type IntakeCounts, intakeCountsOf } from './delivery/ledger.ts';
import { type AppKey, type ConsumerKey, queueNameOf, recallConsumer } from './delivery/names.ts';
import type { RelayError } from './errors.ts';
import { errorResponse } from './http-error.ts';
import type { IntakeParts } from './intake/accept.ts';
import { IntakeLedger } from './intake/intake-ledger.ts';
import type { DeliveryWriter } from './intake/ports.ts';
import { ReadingRoom } from './intake/read-body.ts';
import { createIntakeRoutes } from './intake/routes.ts';
import { type Listener, listen } from './listener.ts';
import type { Log } from './log.ts';
import { createApiRoutes } from './operator/api-routes.ts';
import { createHealthRoutes, type Health } from './operator/health-routes.ts';
import { type LedgerSource, readLedger } from './operator/ledger.ts';
import { createMetrics } from './operator/metrics.ts';
import { createPrivateRoutes } from './operator/private-routes.ts';
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
 * @throws RelayError `listener_failed`
 */
export async function startRelay(config: Config, log: Log): Promise<Relay> {
  let stopping = false;
  const { promise: failed, resolve: onFatal } = Promise.withResolvers<RelayError>();
  const health = (): Health =>
    stopping ? { ready: false, reason: 'shutting down', isStopping: true } : store.status();
  const metrics = createMetrics(() => ({ ready: store.status().ready, findings: store.findings() }));
  const ledger = new IntakeLedger({ countIntake: (app, counts) => store.countIntake(app, counts) });
  const observe = reportIntake(log, ledger, metrics);
  const writer: DeliveryWriter = { add: (deliveries) => store.add(deliveries) };
  const intake = composeIntake(config, { writer, observe, isStopping: () => stopping });
  const publicApp = withErrors(new Hono().route('/', intake).route('/', createHealthRoutes(health, false)), log);
  const privateRoutes = createPrivateRoutes(health, metrics);
  if (config.operatorToken !== undefined && config.roles.includes('operator')) {
    const consumersOf = new Map([...config.apps.keys()].map((app) => [app, [recallConsumer]] as const));
    const source: LedgerSource = {
      account: (queue) => store.account(queue),
      recount: (queue) => store.recount(queue),
      intake: (app) => store.intake(app),
      circuit: async (queue) => parseCircuit(await store.circuit(queue).read()),
    };
    privateRoutes.route(
      '/',
      createApiRoutes(
        config.operatorToken,
        () => readLedger(source, consumersOf),
        () => ({
          engine: store.engine,
          ...store.status(),
          findings: store.findings(),
        }),
      ),
    );
  }
  const privateApp = withErrors(privateRoutes, log);
  const consumers = [...config.apps.values()].map((app) => recallOf(app, config));
  const queues = consumers.map(({ app, key }) => queueNameOf(app, key));
  const working = config.roles.includes('worker') ? consumers : [];
  const nowMs = (): number => performance.now();
  const store = openStore({
    url: config.storeUrl.reveal(),
    queues,
    apps: [...config.apps.keys()],
    workers: working.length,
    log,
    allowEviction: config.dangerouslyAllowEviction,
    nowMs,
    onFatal,
  });
  const listeners = await listenOnBoth(config.roles.includes('edge') ? publicApp : undefined, privateApp, config);
  store.open();
  const senders = working.map((consumer) => work(store, consumer, config, reportDelivery(log, metrics)));
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
      stopped ??= stopAll([listeners.public, listeners.private], ledger, store, senders, log);
      return stopped;
    },
  };
}

function composeIntake(
  config: Config,
  parts: Pick<IntakeParts, 'writer' | 'observe' | 'isStopping'>,
): ReturnType<typeof createIntakeRoutes> {
  const apps = [...config.apps].map(
    ([key, { secrets }]) => [key, { key, secrets, consumers: [recallConsumer] }] as const,
  );
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

/** Each consumer has connections of its own, so that one that hangs takes none from another. */
function work(store: Store, consumer: HttpConsumer, config: Config, observe: DeliveryObserver): Sender {
  const { app, key } = consumer;
  const queue = queueNameOf(app, key);
  const sender = createUndiciSender(config.deliveryTimeoutMs, config.deliveryConcurrency);
  const probeMs = config.deliveryTimeoutMs + lockMarginMs;
  const breaker = new CircuitBreaker(store.circuit(queue), Date.now, probeMs, (from, to) => {
    observe({ kind: 'circuit', app, consumer: key, from, to });
  });
  const parts = {
    sender,
    breaker,
    observe,
    worker: `${hostname()}:${process.pid}`,
    nowMs: Date.now,
    random: Math.random,
  };
  const options = {
    concurrency: config.deliveryConcurrency,
    lockMs: Math.max(config.deliveryTimeoutMs + lockMarginMs, minLockMs),
    retainDeliveredMs: config.retainDeliveredMs,
    retainDeliveredCount: config.retainDeliveredCount,
    retainDeadMs: config.retainDeadMs,
  };
  store.work(queue, options, (delivery) => attemptDelivery(consumer, delivery, parts));
  return sender;
}

async function stopAll(
  listeners: readonly (Listener | undefined)[],
  ledger: IntakeLedger,
  store: Store,
  senders: readonly Sender[],
  log: Log,
): Promise<void> {
  log.info({ event: 'stopping' });
  const open = listeners.filter((listener) => listener !== undefined);
  await within(stopGraceMs, Promise.all([store.stopWorkers(), ...open.map((listener) => listener.drain())]), log);
  await within(closeGraceMs / 2, ledger.stop(), log);
  const closing = [...open, store, ...senders].map((part) => part.close());
  await within(closeGraceMs / 2, Promise.allSettled(closing), log);
  log.info({ event: 'stopped' });
}

function recallOf(app: AppConfig, config: Config): HttpConsumer {
  const policy = { scheduleMs: config.retryScheduleMs, deadlineMs: config.deliveryDeadlineMs };
  const resign = { mode: config.resign, toleranceSec: config.signatureToleranceSec };
  return { app: app.key, key: recallConsumer, url: app.recallWebhookUrl, secrets: app.secrets, policy, resign };
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
