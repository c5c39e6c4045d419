import type { AppKey } from '../delivery/names.ts';
import type { RecallApi, RecallRefusal } from '../recall/api/recall-api.ts';
import type { Secret } from '../secret.ts';
import type { ZoomApi, ZoomOAuth, ZoomRefusal } from '../zoom/oauth/zoom-oauth.ts';

/** Where connections are kept. Every method rejects with `store_unavailable` while the store is away. */
export interface ConnectRecords {
  read(key: string): Promise<string | undefined>;
  /** Replaces the record if its value still is `expected` (`undefined`: there is none); tells whether it did. */
  swap(
    key: string,
    expected: string | undefined,
    next: { readonly value: string; readonly tags?: readonly string[]; readonly expiresAtMs?: number },
  ): Promise<boolean>;
  /** Tells whether there was one. */
  remove(key: string): Promise<boolean>;
  /** Highest keys first. */
  list(query: {
    readonly tag?: string;
    readonly prefix?: string;
    readonly before?: string;
    readonly limit: number;
  }): Promise<readonly { readonly key: string; readonly value: string }[]>;
}

/** Who keeps the tokens that Zoom gives. */
export type ConnectMode = 'recall-managed' | 'customer-managed';

/** An app that people can connect their Zoom to. */
export interface ConnectApp {
  readonly key: AppKey;
  readonly mode: ConnectMode;
  readonly kind: 'user_level' | 'account_level';
  /** The Zoom OAuth App in Recall. */
  readonly oauthApp: string;
  /** The Zoom app's. */
  readonly clientId: string;
  readonly returnOrigins: readonly string[];
  readonly workspaceSecrets: readonly Secret[];
  readonly requireRecallSignature: boolean;
  readonly recall: RecallApi;
  readonly zoom: ZoomOAuth;
}

export interface ConnectParts {
  readonly apps: ReadonlyMap<string, ConnectApp>;
  readonly records: ConnectRecords;
  readonly zoomApi: ZoomApi;
  readonly keys: KeyRing;
  /** Without a trailing slash. */
  readonly publicUrl: string;
  /** Epoch milliseconds. */
  readonly nowMs: () => number;
  readonly randomBytes: (count: number) => Buffer;
  readonly observe: ConnectObserver;
}

/** Keeps small secrets so that the store alone does not give them away, and signs what comes back through browsers. */
export interface KeyRing {
  /** @param about what it belongs to: opens with the same only */
  seal(plain: string, about: string): Promise<string>;
  /** `undefined` when it was made with a key that is not configured any more, is about something else, or was changed. */
  open(sealed: string, about: string): Promise<string | undefined>;
  /** Whether it was sealed with the key that seals now. */
  isCurrent(sealed: string): boolean;
  sign(claims: Readonly<Record<string, string>>, about: string, expiresAtMs: number): Promise<string>;
  verify(token: string, about: string, nowMs: number): Promise<VerifiedClaims>;
}

export type VerifiedClaims =
  | { readonly kind: 'valid'; readonly claims: Readonly<Record<string, unknown>> }
  | { readonly kind: 'expired' }
  | { readonly kind: 'invalid' };

/** What happened, for logs and metrics. Carries ids, never a code, a token or a secret. */
export type ConnectEvent =
  | { readonly kind: 'consent_started'; readonly app: AppKey }
  | {
      readonly kind: 'consent_refused';
      readonly app: AppKey | undefined;
      readonly code: string;
      readonly detail?: string;
    }
  /** By the person just now, or Recall has confirmed it at last. */
  | {
      readonly kind: 'connected';
      readonly app: AppKey;
      readonly connection: string;
      readonly isNew: boolean;
      readonly isByPerson: boolean;
      /** The link was for somebody else than the one before. */
      readonly isOtherUser: boolean;
    }
  /** Access was granted, and could not be kept here. `credential` is what is left of it at Recall. */
  | {
      readonly kind: 'grant_unkept';
      readonly app: AppKey;
      readonly credential: string | undefined;
      readonly cause: unknown;
    }
  /** One that stood in the way of a new one was deleted at Recall. */
  | { readonly kind: 'credential_freed'; readonly app: AppKey; readonly credential: string }
  | { readonly kind: 'token_served'; readonly app: AppKey; readonly connection: string; readonly what: TokenKind }
  | {
      readonly kind: 'token_refused';
      readonly app: AppKey | undefined;
      readonly connection: string | undefined;
      readonly what: TokenKind;
      readonly code: string;
      readonly detail?: string;
    }
  | { readonly kind: 'token_refreshed'; readonly app: AppKey; readonly connection: string }
  | {
      readonly kind: 'refresh_failed';
      readonly app: AppKey;
      readonly connection: string;
      readonly reason: string;
      readonly detail: string;
    }
  /** Zoom gave new tokens and the store did not take them: they are held and tried again. */
  | { readonly kind: 'refresh_unsaved'; readonly app: AppKey; readonly connection: string; readonly cause: unknown }
  | { readonly kind: 'health_changed'; readonly app: AppKey; readonly connection: string; readonly state: string }
  | {
      readonly kind: 'ended';
      readonly app: AppKey;
      readonly connection: string;
      readonly by: 'operator' | 'deauthorization';
      readonly leftBehind: readonly string[];
    }
  | { readonly kind: 'maintenance_failed'; readonly app: AppKey | undefined; readonly cause: unknown };

export type ConnectObserver = (event: ConnectEvent) => void;

export const tokenKinds = ['access_token', 'zak', 'obf', 'join_token'] as const;
export type TokenKind = (typeof tokenKinds)[number];

/** For a person: what Recall or Zoom said, and no more. */
export function quoteRefusal(refusal: RecallRefusal | ZoomRefusal): string {
  return 'status' in refusal && refusal.status !== undefined ? `${refusal.detail} (${refusal.status})` : refusal.detail;
}

/** For an operator, in one line: what kind of refusal it is, and what Recall or Zoom said. */
export function describeRefusal(refusal: RecallRefusal | ZoomRefusal): string {
  const status = 'status' in refusal && refusal.status !== undefined ? ` (${refusal.status})` : '';
  return `${refusal.kind}${status}: ${refusal.detail}`;
}
