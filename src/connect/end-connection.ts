import type { Connection } from './connection.ts';
import type { ConnectionStore } from './connection-store.ts';
import { ownerOf } from './new-connection.ts';
import { type ConnectApp, type ConnectParts, describeRefusal } from './ports.ts';
import { readTokenAtRecall } from './tokens/token-at-recall.ts';
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
  if (!(await store.remove(connection)))
    return { kind: 'kept', leftBehind: ['the person has connected again meanwhile'] };
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
  const unrevoked = await revoke(connection, app, keeper);
  const left = unrevoked === undefined ? [] : [`access was not revoked at Zoom (${unrevoked})`];
  if (connection.credentialId === undefined || (left.length > 0 && !isForced)) return left;
  const deleted = await app.recall.deleteCredential(connection.credentialId);
  const isDeleted = deleted.kind === 'ok' || deleted.kind === 'not_found';
  return isDeleted ? left : [...left, `the credential was not deleted at Recall (${describeRefusal(deleted)})`];
}

/** Why access is not revoked at Zoom, or may not be; `undefined` when there is none any more. */
async function revoke(connection: Connection, app: ConnectApp, keeper: TokenKeeper): Promise<string | undefined> {
  const token = await tokenOf(connection, app, keeper);
  if (token === undefined) return undefined;
  if (token.kind !== 'token') return token.detail;
  const revoked = await app.zoom.revoke(token.token);
  const isOver = ['ok', 'invalid_grant', 'unauthorized'].includes(revoked.kind);
  return isOver || !('detail' in revoked) ? undefined : describeRefusal(revoked);
}

/** `undefined` when Zoom takes none of theirs any more, or there never was one. */
async function tokenOf(
  { id, mode, credentialId, trouble, tokens }: Connection,
  app: ConnectApp,
  keeper: TokenKeeper,
): Promise<FreshToken | undefined> {
  if (trouble?.kind === 'revoked') return undefined;
  if (mode === 'customer-managed') {
    if (tokens === undefined) return undefined;
    const token = await keeper.fresh(id, refreshWaitMs);
    const isOver = token.kind === 'ended' && (await keeper.isRevoked(id));
    return isOver ? undefined : token;
  }
  if (credentialId === undefined) return undefined;
  const token = await readTokenAtRecall(app, credentialId);
  return token.kind === 'ended' ? undefined : token;
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
    return { ...rest, zoom: {}, callback: { pending: [] }, trouble: { kind: 'revoked', sinceMs: nowMs(), detail } };
  });
  const hasEnded = after?.trouble?.detail === detail;
  if (hasEnded) observe({ kind: 'ended', app: app.key, connection: found.id, by: 'deauthorization', leftBehind: [] });
  return hasEnded;
}
