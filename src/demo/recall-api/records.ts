/** What lists are ordered by: later ones have more. */
interface Listed {
  readonly seq: number;
  readonly atMs: number;
}

export interface AppRecord extends Listed {
  readonly id: string;
  readonly kind: 'user_level' | 'account_level';
  readonly clientId: string;
  clientSecret: string;
  webhookSecret: string;
  lastValidationAtMs: number | undefined;
}

export interface CredentialRecord extends Listed {
  readonly id: string;
  readonly oauthApp: string;
  readonly userId: string | null;
  readonly accountId: string | null;
  status: 'healthy' | 'unhealthy';
  access: Access;
  meetingSyncStatus: 'not_started' | 'in_progress' | 'completed' | 'failed';
  /** Of getting a token, in a row. */
  errors: number;
}

/** Where the tokens are: here (Recall-managed), or with the customer. */
export type Access =
  | { readonly kind: 'managed'; readonly tokens: ManagedTokens }
  | { readonly kind: 'callback'; readonly url: string };

export interface ManagedTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresAtMs: number;
}

export interface MeetingRecord extends Listed {
  readonly meetingId: number;
  readonly credential: string;
}

export interface LogRecord extends Listed {
  /** The id of the app or credential. */
  readonly about: string;
  readonly message: string;
}

/** As Recall writes times: with microseconds. */
export function formatTime(atMs: number): string {
  return new Date(atMs).toISOString().replace('Z', '000Z');
}

export function renderApp(app: AppRecord) {
  return {
    id: app.id,
    kind: app.kind,
    client_id: app.clientId,
    client_secret: app.clientSecret,
    webhook_secret: app.webhookSecret,
    webhook_last_validation: app.lastValidationAtMs === undefined ? null : formatTime(app.lastValidationAtMs),
    created_at: formatTime(app.atMs),
  };
}

export function renderCredential(credential: CredentialRecord) {
  const { id, oauthApp, status, userId, accountId, access, atMs, meetingSyncStatus } = credential;
  return {
    id,
    oauth_app: oauthApp,
    status,
    user_id: userId,
    account_id: accountId,
    access_token_callback_url: access.kind === 'callback' ? access.url : null,
    created_at: formatTime(atMs),
    meeting_sync_status: meetingSyncStatus,
  };
}

export function renderMeeting({ meetingId, credential, atMs }: MeetingRecord) {
  return { meeting_id: meetingId, credential, synced_at: formatTime(atMs) };
}
