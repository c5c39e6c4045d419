import { createHash, randomBytes } from 'node:crypto';
import { decodeJwt } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { answering } from '../src/demo/misbehaviour.ts';
import { startZoomOAuthStandIn, type ZoomOAuthStandIn } from '../src/demo/zoom-oauth/zoom-oauth-stand-in.ts';

const redirectUri = 'https://relay.example/oauth-callback/zoom';
const app = {
  clientId: 'ADZ9k9bTWmGUoUbE-CUKU_a',
  clientSecret: 'a-secret_of~the.app',
  redirectUris: [redirectUri],
  scopes: ['user:read:user', 'user:read:zak', 'user:read:token', 'meeting:read:local_recording_token'],
  kind: 'user_level',
} as const;
const other = { ...app, clientId: 'another', clientSecret: 'another-secret', redirectUris: ['https://other.example/'] };
const [ada, bob] = [
  { id: 'z9jkdsfsdfjhdkfjQ', accountId: 'EabCDEFghiLHMA', email: 'ada@example.com', pmi: 1234567890 },
  { id: 'x1yCzABCDEfg23HiJKl4mN', accountId: 'EabCDEFghiLHMA', email: 'bob@example.com' },
];
const anyObject = z.record(z.string(), z.unknown());
const verifier = randomBytes(32).toString('base64url');
const challenge = createHash('sha256').update(verifier).digest('base64url');

let zoom: ZoomOAuthStandIn;
let nowMs = Date.UTC(2026, 10, 1);

beforeEach(async () => {
  nowMs = Date.UTC(2026, 10, 1);
  zoom = await startZoomOAuthStandIn({ apps: [app, other], users: [ada, bob], nowMs: () => nowMs });
});

afterEach(() => zoom.close());

interface Answer {
  readonly status: number;
  readonly json: Record<string, unknown>;
}

