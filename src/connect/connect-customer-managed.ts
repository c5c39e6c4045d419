import type { ZoomAnswer, ZoomTokens, ZoomUser } from '../zoom/oauth/zoom-oauth.ts';
import type { ConnectionStore } from './connection-store.ts';
import type { ConsentOutcome, GrantedCode } from './consent-outcome.ts';
import type { ConsentFor } from './consent-states.ts';
import { keepTrying } from './keep-trying.ts';
import { type Grant, type KeptGrant, keepGrant, ownerOf } from './new-connection.ts';
import { type ConnectApp, type ConnectParts, quoteRefusal } from './ports.ts';
import { registerCallback } from './register-callback.ts';
import type { TokenKeeper } from './tokens/token-keeper.ts';

/**
 * Exchanges the code, keeps the tokens, and gives Recall the URL to ask for them. When Recall does not take it, the
 * connection stays and is registered later in the background: the person need not come again.
 */
export async function connectCustomerManaged(
  app: ConnectApp,
  consent: ConsentFor,
  granted: GrantedCode,
  store: ConnectionStore,
  keeper: TokenKeeper,
  parts: ConnectParts,
): Promise<ConsentOutcome> {
  const exchanged = await app.zoom.exchangeCode(granted);
  if (exchanged.kind !== 'ok') return { kind: 'refused', code: 'zoom_refused', detail: quoteRefusal(exchanged) };
  const tokens = exchanged.value;
  const me = await readMe(tokens, parts);
  if (me.kind !== 'ok') {
    await app.zoom.revoke(tokens.accessToken); // nobody keeps them
    return { kind: 'refused', code: 'zoom_refused', detail: quoteRefusal(me) };
  }
  const grantor = { userId: me.value.id, accountId: me.value.accountId, email: me.value.email };
  const owner = ownerOf(app, grantor);
  if (owner === undefined)
    return { kind: 'refused', code: 'zoom_refused', detail: 'Zoom does not say who granted access' };
  const grant = async (id: string): Promise<Grant> => ({
    tokens: await keeper.seal(id, tokens),
    ...(tokens.scopes.length > 0 && { scopes: [...tokens.scopes] }), // else Zoom does not say
    // Whatever Recall has is of before: it has to be given the URL, by this or a later try.
    recall: { status: 'missing', sinceMs: parts.nowMs(), checkedAtMs: parts.nowMs() },
  });
  let kept: KeptGrant;
  try {
    kept = await keepTrying(() => keepGrant(app, { owner, grantor, user: consent.user }, grant, store, parts));
  } catch (cause) {
    await app.zoom.revoke(tokens.accessToken);
    parts.observe({ kind: 'grant_unkept', app: app.key, credential: undefined, cause });
    return { kind: 'refused', code: 'grant_unkept' };
  }
  const { connection, isNew, isOtherUser } = kept;
  const registered = await registerCallback(app, connection, store, parts);
  if (registered.kind === 'gone') return { kind: 'refused', code: 'connection_unknown' };
  if (registered.kind !== 'registered') {
    return { kind: 'refused', code: 'recall_refused', detail: quoteRefusal(registered), isKept: true };
  }
  parts.observe({ kind: 'connected', app: app.key, connection: connection.id, isNew, isByPerson: true, isOtherUser });
  return { kind: 'connected', connection: connection.id, returnTo: consent.returnTo };
}

/** Twice if need be: the code is spent, so that the person would have to come again. */
async function readMe(tokens: ZoomTokens, { zoomApi }: ConnectParts): Promise<ZoomAnswer<ZoomUser>> {
  const access = { token: tokens.accessToken, apiUrl: tokens.apiUrl };
  const answer = await zoomApi.readMe(access);
  return answer.kind === 'unavailable' || answer.kind === 'rate_limited' ? zoomApi.readMe(access) : answer;
}
