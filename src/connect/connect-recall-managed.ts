import type { RecallCredential, RecallRefusal } from '../recall/api/recall-api.ts';
import type { GrantedCode } from './connect-customer-managed.ts';
import type { ConnectionStore } from './connection-store.ts';
import type { ConsentFor } from './consent-states.ts';
import type { ConsentOutcome } from './finish-consent.ts';
import { freeCredential } from './free-credential.ts';
import { keepGrant, ownerOf } from './new-connection.ts';
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
  const idempotencyKey = stateHash; // the same code always has the same
  const answer = await app.recall.createCredential({
    oauthApp: app.oauthApp,
    code,
    codeVerifier,
    redirectUri,
    idempotencyKey,
  });
  if (answer.kind !== 'ok') return refuse(app, consent, answer);
  const credential = answer.value;
  const { userId, accountId, id: credentialId } = credential;
  const owner = ownerOf(app, { userId, accountId });
  if (owner === undefined) {
    const detail = `Recall's credential ${credentialId} names no Zoom ${app.kind === 'user_level' ? 'user' : 'account'}: is the app's kind right?`;
    return { kind: 'refused', code: 'recall_refused', detail };
  }
  const grant = async () => ({ credentialId, recall: healthOf(credential, parts.nowMs()) });
  const { connection, isNew } = await keepGrant(app, owner, { userId, accountId }, consent.user, grant, store, parts);
  parts.observe({ kind: 'connected', app: app.key, connection: connection.id, isNew, isByPerson: true });
  return { kind: 'connected', connection: connection.id, returnTo: consent.returnTo };
}

function healthOf({ status }: RecallCredential, nowMs: number) {
  return { status: status === 'unhealthy' ? status : 'healthy', sinceMs: nowMs, checkedAtMs: nowMs } as const;
}

async function refuse(app: ConnectApp, consent: ConsentFor, refusal: RecallRefusal): Promise<ConsentOutcome> {
  const refused = { kind: 'refused', code: 'recall_refused', detail: quoteRefusal(refusal) } as const;
  if (refusal.kind !== 'refused') return refused;
  const { conflictingUserId: userId, conflictingAccountId: accountId } = refusal;
  const conflict = userId !== undefined ? { userId } : accountId !== undefined ? { accountId } : undefined;
  if (conflict === undefined || consent.isSecondTry) return refused;
  const freed = await freeCredential(app, conflict);
  if (freed.kind !== 'ok') return { ...refused, detail: quoteRefusal(freed) };
  return { kind: 'again' };
}
