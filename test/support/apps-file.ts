import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../src/config.ts';

export interface AppEntry {
  readonly secret: string;
  readonly zoomOauthAppId: string;
  readonly recallBaseUrl: string;
  /** As the file has them. */
  readonly consumers?: Readonly<Record<string, unknown>>;
  readonly allowPrivateHosts?: readonly string[];
}

/** An apps file in a temporary folder, its secrets in variables; `env` puts it in place of the one app's variables. */
export async function writeAppsFile(
  apps: Readonly<Record<string, AppEntry>>,
): Promise<{ readonly env: Environment; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'zoom-relay-apps-'));
  const path = join(folder, 'apps.json');
  const secrets: Record<string, string> = {};
  const document: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(apps)) {
    const name = `SECRET_OF_${key.toUpperCase()}`;
    secrets[name] = entry.secret;
    const recall = { zoomOauthAppId: entry.zoomOauthAppId, baseUrl: entry.recallBaseUrl };
    const { consumers, allowPrivateHosts } = entry;
    document[key] = { zoomSecretToken: { env: name }, recall, consumers, allowPrivateHosts };
  }
  await writeFile(path, JSON.stringify({ apps: document }));
  const instead = { ZOOM_APP_SECRET_TOKEN: '', RECALL_ZOOM_OAUTH_APP_ID: '', RECALL_BASE_URL: '' };
  return {
    env: { ...secrets, ...instead, APPS_FILE: path },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
