import type { RecallCredential } from '../recall/api/recall-api.ts';
import type { Connection } from './connection.ts';
import { needsPerson, stateOf } from './connection.ts';
import type { ConnectionStore } from './connection-store.ts';
import { type ConnectApp, type ConnectParts, describeRefusal } from './ports.ts';
import { registerCallback } from './register-callback.ts';
import type { TokenKeeper } from './tokens/token-keeper.ts';

const dayMs = 24 * 3_600_000;
/** A refresh token lives for 90 days by Zoom's current documents: a connection that nobody uses is refreshed long before. */
const idleRefreshMs = 30 * dayMs;
/** Recall's word is noted anew when it changes, and so often when it does not. */
const notedEveryMs = 3_600_000;
/** A credential that Recall has disabled for its errors is looked at again on our word, so often. */
const validateEveryMs = 3_600_000;
/** One that has ended is remembered so long. */
const endedKeptMs = 90 * dayMs;

/**
 * One round over the connections of an app: asks Recall how the credentials are (it does not tell by itself), registers
 * what Recall has not confirmed, refreshes what has been idle for long, forgets what ended long ago.
 */
export async function maintainApp(
  app: ConnectApp,
  store: ConnectionStore,
  keeper: TokenKeeper,
  parts: ConnectParts,
): Promise<void> {
  const startedAtMs = parts.nowMs();
  const connections = await store.all(app.key);
  if (connections.length === 0) return;
  const listed = await app.recall.listCredentials({ oauthApp: app.oauthApp });
  if (listed.kind !== 'ok')
    parts.observe({ kind: 'maintenance_failed', app: app.key, cause: new Error(`Recall: ${describeRefusal(listed)}`) });
  const credentials =
    listed.kind === 'ok' ? new Map(listed.value.map((credential) => [credential.id, credential])) : undefined;
  for (const connection of connections) {
    // What was granted while Recall was being asked is not in its answer.
    const isSettled = connection.connectedAtMs < startedAtMs - 60_000;
    if (credentials !== undefined && (isSettled || credentials.has(connection.credentialId ?? ''))) {
      await noteHealth(connection, credentials, app, store, parts);
    }
    await mend(connection, app, store, keeper, parts);
  }
}

async function noteHealth(
  { id, credentialId }: Connection,
  credentials: ReadonlyMap<string, RecallCredential>,
  app: ConnectApp,
  store: ConnectionStore,
  { nowMs, observe }: ConnectParts,
): Promise<void> {
  if (credentialId === undefined) return;
  const credential = credentials.get(credentialId);
  const status = credential === undefined ? 'missing' : credential.status === 'unhealthy' ? 'unhealthy' : 'healthy';
  const atMs = nowMs();
  let wasChanged = false;
  const after = await store.change(id, (before) => {
    if (before === undefined || before.credentialId !== credentialId) return before;
    wasChanged = before.recall?.status !== status;
    if (!wasChanged && atMs - (before.recall?.checkedAtMs ?? 0) < notedEveryMs) return before;
    const sinceMs = wasChanged ? atMs : (before.recall?.sinceMs ?? atMs);
    return { ...before, recall: { ...before.recall, status, sinceMs, checkedAtMs: atMs } };
  });
  if (after !== undefined && wasChanged) {
    observe({ kind: 'health_changed', app: app.key, connection: id, state: stateOf(after, app.kind).state });
  }
}

async function mend(
  seen: Connection,
  app: ConnectApp,
  store: ConnectionStore,
  keeper: TokenKeeper,
  parts: ConnectParts,
): Promise<void> {
  const connection = await store.read(seen.id);
  if (connection === undefined) return;
  const { trouble, tokens, credentialId, recall, mode } = connection;
  const nowMs = parts.nowMs();
  if (trouble?.kind === 'revoked' && connection.zoom.userId === undefined && nowMs - trouble.sinceMs > endedKeptMs) {
    await store.remove(connection);
    return;
  }
  if (trouble !== undefined && trouble.kind !== 'refresh_failing') return;
  if (tokens !== undefined && nowMs - tokens.refreshedAtMs > idleRefreshMs) await keeper.refresh(connection);
  const isUnregistered = credentialId === undefined || recall?.status === 'missing';
  if (mode === 'customer-managed' && tokens !== undefined && isUnregistered)
    await registerAgain(connection, app, store, parts);
  else if (recall?.status === 'unhealthy') await validate(connection, app, store, parts);
}

async function registerAgain(
  connection: Connection,
  app: ConnectApp,
  store: ConnectionStore,
  parts: ConnectParts,
): Promise<void> {
  const registered = await registerCallback(app, connection, store, parts);
  if (registered.kind === 'registered') {
    parts.observe({ kind: 'connected', app: app.key, connection: connection.id, isNew: false, isByPerson: false });
    return;
  }
  const cause = new Error(`connection ${connection.id} at Recall: ${describeRefusal(registered)}`);
  parts.observe({ kind: 'maintenance_failed', app: app.key, cause });
}

async function validate(
  { id, credentialId, recall }: Connection,
  app: ConnectApp,
  store: ConnectionStore,
  { nowMs }: ConnectParts,
): Promise<void> {
  if (credentialId === undefined || nowMs() - (recall?.validatedAtMs ?? 0) < validateEveryMs) return;
  await store.change(id, (before) => {
    return before?.recall && { ...before, recall: { ...before.recall, validatedAtMs: nowMs() } };
  });
  await app.recall.validateCredential(credentialId); // what came of it is in the next round's list
}

/** How many connections of an app need somebody: for alerts. */
export interface ConnectionHealth {
  readonly total: number;
  /** Those that only the person can mend. */
  readonly needPerson: number;
  /** Those whose refresh or registration keeps failing. */
  readonly failing: number;
}

export async function readHealth(app: ConnectApp, store: ConnectionStore): Promise<ConnectionHealth> {
  const connections = await store.all(app.key);
  const needPerson = connections.filter(needsPerson).length;
  const failing = connections.filter(
    (each) => !needsPerson(each) && (each.trouble !== undefined || each.credentialId === undefined),
  ).length;
  return { total: connections.length, needPerson, failing };
}
