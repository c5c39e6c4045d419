import type { RecallCredential } from '../recall/api/recall-api.ts';
import { type Connection, isUnregistered, stateOf } from './connection.ts';
import type { ConnectionStore } from './connection-store.ts';
import { botsAbout } from './new-connection.ts';
import { type ConnectApp, type ConnectParts, describeRefusal } from './ports.ts';
import { registerCallback } from './register-callback.ts';
import { hashOf } from './secrets.ts';
import { isRefreshDue } from './tokens/refresh-steps.ts';
import type { TokenKeeper } from './tokens/token-keeper.ts';

const dayMs = 24 * 3_600_000;
/** A refresh token lives for 90 days by Zoom's current documents: a connection that nobody uses is refreshed long before. */
const idleRefreshMs = 30 * dayMs;
/** Recall's word is noted anew when it changes, and so often when it does not. */
const notedEveryMs = 3_600_000;
/** A credential that Recall has disabled for its errors is looked at again on our word, so often. */
const validateEveryMs = 3_600_000;
/** For all pages of the list of credentials. */
const listPatienceMs = 4 * 60_000;
/** One that has ended is remembered so long. */
const endedKeptMs = 90 * dayMs;
/** What was granted since then may not be in Recall's answer, and may be being registered. */
const settledAfterMs = 60_000;

/**
 * One round over the connections of an app: asks Recall how the credentials are (it does not tell by itself), registers
 * what Recall has not confirmed, refreshes what has been idle for long or was cut off, seals under the current key,
 * forgets what ended long ago.
 *
 * @param mayGoOn asked before each connection
 */
export async function maintainApp(
  app: ConnectApp,
  store: ConnectionStore,
  keeper: TokenKeeper,
  parts: ConnectParts,
  mayGoOn: () => Promise<boolean> = async () => true,
): Promise<void> {
  const startedAtMs = parts.nowMs();
  const connections = await store.all(app.key);
  if (connections.length === 0) return;
  const listed = await app.recall.listCredentials({ oauthApp: app.oauthApp }, listPatienceMs);
  if (listed.kind !== 'ok') {
    const cause = new Error(`Recall: ${describeRefusal(listed)}`);
    parts.observe({ kind: 'maintenance_failed', app: app.key, cause });
  }
  const known = listed.kind === 'ok' ? new Map(listed.value.map((each) => [each.id, each])) : undefined;
  for (const connection of connections) {
    if (!(await mayGoOn())) return;
    const isSettled = connection.connectedAtMs < startedAtMs - settledAfterMs;
    if (known !== undefined && isSettled) await noteHealth(connection, known, app, store, parts);
    await mend(connection.id, app, known !== undefined && isSettled, store, keeper, parts);
  }
}

type Health = NonNullable<Connection['recall']>['status'];

/** A credential that asks another URL than ours is one we have not. */
function judge({ callback, mode }: Connection, credential: RecallCredential | undefined): Health {
  const url = URL.parse(credential?.accessTokenCallbackUrl?.reveal() ?? '');
  const hash = hashOf(url?.searchParams.get('auth_token') ?? '');
  const isOurs = mode === 'recall-managed' || callback.confirmed === hash || callback.pending.includes(hash);
  if (credential === undefined || !isOurs) return 'missing';
  return credential.status === 'unhealthy' ? 'unhealthy' : 'healthy';
}

async function noteHealth(
  seen: Connection,
  known: ReadonlyMap<string, RecallCredential>,
  app: ConnectApp,
  store: ConnectionStore,
  { nowMs, observe }: ConnectParts,
): Promise<void> {
  const { id, credentialId } = seen;
  if (credentialId === undefined) return;
  const atMs = nowMs();
  let before: Connection | undefined;
  const after = await store.change(id, (current) => {
    before = current;
    if (current === undefined || current.credentialId !== credentialId || current.connectedAtMs !== seen.connectedAtMs)
      return current;
    const { recall } = current;
    const status = judge(current, known.get(credentialId));
    if (recall?.status === status && atMs - recall.checkedAtMs < notedEveryMs) return current;
    const sinceMs = recall?.status === status ? recall.sinceMs : atMs;
    return { ...current, recall: { ...recall, status, sinceMs, checkedAtMs: atMs } };
  });
  if (after !== undefined && after.recall?.status !== before?.recall?.status) {
    observe({ kind: 'health_changed', app: app.key, connection: id, state: stateOf(after, app.kind).state });
  }
}

async function mend(
  id: string,
  app: ConnectApp,
  mayAskRecall: boolean,
  store: ConnectionStore,
  keeper: TokenKeeper,
  parts: ConnectParts,
): Promise<void> {
  const connection = await store.read(id);
  if (connection === undefined) return;
  const { trouble, tokens, recall } = connection;
  const nowMs = parts.nowMs();
  if (trouble?.kind === 'revoked' && nowMs - trouble.sinceMs > endedKeptMs) {
    await store.remove(connection);
    return;
  }
  await reseal(connection, store, keeper, parts);
  if (trouble !== undefined && trouble.kind !== 'refresh_failing') return;
  const isIdle = trouble === undefined && tokens !== undefined && nowMs - tokens.refreshedAtMs > idleRefreshMs;
  if (isIdle || isRefreshDue(connection, nowMs)) await keeper.refresh(connection);
  if (!mayAskRecall) return;
  if (isUnregistered(connection)) await registerAgain(connection, app, store, parts);
  else if (recall?.status === 'unhealthy') await validate(connection, app, store, parts);
}

/** So that a rotated key can go. */
async function reseal(
  { id, bots, tokens }: Connection,
  store: ConnectionStore,
  keeper: TokenKeeper,
  { keys }: ConnectParts,
): Promise<void> {
  const connection = await store.read(id);
  const freshTokens = connection && (await keeper.resealed(connection));
  const secret = keys.isCurrent(bots.sealed) ? undefined : await keys.open(bots.sealed, botsAbout(id));
  const sealed = secret === undefined ? undefined : await keys.seal(secret, botsAbout(id));
  if (freshTokens === undefined && sealed === undefined) return;
  await store.change(id, (before) => {
    if (before === undefined || before.tokens?.generation !== tokens?.generation || before.bots.hash !== bots.hash)
      return before;
    return {
      ...before,
      ...(freshTokens !== undefined && { tokens: freshTokens }),
      ...(sealed !== undefined && { bots: { ...bots, sealed } }),
    };
  });
}

async function registerAgain(
  connection: Connection,
  app: ConnectApp,
  store: ConnectionStore,
  parts: ConnectParts,
): Promise<void> {
  const { id } = connection;
  const registered = await registerCallback(app, connection, store, parts);
  if (registered.kind === 'gone') return;
  if (registered.kind === 'registered') {
    parts.observe({
      kind: 'connected',
      app: app.key,
      connection: id,
      isNew: false,
      isByPerson: false,
      isOtherUser: false,
    });
    return;
  }
  const cause = new Error(`connection ${id} at Recall: ${describeRefusal(registered)}`);
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
