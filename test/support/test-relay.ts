import { type Relay, startRelay } from '../../src/compose.ts';
import { type Environment, loadConfig, type Role, roles } from '../../src/config.ts';
import type { AppKey } from '../../src/delivery/names.ts';
import { type RecallStandIn, startRecallStandIn } from '../../src/demo/recall-stand-in.ts';
import { publishedSecret } from '../../src/demo/samples.ts';
import { postAsZoom, type ZoomAnswer, zoomHeaders } from '../../src/demo/zoom-stand-in.ts';
import { createLog } from '../../src/log.ts';
import { Secret } from '../../src/secret.ts';
import { eventually } from './eventually.ts';

export const testSecret = new Secret('a-secret-token-for-tests-only');
/** What the relay may take to answer, whatever its store does, milliseconds. */
const answerPatienceMs = 2000;
export const oauthAppId = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
export const defaultApp = 'default' as AppKey;

export interface TestRelay {
  readonly relay: Relay;
  readonly recall: RecallStandIn;
  readonly endpoint: URL;
  /** What it logged, parsed. */
  readonly logged: Record<string, unknown>[];
  /** Posts a body signed as Zoom signs it; an answer that takes longer than 2 s is a failure. */
  post(
    body: Uint8Array | string,
    options?: { readonly headers?: Readonly<Record<string, string>>; readonly path?: string; readonly secret?: Secret },
  ): Promise<ZoomAnswer>;
  stop(): Promise<void>;
}

/** The environment of a relay with one app, free ports, and a schedule that a test can wait for. */
export function testEnvironment(storeUrl: string, recallBaseUrl: string): Environment {
  return {
    ZOOM_APP_SECRET_TOKEN: `${testSecret.reveal()},${publishedSecret.reveal()}`,
    RECALL_ZOOM_OAUTH_APP_ID: oauthAppId,
    RECALL_BASE_URL: recallBaseUrl,
    STORE_URL: storeUrl,
    HOST: '127.0.0.1',
    PORT: '0',
    OPERATOR_PORT: '0',
    OPERATOR_TOKEN: 'operator-token-for-tests',
    RETRY_SCHEDULE: '100ms,100ms,100ms',
    RETAIN_DIRECTORY: 'none',
  };
}

/** A relay in this process, with a Recall stand-in of its own. */
export async function startTestRelay(
  storeUrl: string,
  options: {
    /** A function gets the base URL of the Recall stand-in. */
    readonly env?: Environment | ((recallBaseUrl: string) => Promise<Environment>);
    readonly role?: readonly Role[];
    readonly awaitReady?: boolean;
  } = {},
): Promise<TestRelay> {
  const recall = await startRecallStandIn(oauthAppId, [testSecret, publishedSecret]);
  const logged: Record<string, unknown>[] = [];
  const log = createLog('debug', { write: (line) => void logged.push(JSON.parse(line)) });
  const own = typeof options.env === 'function' ? await options.env(recall.baseUrl) : options.env;
  const env = { ...testEnvironment(storeUrl, recall.baseUrl), ...own };
  const relay = await startRelay(loadConfig(env, options.role ?? roles), log);
  const endpoint = new URL('/webhooks/zoom', relay.publicUrl ?? relay.privateUrl);
  if (options.awaitReady !== false) await eventually('relay ready', () => relay.health().ready);
  return {
    relay,
    recall,
    endpoint,
    logged,
    post(body, { headers = {}, path = '/webhooks/zoom', secret = testSecret } = {}) {
      const bytes = Buffer.from(body);
      const signed = { ...zoomHeaders(secret, bytes, Date.now()), ...headers };
      return postAsZoom(new URL(path, endpoint), signed, bytes, answerPatienceMs);
    },
    async stop() {
      await relay.stop();
      await recall.close();
    },
  };
}
