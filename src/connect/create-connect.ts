import type { AppKey } from '../delivery/names.ts';
import { RelayError } from '../errors.ts';
import { Secret } from '../secret.ts';
import { type Connection, needsPerson, stateOf } from './connection.ts';
import { createConnectionStore } from './connection-store.ts';
import { type Deauthorized, type Disconnected, disconnect, endDeauthorized } from './end-connection.ts';
import { type ConsentReturn, type FinishOutcome, finishConsent } from './finish-consent.ts';
import { LinkLimiter } from './link-limiter.ts';
import { createLink, type LinkFor } from './links.ts';
import { maintainApp } from './maintain.ts';
import { type Maintenance, startMaintenance } from './maintenance.ts';
import { botsAbout } from './new-connection.ts';
import { type ConnectApp, type ConnectParts, describeRefusal } from './ports.ts';
import { type ConnectionHealth, readHealth } from './read-health.ts';
import { type StartOutcome, startConsent } from './start-consent.ts';
import { type GivenToken, giveToken, type TokenRequest } from './tokens/give-token.ts';
import { TokenKeeper } from './tokens/token-keeper.ts';

/** A connection as operators see it. Holds no secret. */
export interface ConnectionView {
  readonly id: string;
  readonly app: AppKey;
  readonly user: string;
  readonly mode: Connection['mode'];
  readonly state: ReturnType<typeof stateOf>['state'];
  readonly detail?: string;
  /** Whether only the person can mend it, by connecting again. */
  readonly needsPerson: boolean;
  readonly zoomUserId?: string;
  readonly zoomAccountId?: string;
  readonly email?: string;
  readonly credentialId?: string;
  readonly scopes?: readonly string[];
  readonly connectedAtMs: number;
  /** When the tokens were last replaced. */
  readonly refreshedAtMs?: number;
  /** When Recall was last asked how the credential is. */
  readonly checkedAtMs?: number;
}

/** URLs for Recall's Create Bot, each with a secret. */
export interface BotUrls {
  readonly zak: Secret;
  readonly obf: Secret;
  readonly joinToken: Secret;
}

/** The OAuth side, for all apps that people can connect to. */
export interface Connect {
  readonly apps: ReadonlyMap<string, ConnectApp>;
  readonly publicUrl: string;
  start(app: string, token: string, cookie: string | undefined): Promise<StartOutcome>;
  finish(given: ConsentReturn): Promise<FinishOutcome>;
  giveToken(request: TokenRequest): Promise<GivenToken>;
  /** @throws RelayError `app_unknown`, `return_refused` */
  createLink(app: string, whom: LinkFor, expiresAtMs: number): Promise<URL>;
  list(page: {
    readonly app?: AppKey;
    readonly before?: string;
    readonly limit: number;
  }): Promise<readonly ConnectionView[]>;
  /** @throws RelayError `connection_unknown` */
  read(id: string): Promise<ConnectionView>;
  /** @throws RelayError `connection_unknown` */
  botUrls(id: string): Promise<BotUrls>;
  /** Has Recall read the person's meetings anew. @throws RelayError `connection_unknown`, `recall_refused` */
  syncMeetings(id: string): Promise<void>;
  /** @throws RelayError `connection_unknown` */
  disconnect(id: string, isForced: boolean): Promise<Disconnected>;
  endDeauthorized(app: AppKey, told: Deauthorized): Promise<boolean>;
  readHealth(app: AppKey): Promise<ConnectionHealth>;
  /** One round of what goes on in the background, for one app. */
  maintain(app: AppKey): Promise<void>;
  /** Begins what goes on in the background. */
  startMaintenance(): Maintenance;
  /** Resolves when no refresh is under way: the store must not go before. Never rejects. */
  settle(): Promise<void>;
  /** Closes what the apps have open. Never rejects. */
  close(): Promise<void>;
}

