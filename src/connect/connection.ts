import { z } from 'zod';
import { type AppKey, parseAppKey } from '../delivery/names.ts';
import { missingScopes } from '../zoom/oauth/scopes.ts';
import type { ConnectApp } from './ports.ts';

/** What is wrong with a connection by what Zoom said. */
export const troubleKinds = [
  /** Zoom takes the refresh token no longer, or said that the app was removed: the person has to connect again. */
  'revoked',
  /** A refresh was cut off or got no answer, and Zoom has replaced the token meanwhile: connect again. */
  'refresh_lost',
  /** The last refresh failed in a way that may pass; it is tried again. */
  'refresh_failing',
] as const;

const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** One connection as it is kept. Version 1; what a newer release has added stays. */
export const storedConnection = z.looseObject({
  v: z.literal(1),
  id: z.string(),
  /** Where the id is found by the Zoom user or account. */
  ownerKey: z.string(),
  app: z.string().transform((text, context): AppKey => {
    const key = parseAppKey(text);
    if (key !== undefined) return key;
    context.addIssue({ code: 'custom', message: 'is no key of an app' });
    return z.NEVER;
  }),
  /** The company's own name for the person. */
  user: z.string(),
  mode: z.enum(['recall-managed', 'customer-managed']),
  zoom: z.object({
    userId: z.string().exactOptional(),
    accountId: z.string().exactOptional(),
    email: z.string().exactOptional(),
  }),
  /** Of the last consent, epoch milliseconds. */
  connectedAtMs: z.number(),
  /** Recall's id; absent until Recall has confirmed it. */
  credentialId: z.string().exactOptional(),
  /** What was granted; absent when Recall keeps the tokens, which does not say. */
  scopes: z.array(z.string()).exactOptional(),
  /**
   * SHA-256 of the secrets in the callback URLs that Recall may have: that of the one it has confirmed, and those it was
   * given and has not confirmed, newest first.
   */
  callback: z.object({ confirmed: hash.exactOptional(), pending: z.array(hash).max(3) }),
  /** The secret in the URLs for bots: its SHA-256, and sealed so that it can be shown again. */
  bots: z.object({ hash, sealed: z.string() }),
  /** Access and refresh token sealed as one, so that they are stored as one. */
  tokens: z
    .object({
      sealed: z.string(),
      /** Of the access token, epoch milliseconds. */
      expiresAtMs: z.number(),
      /** When the refresh token was given, epoch milliseconds. */
      refreshedAtMs: z.number(),
      /** Another with each consent and refresh. */
      generation: z.string(),
      apiUrl: z.string().exactOptional(),
    })
    .exactOptional(),
  /** A refresh that is under way, or whose process has died over it. */
  refreshing: z.object({ by: z.string(), startedAtMs: z.number() }).exactOptional(),
  /** Since when a refresh has gone without an answer or an end: Zoom may have replaced the refresh token. Epoch milliseconds. */
  unansweredSinceMs: z.number().exactOptional(),
  trouble: z
    .object({
      kind: z.enum(troubleKinds),
      sinceMs: z.number(),
      detail: z.string(),
      /** No other refresh before, epoch milliseconds. */
      retryAtMs: z.number().exactOptional(),
    })
    .exactOptional(),
  /** What Recall said of the credential when it was last asked, and when it was last asked to look again. */
  recall: z
    .object({
      status: z.enum(['healthy', 'unhealthy', 'missing']),
      sinceMs: z.number(),
      checkedAtMs: z.number(),
      validatedAtMs: z.number().exactOptional(),
    })
    .exactOptional(),
});
export type Connection = Readonly<z.infer<typeof storedConnection>>;

export const connectionStates = [
  'healthy',
  /** Recall has not confirmed the credential yet; it is tried again. */
  'unconfirmed',
  'unhealthy_at_recall',
  'revoked',
  'refresh_failing',
  'missing_scopes',
] as const;
export type ConnectionState = (typeof connectionStates)[number];

/** What needs attention first. `detail` says why in one sentence; absent when healthy. */
export function stateOf(connection: Connection, kind: ConnectApp['kind']): { state: ConnectionState; detail?: string } {
  const { trouble, recall, credentialId, scopes } = connection;
  if (trouble?.kind === 'revoked') return { state: 'revoked', detail: trouble.detail };
  if (trouble !== undefined) return { state: 'refresh_failing', detail: trouble.detail };
  if (credentialId === undefined)
    return { state: 'unconfirmed', detail: 'Recall has not confirmed the credential yet; it is asked again' };
  if (recall?.status === 'missing')
    return {
      state: 'unhealthy_at_recall',
      detail: 'Recall has no such credential any more, or asks another URL for tokens',
    };
  if (recall?.status === 'unhealthy')
    return { state: 'unhealthy_at_recall', detail: 'Recall holds the credential to be unhealthy' };
  const missing = (scopes === undefined ? [] : missingScopes(kind, scopes)).filter((scope) => scope.for === 'recall');
  if (missing.length === 0) return { state: 'healthy' };
  return { state: 'missing_scopes', detail: `not granted: ${missing.map((scope) => scope.granular).join(', ')}` };
}

/** Whether only the person can mend it, by connecting again. */
export function needsPerson({ trouble, recall, mode }: Connection): boolean {
  if (trouble !== undefined) return trouble.kind !== 'refresh_failing';
  return recall?.status === 'unhealthy' || (recall?.status === 'missing' && mode === 'recall-managed');
}

/** Whether Recall has to be given the callback URL (once more): with the tokens here, nobody need consent for it. */
export function isUnregistered({ mode, tokens, credentialId, recall }: Connection): boolean {
  if (mode !== 'customer-managed' || tokens === undefined) return false;
  return credentialId === undefined || recall?.status === 'missing';
}

/** What is noted of a credential that Recall has just given. */
export function healthOf(status: string, nowMs: number): NonNullable<Connection['recall']> {
  return { status: status === 'unhealthy' ? status : 'healthy', sinceMs: nowMs, checkedAtMs: nowMs };
}
