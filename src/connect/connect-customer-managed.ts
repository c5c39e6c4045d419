import type { Secret } from '../secret.ts';
import type { ConnectionStore } from './connection-store.ts';
import type { ConsentFor } from './consent-states.ts';
import type { ConsentOutcome } from './finish-consent.ts';
import { keepGrant, ownerOf } from './new-connection.ts';
import { type ConnectApp, type ConnectParts, quoteRefusal } from './ports.ts';
import { registerCallback } from './register-callback.ts';
import type { TokenKeeper } from './tokens/token-keeper.ts';

/** A code that Zoom gave for consent, and what proves that the consent was begun here. */
export interface GrantedCode {
  readonly code: string;
  readonly codeVerifier: Secret;
  readonly redirectUri: string;
  /** Unique to this consent. */
  readonly stateHash: string;
}

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
  const me = await parts.zoomApi.readMe({ token: tokens.accessToken, apiUrl: tokens.apiUrl });
  if (me.kind !== 'ok') return { kind: 'refused', code: 'zoom_refused', detail: quoteRefusal(me) };
  const grantor = { userId: me.value.id, accountId: me.value.accountId, email: me.value.email };
  const owner = ownerOf(app, grantor);
  if (owner === undefined)
    return { kind: 'refused', code: 'zoom_refused', detail: 'Zoom does not say who granted access' };
  const grant = async (id: string) => ({
    tokens: await keeper.seal(id, tokens),
    ...(tokens.scopes.length > 0 && { scopes: [...tokens.scopes] }), // else Zoom does not say
  });
  const { connection, isNew } = await keepGrant(app, owner, grantor, consent.user, grant, store, parts);
  const registered = await registerCallback(app, connection, store, parts);
  if (registered.kind !== 'registered') {
    const detail = quoteRefusal(registered);
    return { kind: 'refused', code: 'recall_refused', detail, isKept: true };
  }
  parts.observe({ kind: 'connected', app: app.key, connection: connection.id, isNew, isByPerson: true });
  return { kind: 'connected', connection: connection.id, returnTo: consent.returnTo };
}
