import { randomBytes } from 'node:crypto';
import { type Connect, createConnect } from '../../src/connect/create-connect.ts';
import { createKeyRing } from '../../src/connect/key-ring.ts';
import type { ConnectApp, ConnectEvent, ConnectRecords, KeyRing } from '../../src/connect/ports.ts';
import { createConnectRoutes } from '../../src/connect/routes.ts';
import { type RecallStandIn, startRecallStandIn } from '../../src/demo/recall-stand-in.ts';
import { startZoomOAuthStandIn, type ZoomOAuthStandIn } from '../../src/demo/zoom-oauth/zoom-oauth-stand-in.ts';
import { listen } from '../../src/listener.ts';
import { createLog } from '../../src/log.ts';
import { createRecallApi } from '../../src/recall/api/create-recall-api.ts';
import { Secret } from '../../src/secret.ts';
import { openStore } from '../../src/store/open-store.ts';
import { createZoomApi } from '../../src/zoom/oauth/create-zoom-api.ts';
import { createZoomOAuth } from '../../src/zoom/oauth/create-zoom-oauth.ts';
import { neededScopes } from '../../src/zoom/oauth/scopes.ts';
import { eventually } from './eventually.ts';
import { defaultApp, oauthAppId, testSecret } from './test-relay.ts';

/** Where the relay says it is; the stand-in for Recall finds it by its `resolve`. */
export const publicUrl = 'https://relay.example';
export const returnTo = 'https://app.example/settings';
export const apiKey = 'recall-api-key-for-tests';
export const clientId = 'zoom-client-id_for-tests';
export const clientSecret = new Secret('zoom-client-secret_for-tests');
export const users = [
  { id: 'KdYKjnimT4KPd8FFgQt9FQ', accountId: 'cE8mLfHzRUqRPw3gE0VVuA', email: 'jchill@example.com' },
  { id: 'x2yGgVGMQAqvPLfFqiHz3w', accountId: 'cE8mLfHzRUqRPw3gE0VVuA', email: 'second@example.com' },
] as const;
export const hourMs = 3_600_000;

/** Zoom, Recall and a clock that can be moved on. */
export interface Stage extends AsyncDisposable {
  readonly zoom: ZoomOAuthStandIn;
  readonly recall: RecallStandIn;
  readonly kind: ConnectApp['kind'];
  readonly nowMs: () => number;
  advance(ms: number): void;
}

export async function openStage(
  options: {
    readonly kind?: ConnectApp['kind'];
    readonly recall?: NonNullable<Parameters<typeof startRecallStandIn>[3]>;
    readonly accessTokenLifetimeSec?: number;
  } = {},
): Promise<Stage> {
  let aheadMs = 0;
  const nowMs = (): number => Date.now() + aheadMs;
  const kind = options.kind ?? 'user_level';
  const scopes = neededScopes[kind].map(({ granular }) => granular);
  const { accessTokenLifetimeSec = 3599 } = options;
  const redirectUris = [`${publicUrl}/oauth-callback/zoom`];
  const zoomApp = { clientId, clientSecret: clientSecret.reveal(), redirectUris, scopes, kind };
  const zoom = await startZoomOAuthStandIn({ apps: [zoomApp], users, nowMs, accessTokenLifetimeSec });
  const recall = await startRecallStandIn(oauthAppId, [testSecret], 0, {
    apiKey,
    app: { kind, clientId, clientSecret: clientSecret.reveal() },
    zoomBaseUrl: zoom.baseUrl,
    nowMs,
    ...options.recall,
  });
  return {
    zoom,
    recall,
    kind,
    nowMs,
    advance(ms) {
      aheadMs += ms;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([zoom.close(), recall.close()]);
    },
  };
}

