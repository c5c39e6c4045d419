import { z } from 'zod';
import { type AppKey, parseAppKey } from '../delivery/names.ts';
import type { RecallAppKind } from '../recall/api/recall-api.ts';
import { recallBaseUrl, recallRegions } from '../recall/webhook-url.ts';
import type { Secret } from '../secret.ts';
import { connectVariables } from './connect-variables.ts';
import { configurationInvalid, type Problem, type Report } from './problem.ts';
import { baseUrlRule, isAllowedBaseUrl } from './recall-target.ts';
import { readRegistrationOfFile } from './registration-of-file.ts';
import { optionalText, secrets, secretToken, secretTokenRule } from './values.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What is needed to have Recall have the Zoom OAuth App of one app: no store, no operator, no id of Recall's yet. */
export interface Registration {
  readonly app: AppKey;
  readonly baseUrl: string;
  readonly apiKey: Secret;
  readonly kind: RecallAppKind;
  readonly clientId: string;
  /** `undefined` when this relay keeps the tokens: then Recall needs none. */
  readonly clientSecret: Secret | undefined;
  /** The current Secret Token. */
  readonly webhookSecret: Secret;
  /** Without a trailing slash. */
  readonly publicUrl: string | undefined;
  /** The id of Recall's that the relay is configured with. */
  readonly configuredId: string | undefined;
  /** Where that id belongs: a variable, or a place in the apps file. */
  readonly idBelongsTo: string;
}

const variables = z.object({
  ZOOM_APP_SECRET_TOKEN: secrets(secretToken, secretTokenRule),
  RECALL_ZOOM_OAUTH_APP_ID: optionalText().pipe(
    z.uuid('must be a uuid: the id of the Zoom OAuth App in Recall; or leave it out, this command gives it').optional(),
  ),
  RECALL_REGION: optionalText().pipe(z.enum(recallRegions, `must be one of ${recallRegions.join(', ')}`).optional()),
  RECALL_BASE_URL: optionalText().refine((value) => value === undefined || isAllowedBaseUrl(value), baseUrlRule),
  RECALL_API_KEY: connectVariables.RECALL_API_KEY,
  ZOOM_APP_CLIENT_ID: connectVariables.ZOOM_APP_CLIENT_ID,
  ZOOM_APP_CLIENT_SECRET: connectVariables.ZOOM_APP_CLIENT_SECRET,
  ZOOM_APP_KIND: connectVariables.ZOOM_APP_KIND,
  CONNECT_MODE: connectVariables.CONNECT_MODE,
  PUBLIC_URL: connectVariables.PUBLIC_URL,
});
const publicUrlOnly = variables.pick({ PUBLIC_URL: true });

/**
 * Reads what registering one app needs, from variables or from the apps file.
 *
 * @param wantedApp its key; needed when the apps file has several
 * @throws RelayError `configuration_invalid` with all problems, naming variables, never values
 */
export function readRegistration(env: Environment, wantedApp: string | undefined): Registration {
  const problems: Problem[] = [];
  const report: Report = (where, what) => void problems.push({ where, what });
  const path = env.APPS_FILE?.trim();
  const own = path ? readFile(path, env, wantedApp, report) : readVariables(env, wantedApp, report);
  if (own === undefined || problems.length > 0) throw configurationInvalid(problems);
  return own;
}

function readFile(path: string, env: Environment, wantedApp: string | undefined, report: Report) {
  const parsed = publicUrlOnly.safeParse(env);
  reportIssues(parsed.error, report);
  const own = readRegistrationOfFile(path, env, wantedApp, report);
  return own && { ...own, publicUrl: parsed.data?.PUBLIC_URL };
}

function readVariables(env: Environment, wantedApp: string | undefined, report: Report): Registration | undefined {
  const parsed = variables.safeParse(env);
  reportIssues(parsed.error, report);
  const isKeptHere = env.CONNECT_MODE?.trim() === 'customer-managed';
  const needed = {
    ZOOM_APP_SECRET_TOKEN: 'the Secret Token of your Zoom app',
    ZOOM_APP_CLIENT_ID: "the Zoom app's client id",
    ...(!isKeptHere && { ZOOM_APP_CLIENT_SECRET: "the Zoom app's client secret" }),
    RECALL_API_KEY: 'an API key of your Recall workspace, of the same region',
    ...(!env.RECALL_BASE_URL?.trim() && { RECALL_REGION: `one of ${recallRegions.join(', ')}` }),
  };
  for (const [name, what] of Object.entries(needed)) if (!env[name]?.trim()) report(name, `is missing: ${what}`);
  if (env.RECALL_BASE_URL?.trim() && env.RECALL_REGION?.trim()) {
    report('RECALL_REGION', 'excludes RECALL_BASE_URL: set one of the two');
  }
  const app = parseAppKey(wantedApp ?? 'default');
  if (app !== 'default') report('--app', 'the one app of the variables is called default; set APPS_FILE for others');
  if (parsed.data === undefined || app === undefined) return undefined;
  const { RECALL_REGION: region, RECALL_API_KEY: apiKey, ZOOM_APP_CLIENT_ID: clientId } = parsed.data;
  const baseUrl = parsed.data.RECALL_BASE_URL ?? (region && recallBaseUrl(region));
  const [webhookSecret] = parsed.data.ZOOM_APP_SECRET_TOKEN;
  if (baseUrl === undefined || apiKey === undefined || clientId === undefined || webhookSecret === undefined) {
    return undefined; // was reported
  }
  return {
    app,
    baseUrl,
    apiKey,
    kind: parsed.data.ZOOM_APP_KIND === 'user-level' ? 'user_level' : 'account_level',
    clientId,
    clientSecret: isKeptHere ? undefined : parsed.data.ZOOM_APP_CLIENT_SECRET,
    webhookSecret,
    publicUrl: parsed.data.PUBLIC_URL,
    configuredId: parsed.data.RECALL_ZOOM_OAUTH_APP_ID,
    idBelongsTo: 'RECALL_ZOOM_OAUTH_APP_ID',
  };
}

function reportIssues(error: z.ZodError | undefined, report: Report): void {
  for (const issue of error?.issues ?? []) report(issue.path.join('.'), issue.message);
}
