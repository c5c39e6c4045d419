import { z } from 'zod';
import { type AppSettings, readAppsFile } from './config/apps-file.ts';
import type { ConnectSettings } from './config/connect.ts';
import {
  checkConnectVariables,
  checkSharedConnectVariables,
  connectOwnVariables,
  connectVariables,
  isConnectOn,
  toConnectSettings,
} from './config/connect-variables.ts';
import type { HttpConsumerSettings } from './config/http-consumers.ts';
import { type OperatorToken, readOperatorTokens } from './config/operator-tokens.ts';
import { configurationInvalid, type Problem } from './config/problem.ts';
import { baseUrlRule, isAllowedBaseUrl } from './config/recall-target.ts';
import { collectorUrl, serviceName, tracesUrlOf } from './config/tracing-values.ts';
import {
  duration,
  durationOrNone,
  fail,
  host,
  hostNames,
  integer,
  oneOf,
  optionalSecret,
  optionalText,
  schedule,
  secretToken,
  secretTokenRule,
} from './config/values.ts';
import { type ResignMode, resignModes } from './consumers/resign.ts';
import type { AppKey } from './delivery/names.ts';
import { parseAppKey } from './delivery/names.ts';
import { RelayError } from './errors.ts';
import { type LogLevel, logLevels } from './log.ts';
import { recallBaseUrl, recallRegions, recallWebhookUrl } from './recall/webhook-url.ts';
import { Secret } from './secret.ts';
import { parseRedisUrl } from './store/redis-url.ts';
import type { TracingSettings } from './tracing.ts';
import type { SecretTokens } from './zoom/secret-token.ts';

export const roles = ['edge', 'worker', 'operator'] as const;
export type Role = (typeof roles)[number];

export interface AppConfig {
  readonly key: AppKey;
  readonly secrets: SecretTokens;
  readonly recallWebhookUrl: URL;
  readonly recall: {
    readonly baseUrl: string;
    readonly zoomOauthAppId: string;
    /** Of the workspace. Needed for connecting only. */
    readonly apiKey: Secret | undefined;
  };
  /** Absent: nobody can connect to this app. */
  readonly connect: ConnectSettings | undefined;
  /** The company's own endpoints. */
  readonly consumers: readonly HttpConsumerSettings[];
}