function consentUrl(change: Readonly<Record<string, string | undefined>> = {}): URL {
  const url = new URL('/oauth/authorize', zoom.baseUrl);
  const fields = {
    response_type: 'code',
    client_id: app.clientId,
    redirect_uri: redirectUri,
    state: 'a-state',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...change,
  };
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

const basic = (
  { clientId, clientSecret } = { clientId: app.clientId as string, clientSecret: app.clientSecret as string },
) => `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;

async function post(path: string, form: Record<string, string>, authorization?: string): Promise<Answer> {
  const headers = authorization === undefined ? undefined : { authorization };
  const answer = await fetch(new URL(path, zoom.baseUrl), {
    method: 'POST',
    body: new URLSearchParams(form),
    ...(headers && { headers }),
  });
  return { status: answer.status, json: anyObject.parse(await answer.json()) };
}

function newCode(userId = ada.id, url = consentUrl()): string {
  return zoom.consent(url, { userId }).searchParams.get('code') ?? '';
}

function exchange(code: string, change: Record<string, string> = {}): Promise<Answer> {
  const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier };
  return post('/oauth/token', { ...form, ...change }, basic());
}

function refresh(refreshToken: unknown, authorization = basic()): Promise<Answer> {
  return post('/oauth/token', { grant_type: 'refresh_token', refresh_token: String(refreshToken) }, authorization);
}

async function get(path: string, token: unknown): Promise<Answer> {
  const answer = await fetch(new URL(path, zoom.baseUrl), { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, json: anyObject.parse(await answer.json()) };
}

const invalidCode = { status: 400, json: { reason: 'Invalid authorization code', error: 'invalid_grant' } };
const invalidToken = { status: 400, json: { reason: 'Invalid Token!', error: 'invalid_grant' } };
const invalidClient = { status: 401, json: { reason: 'Invalid client_id or client_secret', error: 'invalid_client' } };
const deadToken = { status: 401, json: { code: 124, message: 'Invalid access token.' } };

describe('the consent page', () => {
  test('what its form sends leads back with a code and the state, or with access_denied', async () => {
    const page = await fetch(consentUrl());
    expect(page.status).toBe(200);
    const text = await page.text();
    expect(text).toContain('<html lang="en">');
    const fields = [...text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)];
    const send = async (decision: string, userId: string): Promise<URL> => {
      const body = new URLSearchParams(fields.map(([, name = '', value = '']) => [name, value]));
      body.set('user_id', userId);
      body.set('decision', decision);
      const url = new URL('/oauth/authorize/decision', zoom.baseUrl);
      const answer = await fetch(url, { method: 'POST', body, redirect: 'manual' });
      expect(answer.status).toBe(302);
      return new URL(answer.headers.get('location') ?? '');
    };
    const allowed = await send('allow', bob.id);
    expect(`${allowed.origin}${allowed.pathname}`).toBe(redirectUri);
    expect(allowed.searchParams.get('state')).toBe('a-state');
    await exchange(allowed.searchParams.get('code') ?? '');
    expect(zoom.tokenOf(bob.id)).toBeDefined();
    expect((await send('decline', ada.id)).search).toBe('?error=access_denied&state=a-state');
  });

  test.each([
    ['a redirect URI that differs by a slash', { redirect_uri: `${redirectUri}/` }, /Invalid redirect: .*\/ \(4,700\)/],
    ['a redirect URI of another app', { redirect_uri: 'https://other.example/' }, /Invalid redirect/],
    ['a client nobody registered', { client_id: 'nobody' }, /Invalid client_id/],
    ['a state that is raw JSON', { state: '{"a":1}' }, /Invalid state/],
    ['an unknown challenge method', { code_challenge_method: 'S512' }, /Invalid code_challenge_method/],
  ])('%s gets a page, never a redirect', async (_name, change, message) => {
    const answer = await fetch(consentUrl(change), { redirect: 'manual' });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toMatch(message);
    expect(() => zoom.consent(consentUrl(change))).toThrow(message);
  });
});

describe('POST /oauth/token with a code', () => {
  test('gives tokens as Zoom gives them', async () => {
    const { status, json } = await exchange(newCode());
    expect(status).toBe(200);
    expect(json).toMatchObject({ token_type: 'bearer', expires_in: 3599, scope: app.scopes.join(' ') });
    expect(json).not.toHaveProperty('api_url');
    const claims = decodeJwt(String(json.access_token));
    expect(claims).toMatchObject({ iss: `zm:cid:${app.clientId}`, uid: ada.id, exp: nowMs / 1000 + 3599 });
    expect(String(json.access_token).length).toBeGreaterThan(1000);
    expect(zoom.counts).toMatchObject({ exchanges: 1, refreshes: 0, refusals: 0 });
  });

  test('a code is good once', async () => {
    const code = newCode();
    await exchange(code);
    expect(await exchange(code)).toEqual(invalidCode);
  });

  test('a code is good for 5 minutes', async () => {
    const code = newCode();
    nowMs += 5 * 60_000;
    expect(await exchange(code)).toEqual(invalidCode);
  });

  test.each([
    ['another redirect URI', { redirect_uri: `${redirectUri}/` }],
    ['another verifier', { code_verifier: randomBytes(32).toString('base64url') }],
  ])('%s is refused, and the code spent', async (_name, change) => {
    const code = newCode();
    expect(await exchange(code, change)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    expect(await exchange(code)).toEqual(invalidCode);
  });

  test('a verifier is needed when there was a challenge, and refused when there was none', async () => {
    const form = (code: string) => ({ grant_type: 'authorization_code', code, redirect_uri: redirectUri });
    expect(await post('/oauth/token', form(newCode()), basic())).toMatchObject({ status: 400 });
    const bare = consentUrl({ code_challenge: undefined, code_challenge_method: undefined });
    expect(await exchange(newCode(ada.id, bare))).toMatchObject({ status: 400 });
    expect(await post('/oauth/token', form(newCode(ada.id, bare)), basic())).toMatchObject({ status: 200 });
  });

  test('a plain challenge is its own verifier', async () => {
    const url = consentUrl({ code_challenge: verifier, code_challenge_method: undefined });
    expect(await exchange(newCode(ada.id, url))).toMatchObject({ status: 200 });
  });

  test('a code of another app is refused, and not spent', async () => {
    const code = newCode();
    const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier };
    expect(await post('/oauth/token', form, basic(other))).toEqual(invalidCode);
    expect(await exchange(code)).toMatchObject({ status: 200 });
  });
});

describe('the client', () => {
  const form = { grant_type: 'refresh_token', refresh_token: 'none' };

  test('may name itself by Basic or in the form', async () => {
    expect(await post('/oauth/token', form, basic())).toEqual(invalidToken);
    const named = { ...form, client_id: app.clientId, client_secret: app.clientSecret };
    expect(await post('/oauth/token', named)).toEqual(invalidToken);
  });

  test.each([
    ['no credentials', undefined],
    ['a wrong secret', basic({ ...app, clientSecret: 'wrong' })],
    ['form-encoded credentials', basic({ ...app, clientId: app.clientId.replace('_', '%5F') })],
    ['Bearer', `Bearer ${app.clientSecret}`],
  ])('%s: invalid_client', async (_name, authorization) => {
    expect(await post('/oauth/token', form, authorization)).toEqual(invalidClient);
  });

  test('JSON, repeated parameters and unknown grants are refused', async () => {
    const ask = async (body: string, type = 'application/x-www-form-urlencoded') => {
      const headers = { authorization: basic(), 'content-type': type };
      const answer = await fetch(new URL('/oauth/token', zoom.baseUrl), { method: 'POST', headers, body });
      return [answer.status, anyObject.parse(await answer.json()).error];
    };
    expect(await ask(JSON.stringify(form), 'application/json')).toEqual([400, 'invalid_request']);
    expect(await ask('grant_type=refresh_token&grant_type=refresh_token')).toEqual([400, 'invalid_request']);
    expect(await ask('grant_type=password')).toEqual([400, 'unsupported_grant_type']);
  });
});

describe('refresh and revocation', () => {
  test('a refresh spends the refresh token and voids the access token', async () => {
    const { json: first } = await exchange(newCode());
    const { status, json: second } = await refresh(first.refresh_token);
    expect(status).toBe(200);
    expect(await get('/v2/users/me', first.access_token)).toEqual(deadToken);
    expect(await get('/v2/users/me', second.access_token)).toMatchObject({ status: 200 });
    expect(await refresh(first.refresh_token)).toEqual(invalidToken);
    expect(await refresh(second.refresh_token)).toMatchObject({ status: 200 });
  });

  test('of two refreshes at once with one token, one is refused', async () => {
    const { json } = await exchange(newCode());
    const both = await Promise.all([refresh(json.refresh_token), refresh(json.refresh_token)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 400]);
  });

  test('consenting again voids the earlier tokens', async () => {
    const { json: first } = await exchange(newCode());
    const { json: second } = await exchange(newCode());
    expect(await refresh(first.refresh_token)).toEqual(invalidToken);
    expect(await refresh(second.refresh_token)).toMatchObject({ status: 200 });
  });

  test('a refresh token is of one app, and lives for 90 days', async () => {
    const { json } = await exchange(newCode());
    expect(await refresh(json.refresh_token, basic(other))).toEqual(invalidToken);
    nowMs += 90 * 24 * 60 * 60_000;
    expect(await refresh(json.refresh_token)).toEqual(invalidToken);
  });

  test('revoking, and the user removing the app, void both tokens', async () => {
    const { json: first } = await exchange(newCode());
    const revoke = () => post('/oauth/revoke', { token: String(first.access_token) }, basic());
    expect(await revoke()).toEqual({ status: 200, json: { status: 'success' } });
    expect(await revoke()).toEqual(invalidToken);
    expect(await refresh(first.refresh_token)).toEqual(invalidToken);
    const { json: second } = await exchange(newCode());
    expect(zoom.revokeUser(app.clientId, ada.id)).toBe(true);
    expect(await get('/v2/users/me', second.access_token)).toEqual(deadToken);
    expect(await refresh(second.refresh_token)).toEqual(invalidToken);
  });

  test('a lost answer has rotated the token all the same', async () => {
    const { json } = await exchange(newCode());
    const gate = zoom.holdRefresh();
    const lost = refresh(json.refresh_token);
    await gate.held;
    expect(zoom.tokenOf(ada.id)?.refreshToken).not.toBe(json.refresh_token);
    gate.drop();
    await expect(lost).rejects.toThrow();
    expect(await refresh(json.refresh_token)).toEqual(invalidToken);
    expect(zoom.counts.refreshes).toBe(1);
  });
});

describe('the API', () => {
  const tokenOf = async (): Promise<unknown> => (await exchange(newCode())).json.access_token;

  test('says who the user is, and gives the tokens a bot needs', async () => {
    const token = await tokenOf();
    const me = { id: ada.id, account_id: ada.accountId, email: ada.email, type: 2, status: 'active', pmi: ada.pmi };
    expect(await get('/v2/users/me', token)).toEqual({ status: 200, json: me });
    expect(await get('/v2/users/me/zak', token)).toMatchObject({ status: 200, json: { token: expect.any(String) } });
    const onBehalf = await get('/v2/users/me/token?type=onbehalf&meeting_id=1234567890', token);
    expect(onBehalf.json.token).toMatch(/^onbehalf\./);
    const join = await get('/v2/meetings/1234567890/jointoken/local_recording', token);
    expect(join.json).toEqual({ expire_in: 120, token: expect.any(String) });
  });

  test('an access token dies after its lifetime, or when it is a refresh token', async () => {
    const token = await tokenOf();
    expect(await get('/v2/users/me', zoom.tokenOf(ada.id)?.refreshToken)).toEqual(deadToken);
    expect(await zoom.verifyAccessToken(String(token))).toMatchObject({ clientId: app.clientId, userId: ada.id });
    nowMs += 3_599_000;
    expect(await get('/v2/users/me', token)).toEqual(deadToken);
    expect(await zoom.verifyAccessToken(String(token))).toBeUndefined();
  });

  test('a scope that was not granted is named', async () => {
    zoom.setScopes(app.clientId, ['user:read:user']);
    const message = 'Invalid access token, does not contain scopes:[user:read:zak].';
    expect(await get('/v2/users/me/zak', await tokenOf())).toEqual({ status: 400, json: { code: 4711, message } });
  });

  test('a meeting nobody registered does not exist once one is registered', async () => {
    zoom.addMeeting({ id: 1234567890, hostId: ada.id });
    const token = await tokenOf();
    expect(await get('/v2/meetings/1234567890/jointoken/local_recording', token)).toMatchObject({ status: 200 });
    const missing = await get('/v2/meetings/9999999999/jointoken/local_recording', token);
    expect(missing).toMatchObject({ status: 404, json: { code: 3001 } });
  });
});

test('misbehaviour takes over requests, and all of them are noted', async () => {
  zoom.misbehave(answering(500));
  expect((await fetch(consentUrl())).status).toBe(500);
  zoom.misbehaveAlways(answering(429), ({ path }) => path === '/oauth/token');
  expect((await fetch(consentUrl())).status).toBe(200);
  const token = new URL('/oauth/token', zoom.baseUrl);
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'a-token' });
  expect((await fetch(token, { method: 'POST', body })).status).toBe(429);
  zoom.misbehaveAlways();
  expect((await fetch(token, { method: 'POST', body })).status).toBe(401);
  expect(zoom.requests.map(({ path, status }) => [path, status])).toEqual([
    ['/oauth/authorize', 500],
    ['/oauth/authorize', 200],
    ['/oauth/token', 429],
    ['/oauth/token', 401],
  ]);
  expect(zoom.requests[3]?.form).toEqual({ grant_type: 'refresh_token', refresh_token: 'a-token' });
});
