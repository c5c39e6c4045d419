import type { Secret } from '../../secret.ts';

/** Whose access an app of Recall's handles: that of single Zoom users, or of a whole Zoom account. */
export const recallAppKinds = ['user_level', 'account_level'] as const;
export type RecallAppKind = (typeof recallAppKinds)[number];

/** A Zoom OAuth App in Recall. Recall gives its secrets in clear. */
export interface RecallApp {
  readonly id: string;
  readonly kind: RecallAppKind;
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly webhookSecret: Secret;
  /** Epoch milliseconds. */
  readonly lastValidationAtMs: number | undefined;
}

/** A Zoom OAuth Credential in Recall: of one Zoom user (user-level apps) or one Zoom account (account-level apps). */
export interface RecallCredential {
  readonly id: string;
  readonly oauthApp: string;
  readonly status: 'healthy' | 'unhealthy' | 'unknown';
  readonly userId: string | undefined;
  readonly accountId: string | undefined;
  /** Of customer-managed ones; holds a secret. */
  readonly accessTokenCallbackUrl: Secret | undefined;
  /** `not_started`, `in_progress`, `completed`, `failed`; `undefined` when Recall does not say. */
  readonly meetingSyncStatus: string | undefined;
  readonly createdAtMs: number | undefined;
}

/** A warning or error that Recall noted about an app or a credential. */
export interface RecallLogLine {
  readonly message: string;
  readonly createdAtMs: number | undefined;
}

/** That Recall can get a join token for a meeting, with which credential, and since when it knows. */
export interface RecallMeeting {
  readonly meetingId: string;
  readonly credential: string;
  readonly syncedAtMs: number | undefined;
}

export interface RecallToken {
  readonly token: Secret;
  readonly expiresAtMs: number | undefined;
}

/** Why Recall did not do it. `detail` is in Recall's own words, at most 1,000 characters, secrets masked. */
export type RecallRefusal =
  /** 400, 402, 405, 507 and other 4xx. A Zoom user or account that has a credential already is named by its Zoom id. */
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly detail: string;
      readonly conflictingUserId?: string;
      readonly conflictingAccountId?: string;
    }
  /** 401: the API key is wrong, or of another region. */
  | { readonly kind: 'unauthorized'; readonly status: 401; readonly detail: string }
  /** 403 from the firewall in front of Recall: `localhost` or a bare IP address in the body. */
  | { readonly kind: 'blocked'; readonly status: 403; readonly detail: string }
  | { readonly kind: 'not_found'; readonly status: 404; readonly detail: string }
  /** 429, still so after the retries. */
  | { readonly kind: 'rate_limited'; readonly status: 429; readonly retryAfterMs: number; readonly detail: string }
  /** No answer in time, 409 (the same request is still under way) or 5xx after the retries, or an answer that is none. */
  | {
      readonly kind: 'unavailable';
      readonly status: number | undefined;
      readonly detail: string;
      /** Why there is no answer at all: a short code as `ENOTFOUND`, `timeout`. */
      readonly networkError?: string;
    };

export type RecallAnswer<T> = { readonly kind: 'ok'; readonly value: T } | RecallRefusal;

export type NewCredential = {
  readonly oauthApp: string;
  /** The same request again must have the same; another request another. */
  readonly idempotencyKey: string;
} & (
  | { readonly code: string; readonly redirectUri: string; readonly codeVerifier: Secret }
  /** At most 200 characters; Recall calls it before it answers. */
  | { readonly accessTokenCallbackUrl: Secret }
);

/**
 * What this product asks of Recall's API. Never rejects: what goes wrong is a `RecallRefusal`. Lists go through all
 * pages, at most 100 of them. Waits and repeats on 429 (as `Retry-After` says), 409 and 502 to 504, at most until
 * `timeoutMs` of the client has passed.
 *
 * @see https://docs.recall.ai/reference/zoom_oauth_apps_create
 */
export interface RecallApi {
  createApp(input: {
    readonly kind: RecallAppKind;
    readonly clientId: string;
    readonly clientSecret: Secret;
    readonly webhookSecret: Secret;
    readonly idempotencyKey: string;
  }): Promise<RecallAnswer<RecallApp>>;
  listApps(filter: { readonly clientId?: string }): Promise<RecallAnswer<readonly RecallApp[]>>;
  readApp(id: string): Promise<RecallAnswer<RecallApp>>;
  updateApp(
    id: string,
    change: { readonly clientSecret?: Secret; readonly webhookSecret?: Secret },
  ): Promise<RecallAnswer<RecallApp>>;
  deleteApp(id: string): Promise<RecallAnswer<undefined>>;
  /** The newest first, one page. */
  readAppLog(id: string): Promise<RecallAnswer<readonly RecallLogLine[]>>;
  /** Any 2xx is success; the credential may be one that was there already. */
  createCredential(input: NewCredential): Promise<RecallAnswer<RecallCredential>>;
  /** @param patienceMs instead of the client's: many pages take minutes, since Recall allows 60 a minute */
  listCredentials(
    filter: {
      readonly oauthApp: string;
      readonly userId?: string;
      readonly accountId?: string;
      readonly status?: 'healthy' | 'unhealthy';
    },
    patienceMs?: number,
  ): Promise<RecallAnswer<readonly RecallCredential[]>>;
  readCredential(id: string): Promise<RecallAnswer<RecallCredential>>;
  deleteCredential(id: string): Promise<RecallAnswer<undefined>>;
  readAccessToken(id: string): Promise<RecallAnswer<RecallToken>>;
  /** Has Recall look again at a credential, and enables it if it was disabled for its errors. */
  validateCredential(id: string): Promise<RecallAnswer<undefined>>;
  /** Has Recall read the meetings of a credential anew; it does so after it has answered. */
  syncMeetings(id: string): Promise<RecallAnswer<undefined>>;
  /** The newest first, one page. */
  readCredentialLog(id: string): Promise<RecallAnswer<readonly RecallLogLine[]>>;
  listMeetings(filter: {
    readonly meetingId?: string;
    readonly credential?: string;
  }): Promise<RecallAnswer<readonly RecallMeeting[]>>;
  close(): Promise<void>;
}