/** The OAuth side of one process: its part of the store, its routes on a real port. */
export interface House extends AsyncDisposable {
  readonly connect: Connect;
  readonly keys: KeyRing;
  readonly events: readonly ConnectEvent[];
  /** Asks for what is at the public URL. */
  ask(url: URL | string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  stopListening(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Name and value of the cookie that was set. */
  readonly cookie: string;
  readonly location: string;
}

export const encryptionKey = new Secret(randomBytes(32).toString('base64'));

export async function openHouse(
  storeUrl: string,
  stage: Stage,
  options: Partial<ConnectApp> & {
    readonly encryptionKeys?: readonly [Secret, ...Secret[]];
    /** Stands between the house and its store. */
    readonly wrapRecords?: (records: ConnectRecords) => ConnectRecords;
  } = {},
): Promise<House> {
  const { encryptionKeys = [encryptionKey], wrapRecords = (records) => records, ...app } = options;
  const log = createLog('silent');
  const setup = { url: storeUrl, queues: [], apps: [], workers: 0, log, allowEviction: false };
  const store = openStore({ ...setup, nowMs: () => performance.now(), onFatal: () => {} });
  store.open();
  await eventually('open', () => store.status().ready);
  const { nowMs } = stage;
  const events: ConnectEvent[] = [];
  const keys = createKeyRing(encryptionKeys);
  const whole: ConnectApp = {
    key: defaultApp,
    mode: 'customer-managed',
    kind: stage.kind,
    oauthApp: oauthAppId,
    clientId,
    returnOrigins: ['https://app.example'],
    workspaceSecrets: [],
    requireRecallSignature: false,
    recall: createRecallApi({ baseUrl: stage.recall.baseUrl, apiKey: new Secret(apiKey), nowMs, random: () => 0 }),
    zoom: createZoomOAuth({ zoomBaseUrl: stage.zoom.baseUrl, clientId, clientSecret, nowMs }),
    ...app,
  };
  const connect = createConnect({
    apps: new Map([[whole.key, whole]]),
    records: wrapRecords(store.records('connect')),
    zoomApi: createZoomApi({ apiUrl: stage.zoom.baseUrl }),
    keys,
    publicUrl,
    nowMs,
    randomBytes,
    observe: (event) => void events.push(event),
  });
  const names = { host: 'HOST', port: 'PORT' };
  const listener = await listen(
    createConnectRoutes(connect, () => false),
    { host: '127.0.0.1', port: 0 },
    names,
  );
  stage.recall.api.settings.resolve = { [publicUrl]: listener.url.origin };
  return {
    connect,
    keys,
    events,
    async ask(url, headers = {}) {
      const { pathname, search } = new URL(url, publicUrl);
      const answer = await fetch(new URL(pathname + search, listener.url), { headers, redirect: 'manual' });
      const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';');
      const location = answer.headers.get('location') ?? '';
      return { status: answer.status, headers: answer.headers, text: await answer.text(), cookie, location };
    },
    stopListening: () => listener.close(),
    async [Symbol.asyncDispose]() {
      await connect.settle();
      await Promise.all([listener.close(), connect.close()]);
      await store.close();
    },
  };
}

const html = { accept: 'text/html,application/xhtml+xml' };

/** A link, as an operator makes it: for an hour. */
export function makeLink(house: House, stage: Stage, user = 'alice', to: string | null = returnTo): Promise<URL> {
  return house.connect.createLink('default', { user, returnTo: to ?? undefined }, stage.nowMs() + hourMs);
}

/** Opens a link in a browser of their own, and decides at Zoom. What Zoom sends the browser back with, not yet opened. */
export async function consent(
  house: House,
  stage: Stage,
  choice: Parameters<ZoomOAuthStandIn['consent']>[1] & { readonly link?: URL; readonly user?: string } = {},
): Promise<{ readonly back: URL; readonly cookie: string }> {
  const { link = await makeLink(house, stage, choice.user), ...decision } = choice;
  const start = await house.ask(link, html);
  if (start.status !== 302) throw new Error(`the link was answered with ${start.status}: ${start.text}`);
  return { back: stage.zoom.consent(start.location, decision), cookie: start.cookie };
}

/** The whole way of a person; what their browser gets in the end. */
export async function connectPerson(
  house: House,
  stage: Stage,
  choice: Parameters<typeof consent>[2] = {},
): Promise<Answer> {
  const { back, cookie } = await consent(house, stage, choice);
  return house.ask(back, { ...html, cookie });
}

/** A person who is connected: the id of the connection, and the callback URL as Recall has it. */
export async function connected(
  house: House,
  stage: Stage,
  choice: Parameters<typeof consent>[2] = {},
): Promise<{ readonly id: string; readonly callback: string; readonly credentialId: string }> {
  const end = await connectPerson(house, stage, choice);
  await stage.recall.api.settled(); // its first sync asks for a token, too
  const id = end.status === 302 ? new URL(end.location).searchParams.get('zoom_connection') : null;
  if (id === null) throw new Error(`not connected: ${end.status} ${end.text}`);
  const { credentialId = '' } = await house.connect.read(id);
  const credential = stage.recall.api.credentials().find((each) => each.id === credentialId);
  return { id, credentialId, callback: credential?.access_token_callback_url ?? '' };
}
