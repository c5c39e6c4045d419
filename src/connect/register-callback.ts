import type { NewCredential, RecallAnswer, RecallCredential, RecallRefusal } from '../recall/api/recall-api.ts';
import { Secret } from '../secret.ts';
import { type Connection, healthOf } from './connection.ts';
import type { ConnectionStore } from './connection-store.ts';
import { type CredentialName, conflictIn, freeCredential } from './free-credential.ts';
import type { ConnectApp, ConnectParts } from './ports.ts';
import { hashOf, newSecret } from './secrets.ts';

/** Secrets of tries that Recall may have taken without our hearing of it. */
const maxPending = 3;

type Parts = Pick<ConnectParts, 'publicUrl' | 'randomBytes' | 'nowMs' | 'observe'>;

/**
 * Gives Recall the callback URL of a customer-managed connection. Recall calls it before it answers, so its secret is
 * good from before the request; that of the URL that Recall has stays good until the new one is confirmed. One credential
 * that is in the way is deleted, once.
 *
 * @returns why Recall refused, if it did; `gone` when the connection was removed meanwhile
 */
export async function registerCallback(
  app: ConnectApp,
  { id }: Connection,
  store: ConnectionStore,
  parts: Parts,
): Promise<{ readonly kind: 'registered' } | { readonly kind: 'gone' } | RecallRefusal> {
  const { publicUrl, randomBytes, nowMs } = parts;
  const secret = newSecret(randomBytes);
  const hash = hashOf(secret.reveal());
  const url = new Secret(`${publicUrl}/zoom-token/${id}?auth_token=${secret.reveal()}`);
  await store.change(id, (before) => before && withPending(before, hash));
  let answer = await create(app, url, parts);
  const inTheWay = inTheWayOf(answer, url);
  if (inTheWay !== undefined) {
    const freed = await freeCredential(app, inTheWay, parts);
    if (freed.kind !== 'freed' && freed.kind !== 'none') return freed;
    if (freed.kind === 'freed') answer = await create(app, url, parts);
  }
  if (answer.kind !== 'ok') return answer;
  const { id: credentialId, status } = answer.value;
  const after = await store.change(id, (before) => before && confirmed(before, hash, credentialId, status, nowMs()));
  if (after !== undefined) return { kind: 'registered' };
  await app.recall.deleteCredential(credentialId); // disconnected meanwhile: it must not live on
  return { kind: 'gone' };
}

function withPending(before: Connection, hash: string): Connection {
  const { callback } = before;
  return { ...before, callback: { ...callback, pending: [hash, ...callback.pending].slice(0, maxPending) } };
}

/** Which of two that were registered at once Recall has is not known: the other's secret stays good, too. */
function confirmed(before: Connection, hash: string, credentialId: string, status: string, nowMs: number): Connection {
  const { pending, confirmed: last } = before.callback;
  const place = pending.indexOf(hash);
  const others = place === -1 ? [...(last === undefined ? [] : [last]), ...pending] : pending.slice(0, place);
  const callback = { confirmed: hash, pending: others.slice(0, maxPending) };
  return { ...before, credentialId, callback, recall: healthOf(status, nowMs) };
}

function create(app: ConnectApp, url: Secret, { randomBytes }: Parts): Promise<RecallAnswer<RecallCredential>> {
  const idempotencyKey = randomBytes(16).toString('hex');
  const input: NewCredential = { oauthApp: app.oauthApp, accessTokenCallbackUrl: url, idempotencyKey };
  return app.recall.createCredential(input);
}

/** A credential of that person that Recall names as conflicting, or gave back with the URL of an earlier one. */
function inTheWayOf(answer: RecallAnswer<RecallCredential>, url: Secret): CredentialName | undefined {
  if (answer.kind !== 'ok') return conflictIn(answer);
  const { accessTokenCallbackUrl: given, id } = answer.value;
  return given?.reveal() === url.reveal() ? undefined : { id };
}
