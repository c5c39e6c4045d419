import { randomBytes } from 'node:crypto';
import type { AppConfig, Config } from './config.ts';
import { type Connect, createConnect } from './connect/create-connect.ts';
import { createKeyRing } from './connect/key-ring.ts';
import type { ConnectApp, ConnectObserver } from './connect/ports.ts';
import { createRecallApi } from './recall/api/create-recall-api.ts';
import type { Store } from './store/store.ts';
import { createZoomApi } from './zoom/oauth/create-zoom-api.ts';
import { createZoomOAuth } from './zoom/oauth/create-zoom-oauth.ts';

/** Recall waits 5 s for a token; what a person waits for may take as long. Milliseconds. */
const zoomApiTimeoutMs = 4000;

/** Joins the parts of the OAuth side; `undefined` when no app is configured for it. Opens nothing but sockets it needs. */
export function composeConnect(config: Config, store: Store, observe: ConnectObserver): Connect | undefined {
  const apps = [...config.apps.values()].flatMap((app) => composeApp(app, config) ?? []);
  const [current, ...previous] = config.encryptionKeys;
  if (apps.length === 0 || current === undefined || config.publicUrl === undefined) return undefined;
  return createConnect({
    apps: new Map(apps.map((app) => [app.key, app])),
    records: store.records('connect'),
    zoomApi: createZoomApi({ apiUrl: config.zoom.apiUrl, timeoutMs: zoomApiTimeoutMs }),
    keys: createKeyRing([current, ...previous]),
    publicUrl: config.publicUrl,
    nowMs: Date.now,
    randomBytes,
    observe,
  });
}

function composeApp({ key, recall, connect }: AppConfig, { zoom }: Config): ConnectApp | undefined {
  if (connect === undefined || recall.apiKey === undefined) return undefined;
  const { mode, kind, clientId, clientSecret, returnOrigins, workspaceSecrets, requireRecallSignature } = connect;
  const { baseUrl, apiKey, zoomOauthAppId } = recall;
  return {
    key,
    mode,
    kind: kind === 'user-level' ? 'user_level' : 'account_level',
    oauthApp: zoomOauthAppId,
    clientId,
    returnOrigins,
    workspaceSecrets,
    requireRecallSignature,
    recall: createRecallApi({ baseUrl, apiKey, nowMs: Date.now, random: Math.random }),
    zoom: createZoomOAuth({ zoomBaseUrl: zoom.baseUrl, clientId, clientSecret, nowMs: Date.now }),
  };
}
