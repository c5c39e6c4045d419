import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Hono } from 'hono';
import { RelayError } from '../../errors.ts';
import { type AnswerGate, createAnswerGates } from '../answer-gates.ts';
import { sendFetchResponse, toFetchRequest } from '../fetch-exchange.ts';
import { type LoopbackServer, startLoopbackServer } from '../loopback-server.ts';
import { createMisbehaviours, type Misbehaviours } from '../misbehaviour.ts';
import { createApiRoutes } from './api-routes.ts';
import { createConsentRoutes, decide } from './consent-routes.ts';
import { createGrants, type Grant } from './grants.ts';
import type { ZoomAppRegistration, ZoomMeetingRegistration, ZoomUserRegistration } from './registrations.ts';
import { recordRequest, type ZoomRequest } from './requests.ts';
import { createTokenRoutes, type TokenCounts } from './token-routes.ts';
import { createTokenSigner, type TokenSubject } from './token-signer.ts';

export interface ZoomOAuthStandInOptions {
  readonly apps: readonly ZoomAppRegistration[];
  /** The first is signed in at the consent page, unless another is chosen there. */
  readonly users: readonly [ZoomUserRegistration, ...ZoomUserRegistration[]];
  readonly meetings?: readonly ZoomMeetingRegistration[];
  readonly port?: number;
  readonly nowMs?: () => number;
  /** 3599 when absent. */
  readonly accessTokenLifetimeSec?: number;
  /** 90 days when absent. */
  readonly refreshTokenLifetimeMs?: number;
  readonly apiUrl?: string;
}

/** `baseUrl` is that of both the OAuth pages (`ZOOM_BASE_URL`) and the API (`ZOOM_API_URL`). */
export interface ZoomOAuthStandIn
  extends LoopbackServer,
    Pick<Misbehaviours<ZoomRequest>, 'misbehave' | 'misbehaveAlways'> {
  readonly requests: readonly ZoomRequest[];
  readonly counts: Readonly<TokenCounts>;
  /**
   * What the user's browser comes back with after the consent page, without a browser. The first user allows unless
   * told otherwise.
   *
   * @throws RelayError `request_refused` with what the page would say instead
   */
  consent(url: URL | string, choice?: { readonly userId?: string; readonly decision?: 'allow' | 'decline' }): URL;
  /** The next refresh is carried out, so that the old tokens are void, and its answer held. */
  holdRefresh(): AnswerGate;
  /** As `holdRefresh`, for the next request that the predicate holds for. */
  hold(predicate: (request: ZoomRequest) => boolean): AnswerGate;
  /** As when the user removes the app. Whether they had it. */
  revokeUser(clientId: string, userId: string): boolean;
  /** The tokens of this user that are good now; of the first app when no client id is given. */
  tokenOf(userId: string, clientId?: string): Grant | undefined;
  /** Holds for consents from now on. */
  setScopes(clientId: string, scopes: readonly string[]): void;
  addMeeting(meeting: ZoomMeetingRegistration): void;
  /** Whose access token this is; `undefined` when it is not valid now. */
  verifyAccessToken(token: string): Promise<TokenSubject | undefined>;
}

const defaultAccessTokenLifetimeSec = 3599;
const defaultRefreshTokenLifetimeMs = 90 * 24 * 60 * 60_000;

/** Stands in for Zoom's OAuth and for the few calls of its API that connecting needs. */
export async function startZoomOAuthStandIn(options: ZoomOAuthStandInOptions): Promise<ZoomOAuthStandIn> {
  const { users, nowMs = Date.now, accessTokenLifetimeSec = defaultAccessTokenLifetimeSec } = options;
  const apps = new Map(options.apps.map((app) => [app.clientId, app]));
  const meetings = [...(options.meetings ?? [])];
  const newToken = () => randomBytes(24).toString('base64url');
  const signer = createTokenSigner(randomBytes(32));
  const { refreshTokenLifetimeMs = defaultRefreshTokenLifetimeMs } = options;
  const lifetimes = { accessTokenLifetimeSec, refreshTokenLifetimeMs };
  const grants = createGrants({ signer, nowMs, newCode: newToken, ...lifetimes });
  const counts = { exchanges: 0, refreshes: 0, revocations: 0, refusals: 0 };
  const requests: ZoomRequest[] = [];
  const { take, misbehave, misbehaveAlways } = createMisbehaviours<ZoomRequest>();
  const gates = createAnswerGates<ZoomRequest>();
  const routes = new Hono()
    .route('/', createConsentRoutes({ apps, users, grants }))
    .route('/', createTokenRoutes({ apps, grants, counts, accessTokenLifetimeSec, apiUrl: options.apiUrl }))
    .route('/', createApiRoutes({ grants, nowMs, meetings, newToken }));

  async function answer(incoming: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
    const entry = recordRequest(incoming, body, nowMs());
    requests.push(entry);
    const misbehaviour = take(entry);
    if (misbehaviour === undefined) {
      const result = await routes.fetch(toFetchRequest(incoming, body));
      entry.status = result.status;
      if ((await gates.pass(entry)) === 'send') await sendFetchResponse(result, response);
      else response.destroy();
    } else {
      misbehaviour(incoming, response, body);
      entry.status = response.headersSent ? response.statusCode : 0;
    }
  }

  const server = await startLoopbackServer(answer, options.port ?? 0);
  return {
    ...server,
    requests,
    counts,
    misbehave,
    misbehaveAlways,
    consent(url, { userId = users[0].id, decision = 'allow' } = {}) {
      const { origin, pathname, searchParams } = new URL(url);
      const isPage = origin === server.baseUrl && pathname === '/oauth/authorize';
      const missing = { kind: 'refused', message: `the consent page is not at ${origin}${pathname}` } as const;
      const outcome = isPage ? decide({ apps, users, grants }, searchParams, userId, decision) : missing;
      if (outcome.kind === 'redirect') return outcome.url;
      throw new RelayError('request_refused', outcome.message);
    },
    holdRefresh: () => gates.hold(({ form }) => form.grant_type === 'refresh_token'),
    hold: gates.hold,
    revokeUser: (clientId, userId) => grants.end((grant) => grant.clientId === clientId && grant.user.id === userId),
    tokenOf(userId, clientId = options.apps[0]?.clientId) {
      return grants.find((grant) => grant.user.id === userId && grant.clientId === clientId);
    },
    setScopes(clientId, scopes) {
      const app = apps.get(clientId);
      if (app !== undefined) apps.set(clientId, { ...app, scopes });
    },
    addMeeting: (meeting) => void meetings.push(meeting),
    async verifyAccessToken(token) {
      const known = grants.find(({ accessToken }) => accessToken === token);
      return known && signer.verifyAccessToken(token, nowMs());
    },
  };
}
