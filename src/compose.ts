import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Hono } from 'hono';
import type { AppConfig, Config } from './config.ts';
import { attemptDelivery, type HttpConsumer } from './consumers/attempt-delivery.ts';
import { createUndiciSender } from './consumers/undici-sender.ts';
import { IntakeTally } from './delivery/intake-tally.ts';
import type { ConsumerCounts, IntakeCounts } from './delivery/ledger.ts';
import { type AppKey, type ConsumerKey, queueNameOf, recallConsumer } from './delivery/names.ts';
import type { RelayError } from './errors.ts';
import { errorResponse } from './http-error.ts';
import { createIntakeRoutes } from './intake/routes.ts';
import { type Listener, listen } from './listener.ts';
import type { Log } from './log.ts';
import { createHealthRoutes, type Health } from './operator/health-routes.ts';
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
/** What is under way gets this long when the process is told to stop, milliseconds. */
const stopGraceMs = 25_000;

/** A running relay. */
export interface Relay {
  /** Present with the edge role. */
  readonly publicUrl: URL | undefined;
  readonly privateUrl: URL;
  health(): Health;
  /** Since this process started. */
  intakeCounts(app: AppKey): Omit<IntakeCounts, 'received'>;
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
  const isEdge = config.roles.includes('edge');
  const isWorker = config.roles.includes('worker');
  let stopping = false;
  const { promise: failed, resolve: onFatal } = Promise.withResolvers<RelayError>();
  const queues = [...config.apps.keys()].map((app) => queueNameOf(app, recallConsumer));
  const health = (): Health => (stopping ? { ready: false, reason: 'shutting down' } : store.status());
  const metrics = createMetrics(() => store.status().ready);
  const tally = new IntakeTally();

  const intake = createIntakeRoutes(
    new Map([...config.apps].map(([key, { secrets }]) => [key, { key, secrets, consumers: [recallConsumer] }])),
    {
      toleranceSec: config.signatureToleranceSec,
      maxBodyBytes: config.maxBodyBytes,
      ackDeadlineMs: config.ackDeadlineMs,
    },
    {
      writer: { add: (deliveries) => store.add(deliveries) },
      observe: reportIntake(log, tally, metrics),
      readingBudget: { bytes: readingBytes },
      isStopping: () => stopping,
      nowMs: Date.now,
    },
  );
  const publicApp = withErrors(new Hono().route('/', intake).route('/', createHealthRoutes(health, false)), log);
  const privateApp = withErrors(createPrivateRoutes(health, metrics), log);
  const listeners = await listenOnBoth(isEdge ? publicApp : undefined, privateApp, config);
  const store: Store = openStore({
    url: config.storeUrl.reveal(),
    queues,
    workers: isWorker ? queues.length : 0,
    log,
    nowMs: () => performance.now(),
    onFatal,
  });
  const sender = createUndiciSender(config.deliveryTimeoutMs, config.deliveryConcurrency);
  const parts = { sender, observe: reportDelivery(log, metrics), nowMs: Date.now, random: Math.random };
  if (isWorker) for (const app of config.apps.values()) work(store, recallOf(app, config), config, parts);
  log.info({ event: 'started', roles: config.roles, apps: [...config.apps.keys()], store: store.engine });

  let stopped: Promise<void> | undefined;
  return {
    publicUrl: listeners.public?.url,
    privateUrl: listeners.private.url,
    health,
    failed,
    intakeCounts: (app) => tally.of(app),
    consumerCounts: (app, consumer) => store.counts(queueNameOf(app, consumer)),
    stop() {
      stopped ??= (async () => {
        stopping = true;
        log.info({ event: 'stopping' });
        const everyListener = [listeners.public, listeners.private].filter((listener) => listener !== undefined);
        const drained = Promise.all([store.stopWorkers(), ...everyListener.map((listener) => listener.drain())]);
        await within(stopGraceMs, drained, log);
        const closed = Promise.allSettled([
          ...everyListener.map((listener) => listener.close()),
          store.close(),
          sender.close(),
        ]);
        await within(lockMarginMs, closed, log);
        log.info({ event: 'stopped' });
      })();
      return stopped;
    },
  };
}

function work(
  store: Store,
  consumer: HttpConsumer,
  config: Config,
  parts: Parameters<typeof attemptDelivery>[2],
): void {
  const options = {
    concurrency: config.deliveryConcurrency,
    lockMs: Math.max(config.deliveryTimeoutMs + lockMarginMs, minLockMs),
    retainDeliveredMs: config.retainDeliveredMs,
    retainDeliveredCount: config.retainDeliveredCount,
    retainDeadMs: config.retainDeadMs,
  };
  store.work(queueNameOf(consumer.app, consumer.key), options, (delivery) =>
    attemptDelivery(consumer, delivery, parts),
  );
}

function recallOf(app: AppConfig, config: Config): HttpConsumer {
  const policy = { scheduleMs: config.retryScheduleMs, deadlineMs: config.deliveryDeadlineMs };
  return { app: app.key, key: recallConsumer, url: app.recallWebhookUrl, secrets: app.secrets, policy };
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
