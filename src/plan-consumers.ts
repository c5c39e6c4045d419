import type { HttpConsumerSettings } from './config/http-consumers.ts';
import type { AppConfig, Config } from './config.ts';
import type { Consumer } from './consumers/attempt-delivery.ts';
import { createConnectionsTarget, type EndDeauthorized } from './consumers/connections-target.ts';
import { createDirectoryTarget, type DirectoryKeeper } from './consumers/directory-target.ts';
import { createHandlerTarget } from './consumers/handlers/handler-target.ts';
import type { LocalHandler } from './consumers/handlers/read-handlers.ts';
import { createHttpTarget, type HttpTargetParts } from './consumers/http-target.ts';
import type { Target } from './consumers/ports.ts';
import { createPublicConnector } from './consumers/public-connector.ts';
import { signAsStandardWebhook } from './consumers/sign-as-standard-webhook.ts';
import { signAsZoom } from './consumers/sign-as-zoom.ts';
import { createUndiciSender } from './consumers/undici-sender.ts';
import { matchesEvent } from './delivery/event-pattern.ts';
import { type AppKey, connectionsConsumer, directoryConsumer, recallConsumer } from './delivery/names.ts';
import { directoryEvents } from './directory/directory-events.ts';
import { RelayError } from './errors.ts';
import type { Log } from './log.ts';

/** One (app, consumer): what it gets and how it is worked on. Opens nothing until `openTarget`. */
export interface PlannedConsumer extends Omit<Consumer, 'target'> {
  /** @param event the event's name; `undefined` when the body names none */
  readonly wants: (event: string | undefined) => boolean;
  /** For one attempt as a whole. */
  readonly timeoutMs: number;
  readonly concurrency: number;
  readonly rateLimit: { readonly max: number; readonly durationMs: number } | undefined;
  openTarget(): Target;
}

export interface PlanParts {
  readonly handlers: readonly LocalHandler[];
  /** The directory of an app. */
  readonly directoryOf: (app: AppKey, retainMs: number) => DirectoryKeeper;
  /** Ends connections of apps that people can connect to. */
  readonly endDeauthorized: EndDeauthorized;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly nowMs: () => number;
}

/**
 * Every consumer of every app: Recall, the app's HTTP consumers, the directory, its connections, the handlers.
 *
 * @throws RelayError `configuration_invalid` when two consumers have one key, or a handler names an app that is not there
 */
export function planConsumers(config: Config, parts: PlanParts): readonly PlannedConsumer[] {
  const unknown = parts.handlers.flatMap(({ key, apps = [] }) => {
    return apps.filter((app) => ![...config.apps.keys()].some((known) => known === app)).map((app) => `${key}: ${app}`);
  });
  if (unknown.length > 0) {
    throw new RelayError(
      'configuration_invalid',
      `HANDLERS: handlers name apps that do not exist (${unknown.join(', ')})`,
    );
  }
  const planned = [...config.apps.values()].flatMap((app) => planApp(app, config, parts));
  const keys = planned.map(({ app, key }) => `${key} of app ${app}`);
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined) {
    throw new RelayError('configuration_invalid', `two consumers are called ${twice}: give the handler another name`);
  }
  return planned;
}

function planApp(app: AppConfig, config: Config, parts: PlanParts): readonly PlannedConsumer[] {
  const handlers = parts.handlers.filter(({ apps }) => apps?.some((key) => key === app.key) ?? true);
  return [
    planRecall(app, config, parts),
    ...app.consumers.map((settings) => planHttp(app, settings, config, parts)),
    ...planDirectory(app, config, parts),
    ...planConnections(app, config, parts),
    ...handlers.map((handler) => planHandler(app, handler, config, parts)),
  ];
}

type Defaults = Pick<
  PlannedConsumer,
  'app' | 'secrets' | 'policy' | 'timeoutMs' | 'concurrency' | 'rateLimit' | 'wants'
>;

