import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { type AppKey, consumerKeyRule, keyRule, parseAppKey } from '../delivery/names.ts';
import { recallRegions } from '../recall/webhook-url.ts';
import type { Secret } from '../secret.ts';
import { type ConnectSettings, connectEntry, readConnectEntry } from './connect.ts';
import { allowedHosts, type HttpConsumerSettings, httpConsumer, readHttpConsumers } from './http-consumers.ts';
import type { Problem, Report } from './problem.ts';
import { baseUrlRule, isAllowedBaseUrl } from './recall-target.ts';
import { apiKey, SecretSources, secretReference, secretReferences, zoomSecret } from './secret-sources.ts';

export const recallEntry = z
  .strictObject({
    zoomOauthAppId: z.uuid().describe('id of the Zoom OAuth App in Recall'),
    region: z.enum(recallRegions).optional().describe('the Recall region the app was created in'),
    baseUrl: z.string().optional().describe('instead of the region: another base URL, for a stand-in'),
    apiKey: secretReference.optional().describe('of the Recall workspace; RECALL_API_KEY'),
  })
  .describe('needs region or baseUrl, one of them');

const app = z.strictObject({
  zoomSecretToken: secretReferences,
  recall: recallEntry,
  consumers: z
    .record(z.string().describe(`the consumer's key: ${consumerKeyRule}`), httpConsumer)
    .optional()
    .describe("the company's own endpoints"),
  allowPrivateHosts: allowedHosts.optional(),
  connect: connectEntry.optional(),
});

/** The document that `APPS_FILE` names. */
export const appsFileSchema = z
  .strictObject({
    $schema: z.string().optional(),
    apps: z.record(z.string().describe(`the app's key: ${keyRule}`), app),
  })
  .meta({ title: 'zoom-relay apps file' });

export interface AppSettings {
  readonly key: AppKey;
  readonly consumers: readonly HttpConsumerSettings[];
  readonly secrets: readonly Secret[];
  readonly zoomOauthAppId: string;
  readonly region: (typeof recallRegions)[number] | undefined;
  readonly baseUrl: string | undefined;
  /** Of the Recall workspace. */
  readonly apiKey: Secret | undefined;
  /** Absent: nobody can connect to this app. */
  readonly connect: ConnectSettings | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the apps file and the secrets it refers to; all problems at once. */
export function readAppsFile(
  path: string,
  env: Environment,
): { readonly apps: readonly AppSettings[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const report: Report = (where, what) => {
    problems.push({ where: where === '' ? 'APPS_FILE' : `APPS_FILE ${where}`, what });
  };
  const document = parseJsonFile(path, report);
  if (document === undefined) return { apps: [], problems };
  for (const issue of appsFileSchema.safeParse(document).error?.issues ?? []) {
    report(issue.path.join('.'), describeIssue(issue, document));
  }
  // What can be checked is checked even where the form is wrong elsewhere: one start tells all.
  const entries = appEntries(document);
  const sources = new SecretSources(env, dirname(path), report);
  const apps = entries.flatMap(([name, entry]) => readApp(name, entry, sources) ?? []);
  if (apps.length === 0 && problems.length === 0) report('apps', 'names no app');
  return { apps, problems };
}

/** The entries of `apps`, in whatever form they are. */
export function appEntries(document: unknown): readonly [string, unknown][] {
  const form = z.object({ apps: z.custom<object>((value) => typeof value === 'object' && value !== null) });
  const parsed = form.safeParse(document);
  return parsed.success ? Object.entries(parsed.data.apps) : [];
}

const appParts = z.object({
  recall: z.unknown().optional(),
  zoomSecretToken: z.unknown().optional(),
  consumers: z.unknown().optional(),
  allowPrivateHosts: z.unknown().optional(),
  connect: z.unknown().optional(),
});

function readApp(name: string, entry: unknown, sources: SecretSources): AppSettings | undefined {
  const { report } = sources;
  const where = `apps.${name}`;
  const key = parseAppKey(name);
  if (key === undefined) report(where, `the key must be ${keyRule}`);
  const parts = appParts.safeParse(entry).data;
  const target = recallEntry.safeParse(parts?.recall).data;
  if (target !== undefined) checkTarget(target, `${where}.recall`, report);
  const secrets = sources.resolve(parts?.zoomSecretToken, `${where}.zoomSecretToken`, zoomSecret);
  const consumers = readHttpConsumers(parts?.consumers, parts?.allowPrivateHosts, where, sources);
  const connect = readConnectEntry(parts?.connect, `${where}.connect`, sources);
  if (key === undefined || target === undefined) return undefined;
  const { zoomOauthAppId, region, baseUrl } = target;
  const apiKey = readApiKey(target, connect !== undefined, `${where}.recall.apiKey`, sources);
  return { key, secrets, zoomOauthAppId, region, baseUrl, consumers, apiKey, connect };
}

/** The app's own, else the one in `RECALL_API_KEY`. */
export function readApiKey(
  { apiKey: reference }: Pick<z.infer<typeof recallEntry>, 'apiKey'>,
  isNeeded: boolean,
  where: string,
  sources: SecretSources,
): Secret | undefined {
  const shared = { env: 'RECALL_API_KEY' };
  const isShared = reference === undefined && sources.has(shared);
  const [key] = sources.resolve(isShared ? shared : reference, where, apiKey);
  if (isNeeded && reference === undefined && !isShared) {
    sources.report(where, "is needed to connect people's Zoom (or set RECALL_API_KEY)");
  }
  return key;
}

export function checkTarget(
  { region, baseUrl }: Pick<z.infer<typeof recallEntry>, 'region' | 'baseUrl'>,
  where: string,
  report: Report,
): void {
  if ((region === undefined) === (baseUrl === undefined)) report(where, 'needs region or baseUrl, one of them');
  if (baseUrl !== undefined && !isAllowedBaseUrl(baseUrl)) report(`${where}.baseUrl`, baseUrlRule);
}

export function parseJsonFile(path: string, report: Report): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    // The parser's message quotes the file.
    report('', error instanceof SyntaxError ? 'is no valid JSON' : 'names a file that cannot be read');
    return undefined;
  }
}

