import { randomBytes } from 'node:crypto';
import type { Environment } from '../../src/config.ts';
import type { RecallApiOptions } from '../../src/demo/recall-api/recall-api-stand-in.ts';
import { type RecallStandIn, startRecallStandIn } from '../../src/demo/recall-stand-in.ts';
import { publishedSecret } from '../../src/demo/samples.ts';
import type { ZoomAppRegistration, ZoomUserRegistration } from '../../src/demo/zoom-oauth/registrations.ts';
import {
  startZoomOAuthStandIn,
  type ZoomOAuthStandIn,
  type ZoomOAuthStandInOptions,
} from '../../src/demo/zoom-oauth/zoom-oauth-stand-in.ts';
import { oauthAppId, testEnvironment, testSecret } from './test-relay.ts';

/** Stand-ins for Zoom and Recall that know of one user-level app, and what a relay for it is configured with. */
export interface ConnectStage {
  readonly zoom: ZoomOAuthStandIn;
  readonly recall: RecallStandIn;
  readonly app: ZoomAppRegistration;
  readonly users: readonly [ZoomUserRegistration, ZoomUserRegistration];
  /** Where the relay says it is. */
  readonly publicUrl: string;
  readonly redirectUri: string;
  /** For `startRelay`, or as `env` of `startTestRelay` (whose own Recall stand-in is then not asked). */
  readonly env: Environment;
  /** Where callbacks to `publicUrl` go from now on: the relay's public listener. */
  reachAt(relayUrl: URL): void;
  stop(): Promise<void>;
}

export interface ConnectStageOptions {
  readonly storeUrl: string;
  readonly mode?: 'recall-managed' | 'customer-managed';
  /** `https://relay.example` when absent. */
  readonly publicUrl?: string;
  readonly nowMs?: () => number;
  /** Recall signs its calls with it, and the relay has it as `RECALL_WORKSPACE_SECRET`. */
  readonly workspaceSecret?: string;
  readonly zoom?: Partial<ZoomOAuthStandInOptions>;
  readonly recall?: Partial<RecallApiOptions>;
}

export const ada = {
  id: 'x1yCzABCDEfg23HiJKl4mN',
  accountId: 'VjZoEArIT5y-HlWxkV-tVA',
  email: 'ada@example.com',
  pmi: 5550001111,
};
export const bob = { id: '8lzIwvZTSOqjndWPbPqzuA', accountId: 'VjZoEArIT5y-HlWxkV-tVA', email: 'bob@example.com' };

const scopes = [
  'meeting:read:list_meetings',
  'meeting:read:local_recording_token',
  'meeting:read:meeting',
  'user:read:token',
  'user:read:user',
  'user:read:zak',
];

export async function startConnectStage(options: ConnectStageOptions): Promise<ConnectStage> {
  const { storeUrl, mode = 'recall-managed', publicUrl = 'https://relay.example', nowMs = Date.now } = options;
  const { workspaceSecret } = options;
  const redirectUri = `${publicUrl}/oauth-callback/zoom`;
  const app: ZoomAppRegistration = {
    clientId: 'ADZ9k9bTWmGUoUb-CUKU_a', // with both characters that a form-encoding Basic gets wrong
    clientSecret: 'a-client_secret-for-tests',
    redirectUris: [redirectUri],
    scopes,
    kind: 'user_level',
  };
  const users = [ada, bob] as const;
  const zoom = await startZoomOAuthStandIn({ apps: [app], users: [...users], nowMs, ...options.zoom });
  const recall = await startRecallStandIn(oauthAppId, [testSecret, publishedSecret], 0, {
    app,
    zoomBaseUrl: zoom.baseUrl,
    nowMs,
    workspaceSecrets: workspaceSecret === undefined ? [] : [workspaceSecret],
    ...options.recall,
  });
  return {
    zoom,
    recall,
    app,
    users,
    publicUrl,
    redirectUri,
    env: {
      ...testEnvironment(storeUrl, recall.baseUrl),
      RECALL_API_KEY: recall.api.apiKey,
      ZOOM_APP_CLIENT_ID: app.clientId,
      ZOOM_APP_CLIENT_SECRET: app.clientSecret,
      PUBLIC_URL: publicUrl,
      CONNECT_MODE: mode,
      ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      ZOOM_BASE_URL: zoom.baseUrl,
      ZOOM_API_URL: zoom.baseUrl,
      ...(workspaceSecret !== undefined && { RECALL_WORKSPACE_SECRET: workspaceSecret }),
    },
    reachAt(relayUrl) {
      recall.api.settings.resolve = { [new URL(publicUrl).origin]: relayUrl.origin };
    },
    async stop() {
      await recall.api.settled();
      await Promise.all([zoom.close(), recall.close()]);
    },
  };
}