function defaultsOf(app: AppConfig, config: Config): Defaults {
  return {
    app: app.key,
    secrets: app.secrets,
    policy: { scheduleMs: config.retryScheduleMs, deadlineMs: config.deliveryDeadlineMs },
    timeoutMs: config.deliveryTimeoutMs,
    concurrency: config.deliveryConcurrency,
    rateLimit: undefined,
    wants: () => true,
  };
}

function planRecall(app: AppConfig, config: Config, { nowMs }: PlanParts): PlannedConsumer {
  const defaults = defaultsOf(app, config);
  const sign = signAsZoom(app.secrets, { mode: config.resign, toleranceSec: config.signatureToleranceSec });
  return {
    ...defaults,
    key: recallConsumer,
    openTarget: () => {
      const sender = createUndiciSender(defaults.timeoutMs, defaults.concurrency);
      return createHttpTarget({ url: app.recallWebhookUrl, sign, sender, nowMs });
    },
  };
}

function planHttp(
  app: AppConfig,
  settings: HttpConsumerSettings,
  config: Config,
  { nowMs }: PlanParts,
): PlannedConsumer {
  const { url, patterns, scheduleMs, rateLimit } = settings;
  const defaults = defaultsOf(app, config);
  const timeoutMs = settings.timeoutMs ?? defaults.timeoutMs;
  const concurrency = settings.concurrency ?? defaults.concurrency;
  const sign = signOf(app, settings, config);
  return {
    ...defaults,
    key: settings.key,
    policy: { ...defaults.policy, scheduleMs: scheduleMs ?? defaults.policy.scheduleMs },
    timeoutMs,
    concurrency,
    rateLimit,
    wants: (event) => matchesEvent(patterns, event),
    openTarget: () => {
      const isAllowed = settings.allowedHosts.includes(url.hostname);
      const connector = isAllowed ? undefined : createPublicConnector(timeoutMs);
      return createHttpTarget({ url, sign, sender: createUndiciSender(timeoutMs, concurrency, connector), nowMs });
    },
  };
}

function signOf(app: AppConfig, settings: HttpConsumerSettings, config: Config): HttpTargetParts['sign'] {
  const { standardWebhooksSecrets } = settings;
  if (standardWebhooksSecrets !== undefined) return signAsStandardWebhook(standardWebhooksSecrets);
  return signAsZoom(app.secrets, { mode: config.resign, toleranceSec: config.signatureToleranceSec });
}

function planDirectory(app: AppConfig, config: Config, parts: PlanParts): readonly PlannedConsumer[] {
  const { retainDirectoryMs } = config;
  if (retainDirectoryMs === undefined) return [];
  return [
    {
      ...defaultsOf(app, config),
      key: directoryConsumer,
      wants: (event) => directoryEvents.some((name) => name === event),
      openTarget: () => createDirectoryTarget(parts.directoryOf(app.key, retainDirectoryMs), parts.log, parts.nowMs),
    },
  ];
}

function planConnections(app: AppConfig, config: Config, parts: PlanParts): readonly PlannedConsumer[] {
  if (app.connect === undefined) return [];
  return [
    {
      ...defaultsOf(app, config),
      key: connectionsConsumer,
      wants: (event) => event === 'app_deauthorized',
      openTarget: () => createConnectionsTarget(app.key, parts.endDeauthorized, parts.log),
    },
  ];
}

function planHandler(app: AppConfig, handler: LocalHandler, config: Config, { log }: PlanParts): PlannedConsumer {
  const defaults = defaultsOf(app, config);
  return {
    ...defaults,
    key: handler.key,
    policy: { ...defaults.policy, scheduleMs: handler.scheduleMs ?? defaults.policy.scheduleMs },
    timeoutMs: handler.timeoutMs,
    concurrency: handler.concurrency ?? defaults.concurrency,
    wants: (event) => event !== undefined && matchesEvent([handler.pattern], event),
    openTarget: () => createHandlerTarget(handler, app.key, log),
  };
}