/** Each of an app that must be there, and what to write there. */
const toWrite: Readonly<Record<string, string>> = {
  zoomSecretToken: 'the Secret Token of the Zoom app, as {"env": "NAME"} or {"file": "path"}, or a list of two of them',
  recall: '{"zoomOauthAppId": "…", "region": "…"}',
  connect: '{"clientId": "…", "clientSecret": {"env": "NAME"}} of the Zoom app',
  clientId: "the Zoom app's client id",
  clientSecret: 'the client secret of the Zoom app, as {"env": "NAME"} or {"file": "path"}',
  url: 'an https: URL, where the notifications go',
};
const typeNames: Readonly<Record<string, string>> = {
  object: 'an object',
  record: 'an object',
  array: 'a list',
  int: 'a whole number',
};

/**
 * zod's messages name types and allowed values; the ones that could quote the input are replaced.
 *
 * @param document in which the issue was found
 */
export function describeIssue(issue: z.core.$ZodIssue, document: unknown): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return `has unknown ${issue.keys.length === 1 ? 'key' : 'keys'} ${issue.keys.join(', ')}`;
    case 'custom':
      return issue.message;
    case 'too_small':
    case 'too_big':
      return `must be ${issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`}`;
    case 'invalid_format':
      return issue.format === 'regex' ? 'is not of the form it must have' : `must be a ${issue.format}`;
    case 'invalid_union':
      return isMissing(issue, document) ? describeMissing(issue, issue.message) : issue.message;
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    case 'invalid_type': {
      const rule = `must be ${typeNames[issue.expected] ?? `a ${issue.expected}`}`;
      return isMissing(issue, document) ? describeMissing(issue, rule) : rule;
    }
    default:
      return 'is not valid';
  }
}

function isMissing({ path }: z.core.$ZodIssue, document: unknown): boolean {
  let value = document;
  for (const key of path) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  }
  return value === undefined;
}

function describeMissing({ path }: z.core.$ZodIssue, rule: string): string {
  const name = String(path.at(-1));
  if (name === 'zoomOauthAppId') return `is missing: zoom-relay register --app ${String(path.at(-3))} gives it`;
  const what = Object.hasOwn(toWrite, name) ? toWrite[name] : undefined;
  return `is missing: ${what ?? rule}`;
}