/** Everything the relay is told, checked. Durations in milliseconds. */
export interface Config {
  readonly roles: readonly Role[];
  readonly apps: ReadonlyMap<AppKey, AppConfig>;
  /** May hold a password. */
  readonly storeUrl: Secret;
  readonly public: { readonly host: string; readonly port: number };
  readonly private: { readonly host: string; readonly port: number };
  /** Where Zoom, Recall and people reach the public listener, without a trailing slash. Set when an app has `connect`. */
  readonly publicUrl: string | undefined;
  /** Base64 of 32 bytes each, the current one first; one or two when an app has `connect`. */
  readonly encryptionKeys: readonly Secret[];
  readonly zoom: { readonly baseUrl: string; readonly apiUrl: string };
  /** One or more when the operator role is present. */
  readonly operatorTokens: readonly OperatorToken[];
  /** Names by which the private listener may be asked for, besides `localhost` and addresses. */
  readonly operatorPublicHosts: readonly string[];
  /** Where alerts are posted to. Whoever has it can post. */
  readonly alertWebhookUrl: Secret | undefined;
  readonly ackDeadlineMs: number;
  readonly signatureToleranceSec: number;
  readonly maxBodyBytes: number;
  readonly deliveryTimeoutMs: number;
  readonly deliveryConcurrency: number;
  readonly retryScheduleMs: readonly number[];
  readonly deliveryDeadlineMs: number;
  readonly resign: ResignMode;
  readonly retainDeliveredMs: number;
  readonly retainDeliveredCount: number;
  readonly retainDeadMs: number;
  readonly retainAuditMs: number;
  /** How long the directory keeps a meeting after it was; `undefined`: no directory is kept. */
  readonly retainDirectoryMs: number | undefined;
  /** Path of the module with the company's own handlers. */
  readonly handlers: string | undefined;
  /** Run on a Redis that evicts keys when it is full. */
  readonly dangerouslyAllowEviction: boolean;
  readonly logLevel: LogLevel;
  /** Where traces go; `undefined`: nowhere. */
  readonly tracing: TracingSettings | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const defaultStoreUrl = 'file:./data';

const storeUrl = optionalText().transform((value, context) => {
  const url = value ?? defaultStoreUrl;
  const isPostgres = /^postgres(ql)?:\/\/./.test(url) && URL.canParse(url);
  if (/^file:./.test(url) || isPostgres || parseRedisUrl(url) !== undefined) return new Secret(url);
  return fail(
    context,
    'must be a file:, postgres://, redis://, rediss://, redis+sentinel:// or redis+cluster:// URL, see README.md',
  );
});

const secretTokens = optionalText().transform((value, context) => {
  if (value === undefined) return undefined;
  const tokens = value.split(',').map(secretToken);
  const valid = tokens.filter((token) => token !== undefined);
  if (valid.length === tokens.length && tokens.length <= 2) return valid;
  return fail(context, `${secretTokenRule}; two of them, separated by a comma, while rotating`);
});

const alertWebhookUrl = optionalText().transform((value, context) => {
  if (value === undefined) return undefined;
  const url = URL.parse(value);
  const isAllowed = url !== null && url.username === '' && url.password === '' && isAllowedBaseUrl(url.origin);
  return isAllowed
    ? new Secret(url.href)
    : fail(context, 'must be an https: URL without user (http: only to 127.0.0.0/8, [::1] or localhost)');
});

const variables = z.object({
  ZOOM_APP_SECRET_TOKEN: secretTokens,
  RECALL_ZOOM_OAUTH_APP_ID: optionalText().pipe(
    z.uuid('must be a uuid: the id of the Zoom OAuth App in Recall').optional(),
  ),
  RECALL_REGION: optionalText().pipe(z.enum(recallRegions, `must be one of ${recallRegions.join(', ')}`).optional()),
  RECALL_BASE_URL: optionalText().refine((value) => value === undefined || isAllowedBaseUrl(value), baseUrlRule),
  APPS_FILE: optionalText(),
  ...connectVariables,
  STORE_URL: storeUrl,
  HOST: host('0.0.0.0'),
  PORT: integer({ min: 0, max: 65_535, default: 8080 }),
  OPERATOR_HOST: host('127.0.0.1'),
  OPERATOR_PORT: integer({ min: 0, max: 65_535, default: 9090 }),
  OPERATOR_TOKEN: optionalSecret(),
  OPERATOR_TOKENS: optionalText(),
  OPERATOR_PUBLIC_HOST: hostNames(),
  ALERT_WEBHOOK_URL: alertWebhookUrl,
  ACK_DEADLINE_MS: integer({ min: 50, max: 2500, default: 1500 }),
  SIGNATURE_TOLERANCE_SEC: integer({ min: 1, max: 1_000_000_000, default: 300 }),
  MAX_BODY_BYTES: integer({ min: 1024, max: 16_777_216, default: 1_048_576 }),
  DELIVERY_TIMEOUT_MS: integer({ min: 100, max: 120_000, default: 10_000 }),
  DELIVERY_CONCURRENCY: integer({ min: 1, max: 1000, default: 16 }),
  RETRY_SCHEDULE: schedule('5s,15s,1m,5m,15m,30m,1h,2h,4h,8h,8h'),
  DELIVERY_DEADLINE: duration({ min: '1s', max: '365d', default: '72h' }),
  RESIGN: oneOf(resignModes, 'when-refused'),
  RETAIN_DELIVERED: duration({ min: '1s', max: '365d', default: '7d' }),
  RETAIN_DELIVERED_COUNT: integer({ min: 1, max: 100_000_000, default: 100_000 }),
  RETAIN_DEAD: duration({ min: '1h', max: '3650d', default: '30d' }),
  RETAIN_AUDIT: duration({ min: '1d', max: '3650d', default: '365d' }),
  RETAIN_DIRECTORY: durationOrNone({ min: '1d', max: '3650d', default: '90d' }),
  HANDLERS: optionalText().refine(
    (value) => value === undefined || /\.[cm]?[jt]s$/.test(value),
    'must be the path of a .ts, .mts, .js or .mjs module',
  ),
  DANGEROUSLY_ALLOW_EVICTION: oneOf(['0', '1'], '0'),
  LOG_LEVEL: oneOf(logLevels, 'info'),
  OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collectorUrl(),
  OTEL_SERVICE_NAME: serviceName(),
});
type Variables = z.infer<typeof variables>;

/** Every variable that is read, besides `REDIS_URL` (for `STORE_URL`). README.md has a row for each. */
export const variableNames = Object.keys(variables.shape);

/**
 * Reads the environment and the apps file once.
 *
 * @throws RelayError `configuration_invalid` with all problems, naming variables, never values
 */
export function loadConfig(env: Environment, wantedRoles: readonly Role[]): Config {
  const problems: Problem[] = [];
  const storeVariable = env.STORE_URL?.trim() || !env.REDIS_URL?.trim() ? 'STORE_URL' : 'REDIS_URL';
  const parsed = variables.safeParse({ ...env, STORE_URL: env[storeVariable] });
  for (const issue of parsed.error?.issues ?? []) {
    const name = issue.path.join('.');
    problems.push({ where: name === 'STORE_URL' ? storeVariable : name, what: issue.message });
  }
  const own = secretToken(env.OPERATOR_TOKEN ?? '');
  const operators = readOperatorTokens(own, env.OPERATOR_TOKENS?.trim() || undefined, env);
  problems.push(...operators.problems);
  if (wantedRoles.includes('operator') && !env.OPERATOR_TOKEN?.trim() && !env.OPERATOR_TOKENS?.trim()) {
    problems.push({
      where: 'OPERATOR_TOKEN',
      what: 'is needed by the operator role (or OPERATOR_TOKENS): make one with "openssl rand -hex 24"',
    });
  }
  const isFile = (env[storeVariable]?.trim() || defaultStoreUrl).startsWith('file:');
  if (isFile && wantedRoles.length < roles.length) {
    problems.push({
      where: 'STORE_URL',
      what: 'a file: store takes one process, so it takes all roles; use Redis or PostgreSQL to split them',
    });
  }
  const { apps, problems: appProblems } = readApps(env);
  problems.push(...appProblems);
  if (apps.some(({ connect }) => connect !== undefined) || isConnectOn(env)) {
    const isAtRecall = apps.some(({ connect, region }) => connect !== undefined && region !== undefined);
    checkSharedConnectVariables(env, isAtRecall, (where, what) => problems.push({ where, what }));
  }
  if (!parsed.success || problems.length > 0) throw configurationInvalid(problems);
  return toConfig(parsed.data, apps, operators.tokens, wantedRoles);
}

/** One app from variables, or several from `APPS_FILE`; not both. */
function readApps(env: Environment): { apps: readonly AppSettings[]; problems: readonly Problem[] } {
  const own = [
    ...(['ZOOM_APP_SECRET_TOKEN', 'RECALL_ZOOM_OAUTH_APP_ID', 'RECALL_REGION', 'RECALL_BASE_URL'] as const),
    ...connectOwnVariables,
  ];
  const set = own.filter((name) => env[name]?.trim());
  if (env.APPS_FILE?.trim()) {
    if (set.length === 0) return readAppsFile(env.APPS_FILE.trim(), env);
    return {
      apps: [],
      problems: [
        { where: set.join(', '), what: 'cannot be set together with APPS_FILE: say it in that file, for each app' },
      ],
    };
  }
  const problems: Problem[] = [];
  const need = (name: (typeof own)[number], what: string): void => {
    if (!env[name]?.trim()) problems.push({ where: name, what });
  };
  need('ZOOM_APP_SECRET_TOKEN', 'is missing: the Secret Token of your Zoom app (or set APPS_FILE for several apps)');
  need('RECALL_ZOOM_OAUTH_APP_ID', 'is missing: the id of the Zoom OAuth App in Recall');
  if (!env.RECALL_BASE_URL?.trim()) need('RECALL_REGION', `is missing: one of ${recallRegions.join(', ')}`);
  else if (env.RECALL_REGION?.trim())
    problems.push({ where: 'RECALL_REGION', what: 'excludes RECALL_BASE_URL: set one of the two' });
  const isConnecting = checkConnectVariables(env, (where, what) => problems.push({ where, what }));
  if (problems.length > 0) return { apps: [], problems };
  const values = ofOneApp.safeParse(env);
  const key = parseAppKey('default');
  if (!values.success || key === undefined) return { apps: [], problems }; // reported with the other variables
  const { ZOOM_APP_SECRET_TOKEN: secrets = [], RECALL_ZOOM_OAUTH_APP_ID: zoomOauthAppId = '' } = values.data;
  const { RECALL_REGION: region, RECALL_BASE_URL: baseUrl, RECALL_API_KEY: apiKey } = values.data;
  const connect = isConnecting ? toConnectSettings(values.data) : undefined;
  return { apps: [{ key, secrets, zoomOauthAppId, region, baseUrl, apiKey, connect, consumers: [] }], problems };
}

const ofOneApp = variables
  .pick({ ZOOM_APP_SECRET_TOKEN: true, RECALL_ZOOM_OAUTH_APP_ID: true, RECALL_REGION: true, RECALL_BASE_URL: true })
  .extend(connectVariables);

function toConfig(
  values: Variables,
  apps: readonly AppSettings[],
  operatorTokens: readonly OperatorToken[],
  wantedRoles: readonly Role[],
): Config {
  return {
    roles: wantedRoles,
    apps: new Map(apps.map((app) => [app.key, toAppConfig(app)])),
    storeUrl: values.STORE_URL,
    public: { host: values.HOST, port: values.PORT },
    private: { host: values.OPERATOR_HOST, port: values.OPERATOR_PORT },
    publicUrl: values.PUBLIC_URL,
    encryptionKeys: values.ENCRYPTION_KEY,
    zoom: { baseUrl: values.ZOOM_BASE_URL, apiUrl: values.ZOOM_API_URL },
    operatorTokens,
    operatorPublicHosts: values.OPERATOR_PUBLIC_HOST,
    alertWebhookUrl: values.ALERT_WEBHOOK_URL,
    ackDeadlineMs: values.ACK_DEADLINE_MS,
    signatureToleranceSec: values.SIGNATURE_TOLERANCE_SEC,
    maxBodyBytes: values.MAX_BODY_BYTES,
    deliveryTimeoutMs: values.DELIVERY_TIMEOUT_MS,
    deliveryConcurrency: values.DELIVERY_CONCURRENCY,
    retryScheduleMs: values.RETRY_SCHEDULE,
    deliveryDeadlineMs: values.DELIVERY_DEADLINE,
    resign: values.RESIGN,
    retainDeliveredMs: values.RETAIN_DELIVERED,
    retainDeliveredCount: values.RETAIN_DELIVERED_COUNT,
    retainDeadMs: values.RETAIN_DEAD,
    retainAuditMs: values.RETAIN_AUDIT,
    retainDirectoryMs: values.RETAIN_DIRECTORY,
    handlers: values.HANDLERS,
    dangerouslyAllowEviction: values.DANGEROUSLY_ALLOW_EVICTION === '1',
    logLevel: values.LOG_LEVEL,
    tracing: toTracing(values),
  };
}

function toTracing(values: Variables): TracingSettings | undefined {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own } = values;
  const endpoint = own ?? (base && tracesUrlOf(base));
  return endpoint && { endpoint, serviceName: values.OTEL_SERVICE_NAME };
}

function toAppConfig(settings: AppSettings): AppConfig {
  const { key, secrets, zoomOauthAppId, region, baseUrl, consumers, apiKey, connect } = settings;
  const [current, ...previous] = secrets;
  const base = baseUrl ?? (region === undefined ? undefined : recallBaseUrl(region));
  if (current === undefined || base === undefined) throw new RelayError('internal', 'an app was not checked');
  return {
    key,
    secrets: [current, ...previous],
    recallWebhookUrl: recallWebhookUrl(base, zoomOauthAppId),
    recall: { baseUrl: base.replace(/\/+$/, ''), zoomOauthAppId, apiKey },
    connect,
    consumers,
  };
}
