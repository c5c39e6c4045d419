import type { AppKey } from '../delivery/names.ts';
import type { RecallApi } from '../recall/api/recall-api.ts';
import type { Secret } from '../secret.ts';
import type { ZoomAppKind } from '../zoom/oauth/scopes.ts';
import type { SecretTokens } from '../zoom/secret-token.ts';

/** An app whose chain is looked at, from Zoom to Recall. */
export interface DoctorApp {
  readonly key: AppKey;
  readonly secrets: SecretTokens;
  /** Where Recall takes the app's notifications. */
  readonly recallWebhookUrl: URL;
  /** The Zoom OAuth App in Recall. */
  readonly oauthApp: string;
  /** Absent without an API key. */
  readonly recall: RecallReader | undefined;
  /** Absent: nobody can connect to this app through this relay. */
  readonly client: ZoomClient | undefined;
}

/** What is asked of Recall's API. Each answers within `recallPatienceMs`. */
export type RecallReader = Pick<
  RecallApi,
  'readApp' | 'readAppLog' | 'listCredentials' | 'readCredential' | 'readCredentialLog' | 'listMeetings' | 'close'
>;

export interface ZoomClient {
  readonly kind: ZoomAppKind;
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** This relay keeps the tokens; Recall need not have the client secret. */
  readonly isCustomerManaged: boolean;
}

/** A connection as this relay keeps it. */
export interface KnownConnection {
  readonly id: string;
  /** The company's own name for the person. */
  readonly user: string;
  /** `healthy`, `unconfirmed`, `unhealthy_at_recall`, `revoked`, `refresh_failing`, `missing_scopes`. */
  readonly state: string;
  readonly detail?: string;
  /** Only the person can mend it, by connecting again. */
  readonly needsPerson: boolean;
  readonly zoomUserId?: string;
  readonly zoomAccountId?: string;
  readonly email?: string;
  readonly credentialId?: string;
  /** What was granted; absent when Recall keeps the tokens. */
  readonly scopes?: readonly string[];
  readonly connectedAtMs: number;
}

/** How long Recall's API may take for one question, with its repeats. Half of what a look may take. */
export const recallPatienceMs = 7000;

export interface ProbeRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** What came back. Redirects are not followed. */
export type Probed =
  | {
      readonly kind: 'answer';
      readonly status: number;
      /** Lower-case names. */
      readonly headers: Readonly<Record<string, string | undefined>>;
      /** The first 64 KiB. */
      readonly body: string;
    }
  /** `error` is a short code: `timeout`, `ECONNREFUSED`. */
  | { readonly kind: 'no_answer'; readonly error: string };

/** Sends once. Never rejects. */
export interface Prober {
  probe(request: ProbeRequest, timeoutMs: number): Promise<Probed>;
  close(): Promise<void>;
}