/** Joins the parts of connecting. Opens nothing. */
export function createConnect(parts: ConnectParts): Connect {
  const store = createConnectionStore(parts);
  const keeper = new TokenKeeper(store, parts);
  const limiter = new LinkLimiter();

  function appOf(key: string): ConnectApp {
    const app = parts.apps.get(key);
    if (app !== undefined) return app;
    throw new RelayError('app_unknown', 'nobody can connect to this app: it is not configured for that');
  }

  async function connectionOf(id: string): Promise<Connection> {
    const connection = await store.read(id);
    if (connection !== undefined) return connection;
    throw new RelayError('connection_unknown', 'there is no such connection, or not any more');
  }

  const view = (connection: Connection): ConnectionView => viewConnection(connection, parts.apps.get(connection.app));

  return {
    apps: parts.apps,
    publicUrl: parts.publicUrl,
    start: (app, token, cookie) => startConsent(app, token, cookie, limiter, parts),
    finish: (given) => finishConsent(given, store, keeper, parts),
    giveToken: (request) => giveToken(request, store, keeper, parts),
    createLink: (app, whom, expiresAtMs) => createLink(appOf(app), whom, expiresAtMs, parts),
    list: async (page) => (await store.list(page)).map(view),
    read: async (id) => view(await connectionOf(id)),

    async botUrls(id) {
      const { bots } = await connectionOf(id);
      const secret = await parts.keys.open(bots.sealed, botsAbout(id));
      if (secret === undefined)
        throw new RelayError('connection_unknown', 'its ENCRYPTION_KEY is not configured any more: connect again');
      const urlOf = (path: string): Secret =>
        new Secret(`${parts.publicUrl}/zoom-token/${id}/${path}?auth_token=${secret}`);
      return { zak: urlOf('zak'), obf: urlOf('obf'), joinToken: urlOf('join-token') };
    },

    async syncMeetings(id) {
      const { app, credentialId } = await connectionOf(id);
      if (credentialId === undefined)
        throw new RelayError('recall_refused', 'Recall has no credential for this connection yet');
      const answer = await appOf(app).recall.syncMeetings(credentialId);
      if (answer.kind !== 'ok') throw new RelayError('recall_refused', `Recall: ${describeRefusal(answer)}`);
    },

    async disconnect(id, isForced) {
      const connection = await connectionOf(id);
      return disconnect(connection, parts.apps.get(connection.app), isForced, store, keeper, parts);
    },

    endDeauthorized: (app, told) => endDeauthorized(appOf(app), told, store, parts),
    readHealth: (app) => readHealth(appOf(app), store),
    maintain: (app) => maintainApp(appOf(app), store, keeper, parts),
    startMaintenance: () => startMaintenance(store, keeper, parts),

    settle: () => keeper.settle(),
    async close() {
      await Promise.allSettled([
        parts.zoomApi.close(),
        ...[...parts.apps.values()].map(({ recall }) => recall.close()),
      ]);
    },
  };
}

function viewConnection(connection: Connection, app: ConnectApp | undefined): ConnectionView {
  const { id, app: key, user, mode, zoom, credentialId, scopes, connectedAtMs, tokens, recall } = connection;
  return {
    id,
    app: key,
    user,
    mode,
    ...stateOf(connection, app?.kind ?? 'user_level'),
    needsPerson: needsPerson(connection),
    ...(zoom.userId !== undefined && { zoomUserId: zoom.userId }),
    ...(zoom.accountId !== undefined && { zoomAccountId: zoom.accountId }),
    ...(zoom.email !== undefined && { email: zoom.email }),
    ...(credentialId !== undefined && { credentialId }),
    ...(scopes !== undefined && { scopes }),
    connectedAtMs,
    ...(tokens !== undefined && { refreshedAtMs: tokens.refreshedAtMs }),
    ...(recall !== undefined && { checkedAtMs: recall.checkedAtMs }),
  };
}
