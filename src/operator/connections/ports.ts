import type { AppKey } from '../../delivery/names.ts';
import type { Secret } from '../../secret.ts';

export const connectionStates = [
  'healthy',
  'unconfirmed',
  'unhealthy_at_recall',
  'revoked',
  'refresh_failing',
  'missing_scopes',
] as const;
export type ConnectionState = (typeof connectionStates)[number];

/** A connection as the OAuth side knows it. Holds no secret. */
export interface KnownConnection {
  readonly id: string;
  readonly app: AppKey;
  /** The company's own name for the person. */
  readonly user: string;
  readonly mode: 'recall-managed' | 'customer-managed';
  readonly state: ConnectionState;
  /** Why, in one sentence; absent when healthy. */
  readonly detail?: string;
  /** Whether only the person can mend it, by connecting again. */
  readonly needsPerson: boolean;
  readonly zoomUserId?: string;
  readonly zoomAccountId?: string;
  readonly email?: string;
  readonly credentialId?: string;
  readonly scopes?: readonly string[];
  /** Of the last consent, when the tokens were last replaced, and when Recall was last asked; epoch milliseconds. */
  readonly connectedAtMs: number;
  readonly refreshedAtMs?: number;
  readonly checkedAtMs?: number;
}

/** URLs for bots, each with a secret. */
export interface BotUrls {
  readonly zak: Secret;
  readonly obf: Secret;
  readonly joinToken: Secret;
}

/** What became of the wish to end a connection, and what was not undone elsewhere, in a sentence each. */
export interface Disconnected {
  readonly kind: 'disconnected' | 'kept';
  readonly leftBehind: readonly string[];
}

/** What operators ask of the OAuth side. All reject with `store_unavailable` while the store is away. */
export interface ConnectionSource {
  /** Newest first. */
  list(page: {
    readonly app?: AppKey;
    readonly before?: string;
    readonly limit: number;
  }): Promise<readonly KnownConnection[]>;
  /** @throws RelayError `connection_unknown` */
  read(id: string): Promise<KnownConnection>;
  /** @throws RelayError `app_unknown`, `return_refused` */
  createLink(
    app: string,
    whom: { readonly user: string; readonly returnTo?: string | undefined },
    expiresAtMs: number,
  ): Promise<URL>;
  /** @throws RelayError `connection_unknown` */
  botUrls(id: string): Promise<BotUrls>;
  /** @throws RelayError `connection_unknown`, `recall_refused` */
  syncMeetings(id: string): Promise<void>;
  /** @throws RelayError `connection_unknown` */
  disconnect(id: string, isForced: boolean): Promise<Disconnected>;
}
