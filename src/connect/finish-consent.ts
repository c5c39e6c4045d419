import { connectCustomerManaged, type GrantedCode } from './connect-customer-managed.ts';
import { connectRecallManaged } from './connect-recall-managed.ts';
import type { ConnectionStore } from './connection-store.ts';
import { type ConsumedState, consumeState } from './consent-states.ts';
import type { ConnectParts } from './ports.ts';
import { readBrowser, redirectUriOf, sendToConsent } from './start-consent.ts';
import type { TokenKeeper } from './tokens/token-keeper.ts';

/** Why a consent came to nothing. Each has a page and a status of its own. */
export const consentRefusalCodes = [
  'consent_denied',
  'consent_failed',
  'state_unknown',
  'state_used',
  'state_expired',
  'state_foreign',
  'code_missing',
  'app_unknown',
  'zoom_refused',
  'recall_refused',
] as const;
export type ConsentRefusalCode = (typeof consentRefusalCodes)[number];

export type ConsentOutcome =
  | { readonly kind: 'connected'; readonly connection: string; readonly returnTo: string | undefined }
  /** What was in the way has been removed: through consent once more. */
  | { readonly kind: 'again' }
  | {
      readonly kind: 'refused';
      readonly code: ConsentRefusalCode;
      /** In Zoom's or Recall's own words. */
      readonly detail?: string;
      /** Access was granted and is kept; what lacks is done in the background. */
      readonly isKept?: boolean;
    };

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

/** From Zoom's redirect to a connection. A state is used up whatever comes of it. */
export async function finishConsent(
  given: ConsentReturn,
  store: ConnectionStore,
  keeper: TokenKeeper,
  parts: ConnectParts,
): Promise<FinishOutcome> {
  const browser = readBrowser(given.cookie);
  const state = given.state ?? '';
  const consumed: ConsumedState =
    state === '' || state.length > longest.state ? { kind: 'unknown' } : await consumeState(state, browser, parts);
  if (consumed.kind !== 'open') return refusedState(consumed.kind, parts);
  const app = parts.apps.get(consumed.app);
  if (app === undefined) return refused({ kind: 'refused', code: 'app_unknown' }, parts);
  const startAgain = new URL(`${parts.publicUrl}/connect/zoom/${app.key}?token=${consumed.link}`);
  const outcome = refusalIn(given) ?? (await connect(consumed, given.code ?? ''));
  if (outcome.kind === 'refused') {
    const { code, detail } = outcome;
    parts.observe({ kind: 'consent_refused', app: app.key, code, ...(detail !== undefined && { detail }) });
    return { ...outcome, startAgain };
  }
  if (outcome.kind === 'connected' || browser === undefined)
    return outcome.kind === 'again' ? refusedState('foreign', parts) : outcome;
  return { kind: 'consent', location: await sendToConsent(app, { ...consumed, isSecondTry: true }, browser, parts) };

  async function connect(consent: Extract<ConsumedState, { kind: 'open' }>, code: string): Promise<ConsentOutcome> {
    const { codeVerifier, stateHash } = consent;
    const granted: GrantedCode = { code, codeVerifier, stateHash, redirectUri: redirectUriOf(parts.publicUrl) };
    if (app === undefined) return { kind: 'refused', code: 'app_unknown' };
    return app.mode === 'recall-managed'
      ? connectRecallManaged(app, consent, granted, store, parts)
      : connectCustomerManaged(app, consent, granted, store, keeper, parts);
  }
}

function refusalIn({
  error,
  errorDescription,
  code,
}: ConsentReturn): Extract<ConsentOutcome, { kind: 'refused' }> | undefined {
  if (error === 'access_denied') return { kind: 'refused', code: 'consent_denied' };
  if (error !== undefined) {
    const detail = (errorDescription || error).slice(0, longest.detail);
    return { kind: 'refused', code: 'consent_failed', detail };
  }
  return code === undefined || code === '' || code.length > longest.code
    ? { kind: 'refused', code: 'code_missing' }
    : undefined;
}

function refusedState(kind: Exclude<ConsumedState['kind'], 'open'>, parts: ConnectParts): FinishOutcome {
  return refused({ kind: 'refused', code: `state_${kind}` }, parts);
}

function refused(outcome: Extract<FinishOutcome, { kind: 'refused' }>, parts: ConnectParts): FinishOutcome {
  parts.observe({ kind: 'consent_refused', app: undefined, code: outcome.code });
  return outcome;
}
