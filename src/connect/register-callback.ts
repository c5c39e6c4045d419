import { randomUUID } from 'node:crypto';
import type { NewCredential, RecallAnswer, RecallCredential, RecallRefusal } from '../recall/api/recall-api.ts';
import { Secret } from '../secret.ts';
import type { Connection } from './connection.ts';
import type { ConnectionStore } from './connection-store.ts';
import { freeCredential } from './free-credential.ts';
import type { ConnectApp, ConnectParts } from './ports.ts';
import { hashOf, newSecret } from './secrets.ts';

/** Secrets of earlier tries that Recall may have taken without our hearing of it. */
const maxUnconfirmed = 3;

/**
 * Gives Recall the callback URL of a customer-managed connection. Recall calls it before it answers, so its secret is
 * good from before the request. One credential that is in the way is deleted, once.
 *
 * @returns the connection with its credential, or why Recall refused
 */
export async function registerCallback(
  app: ConnectApp,
  { id }: Connection,
  store: ConnectionStore,
  { publicUrl, randomBytes, nowMs }: Pick<ConnectParts, 'publicUrl' | 'randomBytes' | 'nowMs'>,
): Promise<{ readonly kind: 'registered' } | RecallRefusal> {
  const secret = newSecret(randomBytes);
  const hash = hashOf(secret.reveal());
  const url = new Secret(`${publicUrl}/zoom-token/${id}?auth_token=${secret.reveal()}`);
  await store.change(id, (before) => {
    return before && { ...before, callbackHashes: [hash, ...before.callbackHashes].slice(0, maxUnconfirmed) };
  });
  let answer = await create(app, url);
  const inTheWay = inTheWayOf(answer, url);
  if (inTheWay !== undefined) {
    const freed = await freeCredential(app, inTheWay);
    if (freed.kind !== 'ok') return freed;
    answer = await create(app, url);
  }
  if (answer.kind !== 'ok') return answer;
  const { id: credentialId, status } = answer.value;
  const recall = {
    status: status === 'unhealthy' ? status : 'healthy',
    sinceMs: nowMs(),
    checkedAtMs: nowMs(),
  } as const;
  await store.change(id, (before) => before && { ...before, credentialId, callbackHashes: [hash], recall });
  return { kind: 'registered' };
}

function create(app: ConnectApp, url: Secret): Promise<RecallAnswer<RecallCredential>> {
  const input: NewCredential = { oauthApp: app.oauthApp, accessTokenCallbackUrl: url, idempotencyKey: randomUUID() };
  return app.recall.createCredential(input);
}

/** A credential of that person that Recall names as conflicting, or gave back with the URL of an earlier one. */
function inTheWayOf(
  answer: RecallAnswer<RecallCredential>,
  url: Secret,
): Parameters<typeof freeCredential>[1] | undefined {
  if (answer.kind === 'refused') {
    const { conflictingUserId: userId, conflictingAccountId: accountId } = answer;
    if (userId !== undefined) return { userId };
    return accountId === undefined ? undefined : { accountId };
  }
  if (answer.kind !== 'ok') return undefined;
  const { accessTokenCallbackUrl: given, id } = answer.value;
  return given?.reveal() === url.reveal() ? undefined : { id };
}
