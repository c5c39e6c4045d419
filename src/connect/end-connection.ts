import type { Connection } from './connection.ts';
import type { ConnectionStore } from './connection-store.ts';
import { ownerOf } from './new-connection.ts';
import { type ConnectApp, type ConnectParts, describeRefusal } from './ports.ts';
import type { FreshToken, TokenKeeper } from './tokens/token-keeper.ts';

const refreshWaitMs = 10_000;

/** What could not be undone elsewhere, in one sentence each. */
export type Disconnected = { readonly kind: 'disconnected' | 'kept'; readonly leftBehind: readonly string[] };

/**
 * Ends a connection: its access is revoked at Zoom, its credential deleted at Recall, and what is kept here deleted.
 * When one of the others does not do its part, nothing is deleted here, so that it can be tried again.
 *
 * @param isForced deletes it here all the same
 */
export async function disconnect(
  connection: Connection,
  app: ConnectApp | undefined,
  isForced: boolean,
  store: ConnectionStore,
  keeper: TokenKeeper,
  { observe }: Pick<ConnectParts, 'observe'>,
): Promise<Disconnected> {
  const leftBehind =
    app === undefined
      ? ['its app is not configured: nothing was undone at Zoom and Recall']
      : await undoElsewhere(connection, app, isForced, keeper);
  if (leftBehind.length > 0 && !isForced) return { kind: 'kept', leftBehind };
  await store.remove(connection);
  observe({ kind: 'ended', app: connection.app, connection: connection.id, by: 'operator', leftBehind });
  return { kind: 'disconnected', leftBehind };
}

/** Recall's part comes second: without its credential there is no token left to revoke with. */
async function undoElsewhere(
  connection: Connection,
  app: ConnectApp,
  isForced: boolean,
  keeper: TokenKeeper,
): Promise<readonly string[]> {
  const left: string[] = [];
  const token = await tokenOf(connection, app, keeper);
  const revoked = token.kind === 'token' ? await app.zoom.revoke(token.token) : token;
  // What Zoom no longer takes needs no revoking.
  const isRevoked = ['ok', 'ended', 'invalid_grant', 'unauthorized'].includes(revoked.kind);
  if (!isRevoked && 'detail' in revoked) left.push(`access was not revoked at Zoom (${revoked.detail})`);
  if (connection.credentialId === undefined || (left.length > 0 && !isForced)) return left;
  const deleted = await app.recall.deleteCredential(connection.credentialId);
  const isDeleted = deleted.kind === 'ok' || deleted.kind === 'not_found';
  return isDeleted ? left : [...left, `the credential was not deleted at Recall (${describeRefusal(deleted)})`];
}

async function tokenOf(
  { id, mode, credentialId }: Connection,
  app: ConnectApp,
  keeper: TokenKeeper,
): Promise<FreshToken> {
  if (mode === 'customer-managed') return keeper.fresh(id, refreshWaitMs);
  if (credentialId === undefined) return { kind: 'ended', detail: 'Recall has no credential' };
  const answer = await app.recall.readAccessToken(credentialId);
  if (answer.kind === 'ok') return { kind: 'token', token: answer.value.token, apiUrl: undefined };
  const isFinal = answer.kind === 'not_found' || answer.kind === 'refused';
  return { kind: isFinal ? 'ended' : 'unavailable', detail: describeRefusal(answer) };
}

/** What `app_deauthorized` says. */
export interface Deauthorized {
  readonly userId: string;
  readonly accountId: string;
  readonly clientId: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
}

/**
 * The person has removed the app at Zoom: tokens and what names them go; that there was a connection stays for a while,
 * so that it can be seen and mended. One that was granted after that stands.
 *
 * @returns whether a connection has ended by it
 */
export async function endDeauthorized(
  app: ConnectApp,
  told: Deauthorized,
  store: ConnectionStore,
  { observe, nowMs }: Pick<ConnectParts, 'observe' | 'nowMs'>,
): Promise<boolean> {
  const owner = told.clientId === app.clientId ? ownerOf(app, told) : undefined;
  const found = owner && (await store.findByOwner(owner));
  if (found === undefined) return false;
  const detail = `the app was removed at Zoom on ${new Date(told.atMs).toISOString()}`;
  const after = await store.change(found.id, (before) => {
    if (before === undefined || before.connectedAtMs > told.atMs) return before;
    const { tokens: _tokens, scopes: _scopes, refreshing: _refreshing, ...rest } = before;
    return { ...rest, zoom: {}, callbackHashes: [], trouble: { kind: 'revoked', sinceMs: nowMs(), detail } };
  });
  const hasEnded = after?.trouble?.detail === detail;
  if (hasEnded) observe({ kind: 'ended', app: app.key, connection: found.id, by: 'deauthorization', leftBehind: [] });
  return hasEnded;
}
