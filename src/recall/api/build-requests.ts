import { Secret } from '../../secret.ts';
import type { RecallRequest } from './exchange.ts';
import type { NewCredential, RecallApi, RecallRefusal } from './recall-api.ts';

/** The requests, without origin and key. A refusal instead of one: Recall need not be asked. */
export type Built = RecallRequest | RecallRefusal;

const apps = '/api/v2/zoom-oauth-apps/';
const credentials = '/api/v2/zoom-oauth-credentials/';

export function createApp(input: Parameters<RecallApi['createApp']>[0]): RecallRequest {
  const { kind, clientId, clientSecret, webhookSecret, idempotencyKey } = input;
  return {
    method: 'POST',
    path: apps,
    body: {
      kind,
      client_id: clientId,
      client_secret: clientSecret.reveal(),
      webhook_secret: webhookSecret.reveal(),
    },
    idempotencyKey,
    secrets: [clientSecret, webhookSecret],
  };
}

export function listApps({ clientId }: Parameters<RecallApi['listApps']>[0]): RecallRequest {
  return { method: 'GET', path: apps, query: { client_id: clientId }, secrets: [] };
}

export function readApp(id: string): Built {
  return one('GET', apps, id);
}

/** Recall changes nothing but these two: another client id needs another app, hence another webhook URL. */
export function updateApp(id: string, change: Parameters<RecallApi['updateApp']>[1]): Built {
  const { clientSecret, webhookSecret } = change;
  const built = one('PATCH', apps, id);
  if ('kind' in built) return built;
  const body = {
    ...(clientSecret !== undefined && { client_secret: clientSecret.reveal() }),
    ...(webhookSecret !== undefined && { webhook_secret: webhookSecret.reveal() }),
  };
  return { ...built, body, secrets: [clientSecret, webhookSecret].filter((secret) => secret !== undefined) };
}

export function deleteApp(id: string): Built {
  return one('DELETE', apps, id);
}

export function readAppLog(id: string): RecallRequest {
  return newestFirst('/api/v2/zoom-oauth-app-logs/', { oauth_app: id });
}

/** `oauth_app` is the id that Recall gave: Zoom's client id is taken for it often enough, and costs the code. */
export function createCredential(input: NewCredential): Built {
  const { oauthApp, idempotencyKey } = input;
  if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(oauthApp)) {
    const detail = "oauth_app must be the id of the app in Recall (a UUID), not Zoom's client id";
    return { kind: 'refused', status: 400, detail };
  }
  const request = { method: 'POST', path: credentials, idempotencyKey } as const;
  if ('code' in input) {
    const { code, redirectUri, codeVerifier } = input;
    const authorization = { code, redirect_uri: redirectUri, code_verifier: codeVerifier.reveal() };
    const body = { oauth_app: oauthApp, authorization_code: authorization };
    return { ...request, body, secrets: [new Secret(code), codeVerifier] };
  }
  const { accessTokenCallbackUrl } = input;
  const body = { oauth_app: oauthApp, access_token_callback_url: accessTokenCallbackUrl.reveal() };
  return { ...request, body, secrets: secretsOf(accessTokenCallbackUrl) };
}

export function listCredentials(filter: Parameters<RecallApi['listCredentials']>[0]): RecallRequest {
  const { oauthApp, userId, accountId, status } = filter;
  const query = { oauth_app: oauthApp, user_id: userId, account_id: accountId, status };
  return { method: 'GET', path: credentials, query, secrets: [] };
}

export function readCredential(id: string): Built {
  return one('GET', credentials, id);
}

export function deleteCredential(id: string): Built {
  return one('DELETE', credentials, id);
}

export function readAccessToken(id: string): Built {
  return one('GET', credentials, id, 'access-token/');
}

export function validateCredential(id: string): Built {
  return one('POST', credentials, id, 'validate/');
}

export function syncMeetings(id: string): Built {
  return one('POST', credentials, id, 'sync-meetings/');
}

export function readCredentialLog(id: string): RecallRequest {
  return newestFirst('/api/v2/zoom-oauth-credential-logs/', { credential: id });
}

export function listMeetings({ meetingId, credential }: Parameters<RecallApi['listMeetings']>[0]): RecallRequest {
  const query = { meeting_id: meetingId, credential };
  return { method: 'GET', path: '/api/v2/zoom-meetings-to-credentials/', query, secrets: [] };
}

function one(method: RecallRequest['method'], collection: string, id: string, action = ''): Built {
  if (!/^[\w-]{1,100}$/.test(id)) return { kind: 'not_found', status: 404, detail: 'Recall has no ids like this one' };
  return { method, path: `${collection}${id}/${action}`, secrets: [] };
}

/** Which values `ordering` takes is not documented; this is how Django REST framework writes it. */
function newestFirst(path: string, query: Readonly<Record<string, string>>): RecallRequest {
  return { method: 'GET', path, query: { ...query, ordering: '-created_at' }, secrets: [] };
}

/** The URL, its query, and what is in that: any of them may come back in a message. */
function secretsOf(url: Secret): readonly Secret[] {
  const { search = '', searchParams = new URLSearchParams() } = URL.parse(url.reveal()) ?? {};
  return [url, ...[search, ...searchParams.values()].map((value) => new Secret(value))];
}
