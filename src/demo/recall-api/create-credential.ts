import { z } from 'zod';
import type { RecallState } from './recall-state.ts';
import type { Access, AppRecord, CredentialRecord } from './records.ts';
import type { RecallApiSettings } from './settings.ts';
import type { MeetingSync } from './sync-meetings.ts';
import type { TokenSource } from './token-source.ts';
import type { ZoomClient, ZoomOwner, ZoomResult } from './zoom-client.ts';

export const newCredentialSchema = z.strictObject({
  oauth_app: z.guid('Must be a valid UUID.'),
  authorization_code: z
    .strictObject({
      code: z.string().min(1),
      redirect_uri: z.url('Enter a valid URL.'),
      code_verifier: z.string().nullish(),
    })
    .nullish(),
  access_token_callback_url: z
    .url({ protocol: /^https?$/, error: 'Enter a valid URL.' })
    .max(200)
    .nullish(),
});

export type NewCredential = z.infer<typeof newCredentialSchema>;

export type CreationOutcome =
  | { readonly kind: 'created' | 'updated'; readonly credential: CredentialRecord }
  | { readonly kind: 'refused'; readonly body: Readonly<Record<string, unknown>> };

export interface CreationParts {
  readonly state: RecallState;
  readonly settings: RecallApiSettings;
  readonly zoom: ZoomClient;
  readonly tokens: TokenSource;
  readonly sync: MeetingSync;
}

/** A code is exchanged, or a callback called, before anything is compared: a refused create has spent the code. */
export async function createCredential(parts: CreationParts, input: NewCredential): Promise<CreationOutcome> {
  const { state, settings } = parts;
  const app = state.apps.get(input.oauth_app);
  const { authorization_code: code, access_token_callback_url: url } = input;
  if (app === undefined) return refuse({ oauth_app: [`Invalid pk "${input.oauth_app}" - object does not exist.`] });
  if (code != null && url == null) return keep(parts, app, settings.reauth, await redeem(parts, app, code));
  if (url != null && code == null)
    return keep(parts, app, settings.secondCallbackUrl, await tryCallback(parts, app, url));
  return refuse({ detail: 'Exactly one of authorization_code and access_token_callback_url must be given.' });
}

/** Access that works, and whose it is. */
type Gained =
  | { readonly kind: 'gained'; readonly access: Access; readonly owner: ZoomOwner }
  | { readonly kind: 'refused'; readonly detail: string };

async function redeem(
  { zoom }: CreationParts,
  app: AppRecord,
  { code, redirect_uri: redirectUri, code_verifier }: NonNullable<NewCredential['authorization_code']>,
): Promise<Gained> {
  const result = await zoom.exchange(app, { code, redirectUri, codeVerifier: code_verifier ?? undefined });
  if (result.kind === 'refused') return { kind: 'refused', detail: describeRefusal(result) };
  return own(await zoom.readOwner(result.value.accessToken), { kind: 'managed', tokens: result.value });
}

async function tryCallback({ zoom, tokens }: CreationParts, app: AppRecord, url: string): Promise<Gained> {
  const { problem, body } = await tokens.callBack(url, app);
  if (problem !== undefined) return { kind: 'refused', detail: problem };
  return own(await zoom.readOwner(body), { kind: 'callback', url });
}

function own(result: ZoomResult<ZoomOwner>, access: Access): Gained {
  if (result.kind === 'ok') return { kind: 'gained', access, owner: result.value };
  return { kind: 'refused', detail: `Zoom did not tell whose the access token is: ${result.reason}` };
}

function describeRefusal({ error, reason }: { readonly error: string; readonly reason: string }): string {
  const said = `Zoom said: ${reason} (${error})`;
  if (error === 'invalid_client') return `The client_id or client_secret of the Zoom OAuth App is wrong. ${said}`;
  if (error === 'invalid_grant') {
    return `Invalid Grant: the code was used or has expired, or the redirect_uri is not the one it was issued for. ${said}`;
  }
  return `The authorization code could not be exchanged. ${said}`;
}

function keep(
  { state, sync }: CreationParts,
  app: AppRecord,
  mode: 'upsert' | 'conflict',
  gained: Gained,
): CreationOutcome {
  if (gained.kind === 'refused') return refuse({ detail: gained.detail });
  const { access, owner } = gained;
  const isOfUser = app.kind === 'user_level';
  const { userId, accountId } = isOfUser ? { ...owner, accountId: null } : { ...owner, userId: null };
  const ofApp = [...state.credentials.values()].filter(({ oauthApp }) => oauthApp === app.id);
  const existing = ofApp.find((known) => known.userId === userId && known.accountId === accountId);
  if (existing !== undefined && mode === 'conflict') return refuse(describeConflict(isOfUser, owner));
  if (ofApp.some((known) => known !== existing && isSameUrl(known.access, access))) {
    return refuse({ detail: 'This access_token_callback_url is that of another Zoom OAuth Credential.' });
  }
  const credential = existing ?? state.addCredential({ oauthApp: app.id, userId, accountId, access });
  credential.access = access;
  credential.status = 'healthy';
  credential.errors = 0;
  sync.start(credential);
  return { kind: existing === undefined ? 'created' : 'updated', credential };
}

function isSameUrl(a: Access, b: Access): boolean {
  return a.kind === 'callback' && b.kind === 'callback' && a.url === b.url;
}

/** Word for word as documented, with Zoom's id and not that of the credential. */
function describeConflict(isOfUser: boolean, { userId, accountId }: ZoomOwner): Readonly<Record<string, string>> {
  const [what, name, id] = isOfUser
    ? (['user', 'user_id', userId] as const)
    : (['account', 'account_id', accountId] as const);
  const detail =
    `A Zoom OAuth Credential already exists for this OAuth App and Zoom account(${name}: ${id}). ` +
    `A Zoom OAuth App can have at most one Zoom OAuth Credential registered per authorized Zoom ${what}. ` +
    `Please delete the existing Zoom OAuth Credential for Zoom ${what}(${name}: ${id}) and try again.`;
  return { detail, [`conflicting_zoom_${name}`]: id };
}

function refuse(body: Readonly<Record<string, unknown>>): CreationOutcome {
  return { kind: 'refused', body };
}
