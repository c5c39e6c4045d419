import { setTimeout as delay } from 'node:timers/promises';
import type { AppKey } from '../../delivery/names.ts';
import { RelayError } from '../../errors.ts';
import type { Secret } from '../../secret.ts';
import type { ZoomAccess, ZoomAnswer } from '../../zoom/oauth/zoom-oauth.ts';
import type { Connection } from '../connection.ts';
import type { ConnectionStore } from '../connection-store.ts';
import { type ConnectApp, type ConnectParts, describeRefusal, type TokenKind } from '../ports.ts';
import { checkRecallSignature } from '../recall-signature.ts';
import { isOneOf } from '../secrets.ts';
import { readTokenAtRecall } from './token-at-recall.ts';
import type { FreshToken, TokenKeeper } from './token-keeper.ts';

/** Recall waits for 5 s: what is not there by then is answered with 503 in time. */
const answerMs = 4500;
const refreshWaitMs = 4000;
const maxSecretLength = 200;

export interface TokenRequest {
  readonly connection: string;
  readonly what: TokenKind;
  readonly secret: string | undefined;
  /** For `obf` and `join_token`: digits. */
  readonly meetingId: string | undefined;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

export const tokenRefusalCodes = [
  'callback_refused',
  'connection_unknown',
  'connection_ended',
  'scope_missing',
  'meeting_refused',
  'token_unavailable',
] as const;

export type GivenToken =
  | { readonly kind: 'token'; readonly token: Secret }
  | { readonly kind: 'refused'; readonly code: (typeof tokenRefusalCodes)[number]; readonly detail: string };

/**
 * A token for whoever knows the secret of the connection's URL: the access token itself by the secret that only Recall
 * has, tokens for bots by the other one. There is an answer in time, and never one that looks like a token and is none.
 */
export async function giveToken(
  request: TokenRequest,
  store: ConnectionStore,
  keeper: TokenKeeper,
  parts: ConnectParts,
): Promise<GivenToken> {
  const { given, app } = await inTime(find(request, store, keeper, parts));
  const { what, connection } = request;
  if (given.kind === 'token' && app !== undefined) {
    parts.observe({ kind: 'token_served', app, connection, what });
  } else if (given.kind === 'refused') {
    const { code, detail } = given;
    parts.observe({ kind: 'token_refused', app, connection: app && connection, what, code, detail });
  }
  return given;
}

interface Given {
  readonly given: GivenToken;
  /** Of the connection, when there is one. */
  readonly app?: AppKey;
}

/** What takes longer goes on, and nobody waits for it any more. */
async function inTime(finding: Promise<Given>): Promise<Given> {
  const timer = new AbortController();
  const given = refuse('token_unavailable', 'there was no answer in time');
  const late = delay(answerMs, { given }, { signal: timer.signal });
  try {
    return await Promise.race([finding, late]);
  } finally {
    timer.abort();
  }
}

async function find(
  request: TokenRequest,
  store: ConnectionStore,
  keeper: TokenKeeper,
  parts: ConnectParts,
): Promise<Given> {
  try {
    const connection = await store.read(request.connection);
    const app = connection && parts.apps.get(connection.app);
    if (connection === undefined || app === undefined) {
      return { given: refuse('connection_unknown', 'there is no such connection') };
    }
    return { given: await giveOf(connection, app, request, keeper, parts), app: connection.app };
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    return { given: refuse('token_unavailable', error.message) };
  }
}

async function giveOf(
  connection: Connection,
  app: ConnectApp,
  request: TokenRequest,
  keeper: TokenKeeper,
  parts: ConnectParts,
): Promise<GivenToken> {
  const stranger = strangerIn(connection, app, request, parts.nowMs());
  if (stranger !== undefined) return refuse('callback_refused', stranger);
  const access = await accessOf(connection, app, request.what, keeper);
  if (access.kind === 'ended') return refuse('connection_ended', access.detail);
  if (access.kind === 'unavailable') return refuse('token_unavailable', access.detail);
  if (request.what === 'access_token') return { kind: 'token', token: access.token };
  return fromZoom(await mint(request, access, parts));
}

/** Why the request is not from Recall or the company's bots; `undefined` when it is. */
function strangerIn(
  { callback, bots }: Connection,
  { workspaceSecrets, requireRecallSignature }: ConnectApp,
  { secret, what, headers }: TokenRequest,
  nowMs: number,
): string | undefined {
  const hashes = what === 'access_token' ? [...callback.pending, callback.confirmed ?? []].flat() : [bots.hash];
  if (secret === undefined || secret.length > maxSecretLength || !isOneOf(secret, hashes))
    return 'auth_token is missing or wrong';
  if (workspaceSecrets.length === 0) return undefined;
  switch (checkRecallSignature(headers, workspaceSecrets, nowMs)) {
    case 'wrong':
      return "Recall's signature does not match: is the workspace secret the one in Recall's dashboard?";
    case 'stale':
      return "Recall's signature is more than 5 minutes off: is this clock right?";
    case 'absent':
      return requireRecallSignature ? "Recall's signature is missing, and this app requires it" : undefined;
    default:
      return undefined;
  }
}

async function accessOf(
  connection: Connection,
  app: ConnectApp,
  what: TokenKind,
  keeper: TokenKeeper,
): Promise<FreshToken> {
  if (connection.mode === 'customer-managed') return keeper.fresh(connection.id, refreshWaitMs);
  if (what === 'access_token') return { kind: 'ended', detail: 'Recall keeps the tokens of this connection itself' };
  const { credentialId, trouble } = connection;
  if (credentialId === undefined || trouble !== undefined)
    return { kind: 'ended', detail: trouble?.detail ?? 'Recall has no credential for it' };
  return readTokenAtRecall(app, credentialId);
}

async function mint(
  { what, meetingId }: TokenRequest,
  access: ZoomAccess,
  { zoomApi }: ConnectParts,
): Promise<ZoomAnswer<Secret>> {
  switch (what) {
    case 'zak':
      return zoomApi.readZak(access);
    case 'obf':
      return zoomApi.readOnBehalfToken(access, meetingId);
    default:
      return zoomApi.readJoinToken(access, meetingId ?? '');
  }
}

function fromZoom(answer: ZoomAnswer<Secret>): GivenToken {
  if (answer.kind === 'ok') return { kind: 'token', token: answer.value };
  const detail = `Zoom: ${describeRefusal(answer)}`;
  if (answer.kind === 'missing_scope') return refuse('scope_missing', detail);
  return refuse(answer.kind === 'refused' ? 'meeting_refused' : 'token_unavailable', detail);
}

function refuse(code: Extract<GivenToken, { kind: 'refused' }>['code'], detail: string): GivenToken {
  return { kind: 'refused', code, detail };
}
