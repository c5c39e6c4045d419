import { type CallbackResult, callCallback, findTokenProblem } from './call-callback.ts';
import type { RecallState } from './recall-state.ts';
import type { AppRecord, CredentialRecord, ManagedTokens } from './records.ts';
import type { RecallApiSettings } from './settings.ts';
import type { ZoomClient } from './zoom-client.ts';

export type TokenOutcome =
  | { readonly kind: 'token'; readonly token: string; readonly expiresAtMs: number | undefined }
  | { readonly kind: 'failed'; readonly problem: string };

export interface CallbackCall extends CallbackResult {
  readonly url: string;
  /** Why the answer is no good token; `undefined` when it is one. */
  readonly problem: string | undefined;
}

/** Gets access tokens for credentials, as Recall does when it needs one; keeps their health. */
export interface TokenSource {
  tokenOf(credential: CredentialRecord): Promise<TokenOutcome>;
  callBack(url: string, app: AppRecord): Promise<CallbackCall>;
  readonly calls: readonly CallbackCall[];
}

export interface TokenSourceParts {
  readonly state: RecallState;
  readonly settings: RecallApiSettings;
  readonly zoom: ZoomClient;
  readonly nowMs: () => number;
}

/** "Disabled due to repeated errors"; how many is not documented. */
const maxErrors = 3;
const minLeftMs = 120_000;

export function createTokenSource({ state, settings, zoom, nowMs }: TokenSourceParts): TokenSource {
  const refreshing = new Map<string, Promise<TokenOutcome>>();
  const calls: CallbackCall[] = [];

  async function callBack(url: string, app: AppRecord): Promise<CallbackCall> {
    const result = await callCallback(url, settings, nowMs());
    const call = { ...result, url, problem: findTokenProblem(result, app.clientId, nowMs()) };
    calls.push(call);
    return call;
  }

  async function ask(credential: CredentialRecord, app: AppRecord): Promise<TokenOutcome> {
    const { access } = credential;
    if (access.kind === 'managed') return refreshWhenNeeded(credential, app, access.tokens);
    const { problem, body } = await callBack(access.url, app);
    if (problem !== undefined) return fail(credential, problem, maxErrors);
    return { kind: 'token', token: body, expiresAtMs: undefined };
  }

  async function refreshWhenNeeded(
    credential: CredentialRecord,
    app: AppRecord,
    { accessToken, refreshToken, expiresAtMs }: ManagedTokens,
  ): Promise<TokenOutcome> {
    if (expiresAtMs - nowMs() >= minLeftMs) return { kind: 'token', token: accessToken, expiresAtMs };
    const result = await zoom.refresh(app, refreshToken);
    if (result.kind === 'refused') {
      const final = result.error === 'invalid_grant' ? 1 : maxErrors;
      return fail(credential, `Refreshing the access token failed: ${result.error}: ${result.reason}`, final);
    }
    credential.access = { kind: 'managed', tokens: result.value };
    return { kind: 'token', token: result.value.accessToken, expiresAtMs: result.value.expiresAtMs };
  }

  function fail(credential: CredentialRecord, problem: string, errorsAllowed: number): TokenOutcome {
    credential.errors += 1;
    state.noteAboutCredential(credential.id, problem);
    if (credential.errors >= errorsAllowed) credential.status = 'unhealthy';
    return { kind: 'failed', problem };
  }

  return {
    calls,
    callBack,
    async tokenOf(credential) {
      const app = state.apps.get(credential.oauthApp);
      if (app === undefined) return { kind: 'failed', problem: 'The Zoom OAuth App is gone.' };
      const asking = refreshing.get(credential.id) ?? ask(credential, app);
      refreshing.set(credential.id, asking);
      const outcome = await asking.finally(() => refreshing.delete(credential.id));
      if (outcome.kind === 'token') credential.errors = 0;
      return outcome;
    },
  };
}
