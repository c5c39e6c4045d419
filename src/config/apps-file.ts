import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { type AppKey, keyRule, parseAppKey } from '../delivery/names.ts';
import { recallRegions } from '../recall/webhook-url.ts';
import type { Secret } from '../secret.ts';
import { baseUrlRule, isAllowedBaseUrl } from './recall-target.ts';
import { secretToken, secretTokenRule } from './values.ts';

/** Capitals, so that a secret written here by mistake is not taken for a name and told in a message. */
const variableName = /^[A-Z][A-Z0-9_]{0,99}$/;

const secretReference = z
  .union([
    z.strictObject({ env: z.string().regex(variableName).describe('name of an environment variable, in capitals') }),
    z.strictObject({ file: z.string().min(1).describe('path of a file; relative to the apps file') }),
  ])
  .describe('where the secret is; never the secret itself');

const secretReferences = z
  .union([secretReference, z.array(secretReference).min(1).max(2)])
  .describe("Zoom's Secret Token; two while rotating, the current one first");

const recall = z
  .strictObject({
    zoomOauthAppId: z.uuid().describe('id of the Zoom OAuth App in Recall'),
    region: z.enum(recallRegions).optional().describe('the Recall region the app was created in'),
    baseUrl: z.string().optional().describe('instead of the region: another base URL, for a stand-in'),
  })
  .describe('needs region or baseUrl, one of them');

const app = z.strictObject({ zoomSecretToken: secretReferences, recall });

/** The document that `APPS_FILE` names. */
export const appsFileSchema = z
  .strictObject({
    $schema: z.string().optional(),
    apps: z.record(z.string().describe(`the app's key: ${keyRule}`), app),
  })
  .meta({ title: 'zoom-relay apps file' });

export interface AppSettings {
  readonly key: AppKey;
  readonly secrets: readonly Secret[];
  readonly zoomOauthAppId: string;
  readonly region: (typeof recallRegions)[number] | undefined;
  readonly baseUrl: string | undefined;
}

/** What is wrong, named by where it stands: `APPS_FILE apps.acme.recall.region`. Never a value. */
export interface Problem {
  readonly where: string;
  readonly what: string;
}

type Environment = Readonly<Record<string, string | undefined>>;
type Report = (where: string, what: string) => void;

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
    report(issue.path.join('.'), describeIssue(issue));
  }
  // What can be checked is checked even where the form is wrong elsewhere: one start tells all.
  const entries = appEntries(document);
  if (entries.length === 0 && problems.length === 0) report('apps', 'names no app');
  const apps = entries.flatMap(([name, entry]) => readApp(name, entry, { env, folder: dirname(path), report }) ?? []);
  return { apps, problems };
}

function appEntries(document: unknown): readonly [string, unknown][] {
  const form = z.object({ apps: z.custom<object>((value) => typeof value === 'object' && value !== null) });
  const parsed = form.safeParse(document);
  return parsed.success ? Object.entries(parsed.data.apps) : [];
}

function readApp(
  name: string,
  entry: unknown,
  { env, folder, report }: { readonly env: Environment; readonly folder: string; readonly report: Report },
): AppSettings | undefined {
  const where = `apps.${name}`;
  const key = parseAppKey(name);
  if (key === undefined) report(where, `the key must be ${keyRule}`);
  const parts = z.object({ recall: z.unknown(), zoomSecretToken: z.unknown() }).safeParse(entry).data;
  const target = recall.safeParse(parts?.recall).data;
  if (target !== undefined) checkTarget(target, `${where}.recall`, report);
  const references = [secretReferences.safeParse(parts?.zoomSecretToken).data ?? []].flat();
  const secrets = references.flatMap((reference) => {
    return resolveSecret(reference, env, folder, `${where}.zoomSecretToken`, report) ?? [];
  });
  if (key === undefined || target === undefined) return undefined;
  const { zoomOauthAppId, region, baseUrl } = target;
  return { key, secrets, zoomOauthAppId, region, baseUrl };
}

function checkTarget({ region, baseUrl }: z.infer<typeof recall>, where: string, report: Report): void {
  if ((region === undefined) === (baseUrl === undefined)) report(where, 'needs region or baseUrl, one of them');
  if (baseUrl !== undefined && !isAllowedBaseUrl(baseUrl)) report(`${where}.baseUrl`, baseUrlRule);
}

function parseJsonFile(path: string, report: Report): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    // The parser's message quotes the file.
    report('', error instanceof SyntaxError ? 'is no valid JSON' : 'names a file that cannot be read');
    return undefined;
  }
}

function resolveSecret(
  reference: z.infer<typeof secretReference>,
  env: Environment,
  folder: string,
  where: string,
  report: Report,
): Secret | undefined {
  const isVariable = 'env' in reference;
  const value = isVariable ? env[reference.env] : readSecretFile(folder, reference.file);
  const source = isVariable ? `variable ${reference.env}` : 'file';
  if (value === undefined || value.trim() === '') {
    report(where, `refers to a ${source} that is ${isVariable ? 'not set' : 'not readable or empty'}`);
    return undefined;
  }
  const secret = secretToken(value);
  if (secret === undefined) report(where, `the ${source} it refers to ${secretTokenRule}`);
  return secret;
}

function readSecretFile(folder: string, path: string): string | undefined {
  try {
    return readFileSync(resolve(folder, path), 'utf8');
  } catch {
    return undefined;
  }
}

/** zod's messages name types and allowed values; the ones that could quote the input are replaced. */
function describeIssue(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return `has unknown ${issue.keys.length === 1 ? 'key' : 'keys'} ${issue.keys.join(', ')}`;
    case 'invalid_union':
      return 'must be {"env": "NAME"} or {"file": "path"}, or a list of one or two of them; a secret itself is not taken';
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    case 'invalid_format':
      return `must be a ${issue.format}`;
    case 'invalid_type':
      return `must be a ${issue.expected}`;
    default:
      return 'is not valid';
  }
}
