import type { RecallCredential, RecallRefusal } from '../recall/api/recall-api.ts';
import { healthOf } from './connection.ts';
import type { ConnectionStore } from './connection-store.ts';
import type { ConsentOutcome, GrantedCode } from './consent-outcome.ts';
import type { ConsentFor } from './consent-states.ts';
import { conflictIn, freeCredential } from './free-credential.ts';
import { keepTrying } from './keep-trying.ts';
import { type Grant, keepGrant, ownerOf } from './new-connection.ts';
import { type ConnectApp, type ConnectParts, quoteRefusal } from './ports.ts';

/**
 * Hands the code to Recall, which exchanges it and keeps the tokens. Recall gives an existing credential back, renewed,
 * or, in its older way, refuses because there is one: then that is deleted and the person goes through consent once
 * more, since the code is spent; never twice.
 */
export async function connectRecallManaged(
  app: ConnectApp,
  consent: ConsentFor,
  granted: GrantedCode,
  store: ConnectionStore,
  parts: ConnectParts,
): Promise<ConsentOutcome> {
  const { code, codeVerifier, redirectUri, stateHash } = granted;
  const answer = await app.recall.createCredential({
    oauthApp: app.oauthApp,
    code,
    codeVerifier,
    redirectUri,
    idempotencyKey: stateHash, // the same code always has the same
  });
  return answer.kind === 'ok' ? keep(app, consent, answer.value, store, parts) : refuse(app, consent, answer, parts);
}

async function keep(
  app: ConnectApp,
  { user, returnTo }: ConsentFor,
  credential: RecallCredential,
  store: ConnectionStore,
  parts: ConnectParts,
): Promise<ConsentOutcome> {
  const { userId, accountId, id: credentialId, status } = credential;
  const owner = ownerOf(app, { userId, accountId });
  if (owner === undefined) {
    const detail = `Recall's credential ${credentialId} names no Zoom ${app.kind === 'user_level' ? 'user' : 'account'}: is the app's kind right?`;
    return { kind: 'refused', code: 'recall_refused', detail };
  }
  const about = { owner, grantor: { userId, accountId }, user };
  const grant = async (): Promise<Grant> => ({ credentialId, recall: healthOf(status, parts.nowMs()) });
  try {
    const { connection, isNew, isOtherUser } = await keepTrying(() => keepGrant(app, about, grant, store, parts));
    parts.observe({ kind: 'connected', app: app.key, connection: connection.id, isNew, isByPerson: true, isOtherUser });
    return { kind: 'connected', connection: connection.id, returnTo };
  } catch (cause) {
    parts.observe({ kind: 'grant_unkept', app: app.key, credential: credentialId, cause });
    return { kind: 'refused', code: 'grant_unkept' };
  }
}

async function refuse(
  app: ConnectApp,
  consent: ConsentFor,
  refusal: RecallRefusal,
  parts: ConnectParts,
): Promise<ConsentOutcome> {
  const refused = { kind: 'refused', code: 'recall_refused', detail: quoteRefusal(refusal) } as const;
  const conflict = conflictIn(refusal);
  if (conflict === undefined || consent.isSecondTry) return refused;
  const freed = await freeCredential(app, conflict, parts);
  if (freed.kind === 'freed') return { kind: 'again' };
  return freed.kind === 'none' ? refused : { ...refused, detail: quoteRefusal(freed) };
}
