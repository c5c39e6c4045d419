import { z } from 'zod';
import { quoteMasked, Secret } from '../../secret.ts';
import {
  type RecallApp,
  type RecallCredential,
  type RecallLogLine,
  type RecallMeeting,
  type RecallToken,
  recallAppKinds,
} from './recall-api.ts';

/** Recall's answers as this product sees them. Members it does not use are ignored, so that Recall can add some. */

const secret = z.string().transform((value) => new Secret(value));
const optionalText = z
  .unknown()
  .optional()
  .transform((value) => (typeof value === 'string' && value !== '' ? value : undefined));
const optionalTimeMs = z
  .unknown()
  .optional()
  .transform((value) => {
    const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
    return Number.isNaN(ms) ? undefined : ms;
  });

/** For answers whose body says nothing: there may be none. */
export const nothing: z.ZodType<undefined> = z.unknown().transform(() => undefined);

export const appSchema: z.ZodType<RecallApp> = z
  .object({
    id: z.string().min(1),
    kind: z.enum(recallAppKinds),
    client_id: z.string(),
    client_secret: secret,
    webhook_secret: secret,
    webhook_last_validation: optionalTimeMs,
  })
  .transform((app) => ({
    id: app.id,
    kind: app.kind,
    clientId: app.client_id,
    clientSecret: app.client_secret,
    webhookSecret: app.webhook_secret,
    lastValidationAtMs: app.webhook_last_validation,
  }));

export const credentialSchema: z.ZodType<RecallCredential> = z
  .object({
    id: z.string().min(1),
    oauth_app: z.string(),
    status: z.enum(['healthy', 'unhealthy']).or(
      z
        .unknown()
        .optional()
        .transform(() => 'unknown' as const),
    ),
    user_id: optionalText,
    account_id: optionalText,
    access_token_callback_url: optionalText,
    meeting_sync_status: optionalText,
    created_at: optionalTimeMs,
  })
  .transform((credential) => ({
    id: credential.id,
    oauthApp: credential.oauth_app,
    status: credential.status,
    userId: credential.user_id,
    accountId: credential.account_id,
    accessTokenCallbackUrl:
      credential.access_token_callback_url === undefined ? undefined : new Secret(credential.access_token_callback_url),
    meetingSyncStatus: credential.meeting_sync_status,
    createdAtMs: credential.created_at,
  }));

/** As long as Recall's own limit. */
const maxLogLength = 2000;

export const logLineSchema: z.ZodType<RecallLogLine> = z
  .object({ message: z.string(), created_at: optionalTimeMs })
  .transform((line) => ({ message: quoteMasked(line.message, [], maxLogLength), createdAtMs: line.created_at }));

export const meetingSchema: z.ZodType<RecallMeeting> = z
  .object({ meeting_id: z.union([z.int(), z.string()]), credential: z.string(), synced_at: optionalTimeMs })
  .transform((meeting) => ({
    meetingId: String(meeting.meeting_id),
    credential: meeting.credential,
    syncedAtMs: meeting.synced_at,
  }));

/** Recall's schema says `token`; its own sample reads `access_token ?? token`. */
export const tokenSchema: z.ZodType<RecallToken> = z
  .object({ access_token: optionalText, token: optionalText, expires_at: optionalTimeMs })
  .transform((answer, context) => {
    const token = answer.access_token ?? answer.token;
    if (token !== undefined) return { token: new Secret(token), expiresAtMs: answer.expires_at };
    context.addIssue({ code: 'custom', path: ['token'], message: 'absent' });
    return z.NEVER;
  });

export interface Page<T> {
  readonly results: readonly T[];
  readonly next: string | undefined;
}

export function pageOf<T>(item: z.ZodType<T>): z.ZodType<Page<T>> {
  return z.object({ results: z.array(item), next: optionalText });
}
