import { dirname } from 'node:path';
import { z } from 'zod';
import { parseAppKey } from '../delivery/names.ts';
import { recallBaseUrl } from '../recall/webhook-url.ts';
import { appEntries, checkTarget, describeIssue, parseJsonFile, readApiKey, recallEntry } from './apps-file.ts';
import { connectEntry, readConnectEntry } from './connect.ts';
import type { Report } from './problem.ts';
import type { Registration } from './registration.ts';
import { SecretSources, secretReferences, zoomSecret } from './secret-sources.ts';

/** What of an app's entry is looked at. The id of Recall's may be missing: registering gives it. */
const entryForm = z.object({
  zoomSecretToken: secretReferences,
  recall: recallEntry.partial({ zoomOauthAppId: true }),
  connect: connectEntry,
});

type Environment = Readonly<Record<string, string | undefined>>;

/** Of one app of the apps file; what is wrong is reported, and with the other apps nothing is. */
export function readRegistrationOfFile(
  path: string,
  env: Environment,
  wantedApp: string | undefined,
  report: Report,
): Omit<Registration, 'publicUrl'> | undefined {
  const reportInFile: Report = (where, what) => report(where === '' ? 'APPS_FILE' : `APPS_FILE ${where}`, what);
  const document = parseJsonFile(path, reportInFile);
  if (document === undefined) return undefined;
  const entries = appEntries(document);
  const keys = entries.map(([key]) => key).filter((key) => parseAppKey(key) !== undefined);
  const wanted = wantedApp ?? (keys.length === 1 ? keys[0] : undefined);
  const entry = entries.find(([key]) => key === wanted)?.[1];
  const app = parseAppKey(wanted ?? '');
  if (app === undefined || entry === undefined) {
    report('--app', `must name one of the apps in the file: ${keys.join(', ') || 'there is none'}`);
    return undefined;
  }
  return readEntry(app, entry, new SecretSources(env, dirname(path), reportInFile));
}

function readEntry(
  app: Registration['app'],
  entry: unknown,
  sources: SecretSources,
): Omit<Registration, 'publicUrl'> | undefined {
  const where = `apps.${app}`;
  const parsed = entryForm.safeParse(entry);
  for (const issue of parsed.error?.issues ?? []) {
    sources.report([where, ...issue.path].join('.'), describeIssue(issue, entry));
  }
  if (parsed.data === undefined) return undefined;
  const { recall, zoomSecretToken } = parsed.data;
  checkTarget(recall, `${where}.recall`, sources.report);
  const [webhookSecret] = sources.resolve(zoomSecretToken, `${where}.zoomSecretToken`, zoomSecret);
  const connect = readConnectEntry(parsed.data.connect, `${where}.connect`, sources);
  const apiKey = readApiKey(recall, true, `${where}.recall.apiKey`, sources);
  const baseUrl = recall.baseUrl ?? (recall.region && recallBaseUrl(recall.region));
  if (webhookSecret === undefined || connect === undefined || apiKey === undefined || baseUrl === undefined) {
    return undefined; // was reported
  }
  return {
    app,
    baseUrl,
    apiKey,
    kind: connect.kind === 'user-level' ? 'user_level' : 'account_level',
    clientId: connect.clientId,
    clientSecret: connect.mode === 'customer-managed' ? undefined : connect.clientSecret,
    webhookSecret,
    configuredId: recall.zoomOauthAppId,
    idBelongsTo: `apps.${app}.recall.zoomOauthAppId of APPS_FILE`,
  };
}
