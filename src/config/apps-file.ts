import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { type AppKey, keyRule, parseAppKey } from '../delivery/names.ts';
import { recallRegions } from '../recall/webhook-url.ts';
import type { Secret } from '../secret.ts';
import { baseUrlRule, isAllowedBaseUrl } from './recall-target.ts';
import { secretToken, secretTokenRule } from './values.ts';

const secretReference = z
  .union([
    z.strictObject({ env: z.string().min(1).describe('name of an environment variable') }),
    z.strictObject({ file: z.string().min(1).describe('path of a file; relative to the apps file') }),
  ])
  .describe('where the secret is; never the secret itself');

const recall = z.strictObject({
  zoomOauthAppId: z.uuid().describe('id of the Zoom OAuth App in Recall'),
  region: z.enum(recallRegions).optional().describe('the Recall region the app was created in'),
  baseUrl: z.string().optional().describe('instead of the region: another base URL, for a stand-in'),
});

const app = z.strictObject({
  zoomSecretToken: z
    .union([secretReference, z.array(secretReference).min(1).max(2)])
    .describe("Zoom's Secret Token; two while rotating, the current one first"),
  recall,
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

/** Reads the apps file and the secrets it refers to; all problems at once. */
export function readAppsFile(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): { readonly apps: readonly AppSettings[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const report = (where: string, what: string): void => {
    problems.push({ where: where === '' ? 'APPS_FILE' : `APPS_FILE ${where}`, what });
  };
  const document = parseJsonFile(path, report);
  const parsed = document === undefined ? undefined : appsFileSchema.safeParse(document);
  for (const issue of parsed?.error?.issues ?? []) report(issue.path.join('.'), describeIssue(issue));
  if (parsed?.data !== undefined && Object.keys(parsed.data.apps).length === 0) report('apps', 'names no app');
  const apps = Object.entries(parsed?.data?.apps ?? {}).flatMap(([name, entry]) => {
    const where = `apps.${name}`;
    const key = parseAppKey(name);
    if (key === undefined) report(where, `the key must be ${keyRule}`);
    const { zoomOauthAppId, region, baseUrl } = entry.recall;
    if ((region === undefined) === (baseUrl === undefined))
      report(`${where}.recall`, 'needs region or baseUrl, one of them');
    if (baseUrl !== undefined && !isAllowedBaseUrl(baseUrl)) report(`${where}.recall.baseUrl`, baseUrlRule);
    const references = [entry.zoomSecretToken].flat();
    const secrets = references.flatMap((reference) => {
      const secret = resolveSecret(reference, env, dirname(path), `${where}.zoomSecretToken`, report);
      return secret === undefined ? [] : [secret];
    });
    return key === undefined ? [] : [{ key, secrets, zoomOauthAppId, region, baseUrl }];
  });
  return { apps, problems };
}

type Report = (where: string, what: string) => void;

function parseJsonFile(path: string, report: Report): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    // The parser's message quotes the file.
    report('', error instanceof SyntaxError ? 'is no valid JSON' : 'names a file that cannot be read');
    return undefined;
  }
}

function resolveSecret(
  reference: z.infer<typeof secretReference>,
  env: Readonly<Record<string, string | undefined>>,
  folder: string,
  where: string,
  report: Report,
): Secret | undefined {
  const [value, source] =
    'env' in reference
      ? [env[reference.env], `variable ${reference.env}`]
      : [readSecretFile(folder, reference.file), 'file'];
  if (value === undefined || value.trim() === '') {
    report(where, `refers to a ${source} that is ${'env' in reference ? 'not set' : 'not readable or empty'}`);
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

/** zod's messages name types and allowed values; only the ones that could quote the input are replaced. */
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
      return issue.input === undefined ? `is missing or not a ${issue.expected}` : `must be a ${issue.expected}`;
    default:
      return 'is not valid';
  }
}
