import type { Secret } from '../../secret.ts';

/** What Zoom gives for a code or a refresh token. Each refresh replaces both; the older ones are void. */
export interface ZoomTokens {
  readonly accessToken: Secret;
  readonly refreshToken: Secret;
  /** Of the access token, epoch milliseconds; it lives for an hour. */
  readonly expiresAtMs: number;
  /** What was granted, as Zoom names it. */
  readonly scopes: readonly string[];
  /** Where this account's API is, when Zoom says so and it is a host of `zoom.us` by https. */
  readonly apiUrl: string | undefined;
}

/** Who granted access. */
export interface ZoomUser {
  readonly id: string;
  readonly accountId: string;
  readonly email: string | undefined;
}

/** Why Zoom did not do it. `detail` is in Zoom's own words, at most 500 characters, secrets masked. */
export type ZoomRefusal =
  /** The code or refresh token is spent, expired, revoked, or of another app or redirect URL: final. */
  | { readonly kind: 'invalid_grant'; readonly detail: string }
  /** The client id or secret is not what Zoom has: for the operator to mend. */
  | { readonly kind: 'invalid_client'; readonly detail: string }
  /** 401: the access token is not valid any more. */
  | { readonly kind: 'unauthorized'; readonly detail: string }
  | { readonly kind: 'missing_scope'; readonly detail: string }
  /** Any other 4xx. */
  | { readonly kind: 'refused'; readonly status: number; readonly detail: string }
  | { readonly kind: 'rate_limited'; readonly retryAfterMs: number; readonly detail: string }
  /** No answer in time, 5xx, or an answer that is none. The request may have been carried out all the same. */
  | { readonly kind: 'unavailable'; readonly detail: string };

export type ZoomAnswer<T> = { readonly kind: 'ok'; readonly value: T } | ZoomRefusal;

/**
 * Zoom's OAuth for one app: authorization code with PKCE (S256), client authentication by Basic. Never rejects.
 *
 * @see https://developers.zoom.us/docs/integrations/oauth/
 */
export interface ZoomOAuth {
  /** The consent page. `redirectUri` must be, to the character, one that the Zoom app allows. */
  consentUrl(input: { readonly redirectUri: string; readonly state: string; readonly codeChallenge: string }): URL;
  exchangeCode(input: {
    readonly code: string;
    readonly redirectUri: string;
    readonly codeVerifier: Secret;
  }): Promise<ZoomAnswer<ZoomTokens>>;
  refresh(refreshToken: Secret): Promise<ZoomAnswer<ZoomTokens>>;
  revoke(token: Secret): Promise<ZoomAnswer<undefined>>;
}

/**
 * The few calls of Zoom's API that connecting needs. Never rejects.
 *
 * @see https://developers.zoom.us/docs/api/
 */
export interface ZoomApi {
  readMe(access: ZoomAccess): Promise<ZoomAnswer<ZoomUser>>;
  /** Zoom access key of the user: lets a bot join as them. Lives for 5 minutes. */
  readZak(access: ZoomAccess): Promise<ZoomAnswer<Secret>>;
  /** On-behalf-of token: lets a bot join external meetings that the user is in. Lives for 2 hours. */
  readOnBehalfToken(access: ZoomAccess, meetingId: string | undefined): Promise<ZoomAnswer<Secret>>;
  /** Join token for local recording of a meeting, which also skips the waiting room. Lives for 2 minutes. */
  readJoinToken(access: ZoomAccess, meetingId: string): Promise<ZoomAnswer<Secret>>;
  close(): Promise<void>;
}

export interface ZoomAccess {
  readonly token: Secret;
  /** `ZoomTokens.apiUrl`; the configured one when absent. */
  readonly apiUrl?: string | undefined;
}
