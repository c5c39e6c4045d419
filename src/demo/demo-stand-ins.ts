import { randomBytes } from 'node:crypto';
import { neededScopes } from '../zoom/oauth/scopes.ts';
import { demoClient, demoOauthAppId, demoSecret, demoUser } from './demo-app.ts';
import { startLoopbackServer } from './loopback-server.ts';
import { type RecallStandIn, startRecallStandIn } from './recall-stand-in.ts';
import { publishedSecret } from './samples.ts';
import { startZoomOAuthStandIn, type ZoomOAuthStandIn } from './zoom-oauth/zoom-oauth-stand-in.ts';

/** What the demo's relay talks to, and what it is configured with. */
export interface DemoStandIns {
  readonly recall: RecallStandIn;
  readonly zoom: ZoomOAuthStandIn;
  /** Where people, Zoom and Recall reach the relay. */
  readonly publicUrl: string;
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

const usualPorts = [8080, 9090] as const;

/** Starts both stand-ins for a relay on the usual ports, or on free ones when those are taken. */
export async function startDemoStandIns(): Promise<DemoStandIns> {
  const [port, operatorPort] = (await areFree(usualPorts)) ? usualPorts : await findFreePorts();
  const publicUrl = `http://127.0.0.1:${port}`;
  const kind = 'user_level';
  const scopes = neededScopes[kind].map(({ granular }) => granular);
  const app = { ...demoClient, redirectUris: [`${publicUrl}/oauth-callback/zoom`], scopes, kind } as const;
  const zoom = await startZoomOAuthStandIn({ apps: [app], users: [demoUser] });
  const api = { app, zoomBaseUrl: zoom.baseUrl, waf: false }; // the firewall would refuse an address of this machine
  const recall = await startRecallStandIn(demoOauthAppId, [demoSecret, publishedSecret], 0, api);
  return {
    recall,
    zoom,
    publicUrl,
    environment: {
      ZOOM_APP_SECRET_TOKEN: `${demoSecret.reveal()},${publishedSecret.reveal()}`,
      RECALL_ZOOM_OAUTH_APP_ID: demoOauthAppId,
      RECALL_BASE_URL: recall.baseUrl,
      RECALL_API_KEY: recall.api.apiKey,
      ZOOM_APP_CLIENT_ID: demoClient.clientId,
      ZOOM_APP_CLIENT_SECRET: demoClient.clientSecret,
      CONNECT_MODE: 'customer-managed',
      PUBLIC_URL: publicUrl,
      ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      ZOOM_BASE_URL: zoom.baseUrl,
      ZOOM_API_URL: zoom.baseUrl,
      HOST: '127.0.0.1',
      PORT: String(port),
      OPERATOR_PORT: String(operatorPort),
    },
    async close() {
      await recall.api.settled();
      await Promise.all([recall.close(), zoom.close()]);
    },
  };
}

async function areFree(ports: readonly number[]): Promise<boolean> {
  try {
    for (const port of ports) await (await startLoopbackServer(async () => {}, port)).close();
    return true;
  } catch {
    return false;
  }
}

async function findFreePorts(): Promise<readonly [string, string]> {
  const servers = await Promise.all([0, 0].map((port) => startLoopbackServer(async () => {}, port)));
  await Promise.all(servers.map((server) => server.close()));
  const [one = '', other = ''] = servers.map(({ baseUrl }) => new URL(baseUrl).port);
  return [one, other];
}
