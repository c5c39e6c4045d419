import { RelayError, unreachable } from '../errors.ts';
import { connectCustomerManaged } from './connect-customer-managed.ts';
import { connectRecallManaged } from './connect-recall-managed.ts';
import type { ConnectionStore } from './connection-store.ts';
import type { ConsentOutcome, GrantedCode } from './consent-outcome.ts';
import { type ConsumedState, consumeState, type OpenConsent } from './consent-states.ts';
import type { ConnectApp, ConnectParts } from './ports.ts';
import { readBrowser, redirectUriOf, sendToConsent } from './start-consent.ts';
import type { TokenKeeper } from './tokens/token-keeper.ts';

export type FinishOutcome = (
  | Exclude<ConsentOutcome, { kind: 'again' }>
  | { readonly kind: 'consent'; readonly location: URL }
) & {
  /** The link it began with, to begin again; when it is known. */
  readonly startAgain?: URL;
};

/** What came with the redirect from Zoom. */
export interface ConsentReturn {
  readonly state: string | undefined;
  readonly code: string | undefined;
  readonly error: string | undefined;
  readonly errorDescription: string | undefined;
  readonly cookie: string | undefined;
}

const longest = { state: 200, code: 1000, detail: 300 };

/**
 * From Zoom's redirect to a connection. A state is used up whatever comes of it.
 *
 * @throws RelayError `store_unavailable` before anything was done
 */
export async function finishConsent(
  given: ConsentReturn,
  store: ConnectionStore,
  keeper: TokenKeeper,
  parts: ConnectParts,
): Promise<FinishOutcome> {
  const consent = await consume(given, parts);
  if (consent.kind !== 'open') return refused({ kind: 'refused', code: `state_${consent.kind}` }, undefined, parts);
  const app = parts.apps.get(consent.app);
  if (app === undefined) return refused({ kind: 'refused', code: 'app_unknown' }, undefined, parts);
  const startAgain = new URL(`${parts.publicUrl}/connect/zoom/${app.key}?token=${consent.link}`);
  const outcome = refusalIn(given, consent) ?? (await connect(app, consent, given.code ?? '', store, keeper, parts));
  switch (outcome.kind) {
    case 'connected':
      return outcome;
    case 'again':
      return {
        kind: 'consent',
        location: await sendToConsent(app, { ...consent, isSecondTry: true }, consent.browser, parts),
      };
    case 'refused':
      return { ...refused(outcome, app, parts), startAgain };
    default:
      return unreachable(outcome);
  }
}

async function consume({ state = '', cookie }: ConsentReturn, parts: ConnectParts): Promise<ConsumedState> {
  if (state === '' || state.length > longest.state) return { kind: 'unknown' };
  try {
    return await consumeState(state, readBrowser(cookie), parts);
  } catch (error) {
    const code = error instanceof RelayError ? error.code : 'internal';
    parts.observe({ kind: 'consent_refused', app: undefined, code });
    throw error;
  }
}

async function connect(
  app: ConnectApp,
  consent: OpenConsent,
  code: string,
  store: ConnectionStore,
  keeper: TokenKeeper,
  parts: ConnectParts,
): Promise<ConsentOutcome> {
  const { codeVerifier, stateHash } = consent;
  const granted: GrantedCode = { code, codeVerifier, stateHash, redirectUri: redirectUriOf(parts.publicUrl) };
  return app.mode === 'recall-managed'
    ? connectRecallManaged(app, consent, granted, store, parts)
    : connectCustomerManaged(app, consent, granted, store, keeper, parts);
}

function refusalIn(
  { error, errorDescription, code }: ConsentReturn,
  { isSecondTry }: OpenConsent,
): Extract<ConsentOutcome, { kind: 'refused' }> | undefined {
  if (error === 'access_denied') return { kind: 'refused', code: 'consent_denied', wasConnected: isSecondTry };
  if (error !== undefined) {
    return { kind: 'refused', code: 'consent_failed', detail: (errorDescription || error).slice(0, longest.detail) };
  }
  const isMissing = code === undefined || code === '' || code.length > longest.code;
  return isMissing ? { kind: 'refused', code: 'code_missing' } : undefined;
}

function refused(
  outcome: Extract<FinishOutcome, { kind: 'refused' }>,
  app: ConnectApp | undefined,
  { observe }: ConnectParts,
): Extract<FinishOutcome, { kind: 'refused' }> {
  const { code, detail } = outcome;
  observe({ kind: 'consent_refused', app: app?.key, code, ...(detail !== undefined && { detail }) });
  return outcome;
}
