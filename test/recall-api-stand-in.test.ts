import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { postAsZoom, zoomHeaders } from '../src/demo/zoom-stand-in.ts';
import { Secret } from '../src/secret.ts';
import { ada, bob, type ConnectStage, type ConnectStageOptions, startConnectStage } from './support/connect-stage.ts';
import { startEndpoint, type TestEndpoint } from './support/endpoint.ts';
import { oauthAppId, testSecret } from './support/test-relay.ts';

const anyObject = z.record(z.string(), z.unknown());
const verifier = randomBytes(32).toString('base64url');
const challenge = createHash('sha256').update(verifier).digest('base64url');
const workspaceSecret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const credentials = '/api/v2/zoom-oauth-credentials/';
const apps = '/api/v2/zoom-oauth-apps/';

let stage: ConnectStage;
let nowMs = 0;

beforeEach(() => setUp());
afterEach(() => stage.stop());

async function setUp(options: Partial<ConnectStageOptions> = {}): Promise<void> {
  nowMs = Date.UTC(2026, 10, 1);
  stage = await startConnectStage({ storeUrl: 'file:./unused', nowMs: () => nowMs, ...options });
}

async function restart(options: Partial<ConnectStageOptions>): Promise<void> {
  await stage.stop();
  await setUp(options);
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

/** `input` goes out as JSON; the key is right unless `headers` say otherwise. */
async function ask(
  method: string,
  path: string,
  { input, headers = {} }: { readonly input?: unknown; readonly headers?: Record<string, string> } = {},
): Promise<Answer> {
  const { baseUrl, api } = stage.recall;
  const answer = await fetch(new URL(path, baseUrl), {
    method,
    redirect: 'manual',
    headers: { authorization: `Token ${api.apiKey}`, 'content-type': 'application/json', ...headers },
    ...(input !== undefined && { body: JSON.stringify(input) }),
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.startsWith('application/json') ?? false;
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    json: isJson ? anyObject.parse(JSON.parse(text)) : {},
  };
}

function codeFor(userId = ada.id): string {
  const url = new URL('/oauth/authorize', stage.zoom.baseUrl);
  const { app, redirectUri } = stage;
  const proof = { code_challenge: challenge, code_challenge_method: 'S256' };
  url.search = `${new URLSearchParams({ response_type: 'code', client_id: app.clientId, redirect_uri: redirectUri, ...proof })}`;
  return stage.zoom.consent(url, { userId }).searchParams.get('code') ?? '';
}

function withCode(code: string, change: Record<string, unknown> = {}) {
  const authorization_code = { code, redirect_uri: stage.redirectUri, code_verifier: verifier, ...change };
  return { input: { oauth_app: oauthAppId, authorization_code } };
}

const create = (userId?: string) => ask('POST', credentials, withCode(codeFor(userId)));

async function listed(query = ''): Promise<readonly Record<string, unknown>[]> {
  const { json } = await ask('GET', `${credentials}${query}`);
  return z.array(anyObject).parse(json.results);
}

async function webhook(
  event: string,
  payload: unknown,
  { appId = oauthAppId, secret = testSecret } = {},
): Promise<number> {
  const body = Buffer.from(JSON.stringify({ event, event_ts: nowMs, payload }));
  const url = new URL(`${apps}${appId}/webhook`, stage.recall.baseUrl);
  return (await postAsZoom(url, zoomHeaders(secret, body, nowMs), body)).status;
}

describe('the front door', () => {
  test.each([
    ['no key', '', 'Authentication credentials were not provided.'],
    ['the bare key', 'recall-stand-in-api-key', 'Authentication credentials were not provided.'],
    ['Bearer', 'Bearer recall-stand-in-api-key', 'Authentication credentials were not provided.'],
    ['a wrong key', 'Token wrong', 'Invalid token.'],
  ])('%s: 401', async (_name, authorization, detail) => {
    const { status, json } = await ask('GET', apps, { headers: { authorization } });
    expect([status, json]).toEqual([401, { detail }]);
  });

  test('a path without its slash is redirected to the one with it', async () => {
    const { status, headers } = await ask('GET', '/api/v2/zoom-oauth-apps?kind=user_level');
    expect([status, headers.get('location')]).toEqual([301, '/api/v2/zoom-oauth-apps/?kind=user_level']);
    expect((await ask('GET', '/api/v2/zoom-oauth-nothing')).status).toBe(404);
  });

  test('a method that is not documented: 405', async () => {
    const { status, headers } = await ask('PUT', `${credentials}${randomUUID()}/`, { input: {} });
    expect([status, headers.get('allow')]).toEqual([405, 'GET, DELETE']);
  });

  test.each(['http://localhost:8080/x', 'https://10.1.2.3/x', 'http://[::1]:80/x', 'http://[2001:db8::7]/x'])(
    'the firewall refuses %s in a body with an HTML page, unless it is off',
    async (url) => {
      const input = { oauth_app: randomUUID(), access_token_callback_url: url };
      const { status, headers, text } = await ask('POST', credentials, { input });
      expect([status, headers.get('content-type')]).toEqual([403, 'text/html']);
      expect(text).toContain('Request blocked.');
      stage.recall.api.settings.waf = false;
      expect((await ask('POST', credentials, { input })).status).toBe(400);
    },
  );

  test('each list has a limit of its own, and says how long to wait', async () => {
    Object.assign(stage.recall.api.settings, { listsPerMinute: 2, othersPerMinute: 3 });
    for (const status of [200, 200, 429]) expect((await ask('GET', apps)).status).toBe(status);
    nowMs += 20_000;
    expect((await ask('GET', apps)).headers.get('retry-after')).toBe('40');
    expect((await ask('GET', credentials)).status).toBe(200);
    nowMs += 40_000;
    expect((await ask('GET', apps)).status).toBe(200);
    for (const status of [404, 404, 404, 429])
      expect((await ask('GET', `${apps}${randomUUID()}/`)).status).toBe(status);
  });

  test('lists come in pages, their links absolute', async () => {
    stage.recall.api.settings.pageSize = 2;
    const input = { kind: 'user_level', client_id: 'c', client_secret: 's', webhook_secret: 'w' };
    for (let count = 0; count < 4; count += 1) await ask('POST', apps, { input });
    const first = await ask('GET', `${apps}?client_id=c`);
    const next = String(first.json.next);
    expect(next).toMatch(new RegExp(`^${stage.recall.baseUrl}${apps}\\?client_id=c&cursor=`));
    const second = await ask('GET', next);
    const ids = [first, second].flatMap(({ json }) => z.array(z.object({ id: z.string() })).parse(json.results));
    expect(new Set(ids.map(({ id }) => id)).size).toBe(4);
    expect(second.json.next).toBeNull();
    expect((await ask('GET', `${apps}?cursor=nonsense`)).status).toBe(404);
    expect((await ask('GET', `${apps}?clientId=c`)).status).toBe(400);
  });
});

describe('Idempotency-Key', () => {
  test('the same key gets the first response for an hour, a failure too', async () => {
    const headers = { 'idempotency-key': 'once' };
    const failed = await ask('POST', credentials, { ...withCode('spent'), headers });
    expect(failed.status).toBe(400);
    expect(await ask('POST', credentials, { ...withCode(codeFor()), headers })).toMatchObject({ text: failed.text });
    nowMs += 60 * 60_000;
    expect((await ask('POST', credentials, { ...withCode(codeFor()), headers })).status).toBe(201);
  });

  test('while the first is being answered: 409', async () => {
    const slow = Promise.withResolvers<void>();
    await using callback = await startCallback(async () => {
      await slow.promise;
      return { status: 404, body: '' };
    });
    const again = () => createWithCallback(callback.url, { 'idempotency-key': 'once' });
    const first = again();
    await expect.poll(() => callback.endpoint.requests.length).toBe(1);
    expect((await again()).status).toBe(409);
    slow.resolve();
    expect((await first).status).toBe(400);
    expect((await again()).status).toBe(400);
    expect(callback.endpoint.requests.length).toBe(1);
  });

  test('an answer that was lost is had with the same key, and the code is not spent twice', async () => {
    const request = { ...withCode(codeFor()), headers: { 'idempotency-key': 'once' } };
    const gate = stage.recall.api.hold(({ method }) => method === 'POST');
    const lost = ask('POST', credentials, request);
    await gate.held;
    gate.drop();
    await expect(lost).rejects.toThrow();
    expect((await ask('POST', credentials, request)).status).toBe(201);
    expect(stage.zoom.counts).toMatchObject({ exchanges: 1, refusals: 0 });
  });
});

describe('apps', () => {
  const input = { kind: 'account_level', client_id: 'id', client_secret: 'secret', webhook_secret: 'hook' };

  test('are created, read, changed and deleted; secrets come back in clear', async () => {
    const created = await ask('POST', apps, { input });
    expect(created.status).toBe(201);
    expect(created.json).toMatchObject({ ...input, webhook_last_validation: null });
    const path = `${apps}${created.json.id}/`;
    const changed = await ask('PATCH', path, { input: { webhook_secret: 'newer' } });
    expect(changed.json).toEqual({ ...created.json, webhook_secret: 'newer' });
    expect((await ask('PATCH', path, { input: { client_id: 'other' } })).status).toBe(400);
    expect((await ask('GET', `${apps}?kind=account_level`)).json.results).toEqual([changed.json]);
    expect((await ask('DELETE', path)).status).toBe(204);
    expect((await ask('GET', path)).status).toBe(404);
  });

  test('a field that is missing, unknown or longer than 200 characters is named', async () => {
    const { client_id: _, ...rest } = { ...input, webhook_secret: 'x'.repeat(201), colour: 'red', kind: 'user' };
    const { status, json } = await ask('POST', apps, { input: rest });
    expect(status).toBe(400);
    expect(Object.keys(json).toSorted()).toEqual(['client_id', 'colour', 'kind', 'webhook_secret']);
  });

  test('each has its webhook endpoint, which notes validations and bad signatures', async () => {
    const { json } = await ask('POST', apps, { input });
    const appId = String(json.id);
    const payload = { plainToken: 'a-token' };
    expect(await webhook('endpoint.url_validation', payload, { appId })).toBe(400);
    expect(await webhook('endpoint.url_validation', payload, { appId, secret: new Secret('hook') })).toBe(200);
    const now = await ask('GET', `${apps}${appId}/`);
    expect(now.json.webhook_last_validation).toBe('2026-11-01T00:00:00.000000Z');
    const logs = await ask('GET', `/api/v2/zoom-oauth-app-logs/?oauth_app=${appId}`);
    expect(logs.json.results).toMatchObject([
      { oauth_app: appId, message: expect.stringContaining('Invalid signature') },
    ]);
    await ask('PATCH', `${apps}${appId}/`, { input: { webhook_secret: 'newer' } });
    expect(await webhook('endpoint.url_validation', payload, { appId, secret: new Secret('hook') })).toBe(400);
  });
});

describe('Recall-managed credentials', () => {
  test('a code becomes a healthy credential of the user, whose meetings are read', async () => {
    stage.zoom.addMeeting({ id: 1234567890, hostId: ada.id });
    const { status, json } = await create();
    expect(status).toBe(201);
    expect(json).toMatchObject({ oauth_app: oauthAppId, status: 'healthy', user_id: ada.id, account_id: null });
    expect(json).toMatchObject({ access_token_callback_url: null, meeting_sync_status: 'in_progress' });
    await stage.recall.api.settled();
    expect((await ask('GET', `${credentials}${json.id}/`)).json.meeting_sync_status).toBe('completed');
    const meetings = await ask('GET', '/api/v2/zoom-meetings-to-credentials/?meeting_id=1234567890');
    expect(meetings.json.results).toEqual([
      { meeting_id: 1234567890, credential: json.id, synced_at: '2026-11-01T00:00:00.000000Z' },
    ]);
  });

  test.each([
    ['neither', {}],
    [
      'both',
      {
        access_token_callback_url: 'https://relay.example/',
        authorization_code: { code: 'c', redirect_uri: 'https://relay.example/' },
      },
    ],
  ])('with %s of code and callback: 400', async (_name, fields) => {
    expect((await ask('POST', credentials, { input: { oauth_app: oauthAppId, ...fields } })).status).toBe(400);
  });

  test.each([
    ['redirect URI', { redirect_uri: 'https://relay.example/oauth-callback/zoom/' }],
    ['verifier', { code_verifier: undefined }],
  ])("a wrong %s: 400 with Zoom's words, and the code is spent", async (_name, change) => {
    const code = codeFor();
    const { status, json } = await ask('POST', credentials, withCode(code, change));
    expect([status, json.detail]).toEqual([400, expect.stringMatching(/^Invalid Grant: .* Zoom said: /)]);
    expect((await ask('POST', credentials, withCode(code))).json.detail).toContain('Invalid authorization code');
  });

  test('an app whose secret is wrong in Recall: 400 that says so, and the code is not spent', async () => {
    await ask('PATCH', `${apps}${oauthAppId}/`, { input: { client_secret: 'wrong' } });
    const code = codeFor();
    expect((await ask('POST', credentials, withCode(code))).json.detail).toContain('client_secret');
    await ask('PATCH', `${apps}${oauthAppId}/`, { input: { client_secret: stage.app.clientSecret } });
    expect((await ask('POST', credentials, withCode(code))).status).toBe(201);
  });

  test('a new code of the same user updates the credential', async () => {
    const { json } = await create();
    stage.recall.api.markUnhealthy(String(json.id));
    const again = await create();
    expect([again.status, again.json.id, again.json.status]).toEqual([200, json.id, 'healthy']);
    stage.recall.api.settings.upsertStatus = 201;
    expect((await create()).status).toBe(201);
    expect(await listed()).toHaveLength(1);
  });

  test("where it conflicts instead, Zoom's id is named and the code spent: delete, consent again, create", async () => {
    stage.recall.api.settings.reauth = 'conflict';
    const { json } = await create();
    const code = codeFor();
    const conflict = await ask('POST', credentials, withCode(code));
    expect([conflict.status, conflict.json.conflicting_zoom_user_id]).toEqual([400, ada.id]);
    expect(conflict.json.detail).toMatch(/^A Zoom OAuth Credential already exists .*\(user_id: /);
    expect((await ask('DELETE', `${credentials}${ada.id}/`)).status).toBe(404);
    expect((await ask('DELETE', `${credentials}${json.id}/`)).status).toBe(204);
    expect((await ask('POST', credentials, withCode(code))).status).toBe(400);
    expect((await create()).status).toBe(201);
  });

  test('account-level apps have one credential per account', async () => {
    await restart({
      recall: { app: { kind: 'account_level', clientId: stage.app.clientId, clientSecret: stage.app.clientSecret } },
    });
    stage.recall.api.settings.reauth = 'conflict';
    expect((await create()).json).toMatchObject({ user_id: null, account_id: ada.accountId });
    expect((await create(bob.id)).json.conflicting_zoom_account_id).toBe(ada.accountId);
  });

  test('lists are filtered', async () => {
    const first = await create();
    const second = await create(bob.id);
    stage.recall.api.markUnhealthy(String(second.json.id));
    const idsOf = async (query: string) => (await listed(query)).map(({ id }) => id);
    expect(await idsOf('')).toEqual([second.json.id, first.json.id]);
    expect(await idsOf('?ordering=created_at')).toEqual([first.json.id, second.json.id]);
    expect(await idsOf(`?oauth_app=${oauthAppId}&user_id=${bob.id}`)).toEqual([second.json.id]);
    expect(await idsOf('?status=healthy')).toEqual([first.json.id]);
    expect(await idsOf(`?oauth_app=${randomUUID()}`)).toEqual([]);
    expect((await ask('GET', `${credentials}?oauth_app=client-id`)).status).toBe(400);
  });

  test('access-token refreshes when it must, once for many at the same time', async () => {
    const { json } = await create();
    const path = `${credentials}${json.id}/access-token/`;
    await stage.recall.api.settled();
    const first = await ask('GET', path);
    expect(first.json).toEqual({
      token: stage.zoom.tokenOf(ada.id)?.accessToken,
      expires_at: '2026-11-01T00:59:59.000000Z',
    });
    nowMs += 3_500_000;
    const both = await Promise.all([ask('GET', path), ask('GET', path)]);
    expect(both.map(({ json: { token } }) => token)).toEqual(Array(2).fill(stage.zoom.tokenOf(ada.id)?.accessToken));
    expect(stage.zoom.counts.refreshes).toBe(1);
  });

  test('one that Zoom refuses becomes unhealthy, with a line in its log', async () => {
    const { json } = await create();
    await stage.recall.api.settled();
    stage.zoom.revokeUser(stage.app.clientId, ada.id);
    nowMs += 3_600_000;
    expect((await ask('GET', `${credentials}${json.id}/access-token/`)).status).toBe(400);
    expect(await listed('?status=unhealthy')).toHaveLength(1);
    expect((await ask('POST', `${credentials}${json.id}/validate/`)).status).toBe(400);
    const logs = await ask('GET', `/api/v2/zoom-oauth-credential-logs/?credential=${json.id}`);
    expect(z.array(anyObject).parse(logs.json.results)[0]?.message).toContain('invalid_grant');
  });
});

describe('webhooks', () => {
  const meeting = (host_id: string, operator_id: string) => {
    return { account_id: ada.accountId, operator_id, object: { id: 9876543210, host_id } };
  };

  test("meeting.created maps the meeting to the host's credential, or the operator's", async () => {
    const [first, second] = [await create(), await create(bob.id)];
    expect(await webhook('meeting.created', meeting(ada.id, bob.id))).toBe(200);
    expect(stage.recall.api.meetings()).toMatchObject([{ meeting_id: 9876543210, credential: first.json.id }]);
    await webhook('meeting.created', meeting('somebody', bob.id));
    expect(stage.recall.api.meetings()[1]).toMatchObject({ credential: second.json.id });
    await webhook('meeting.created', meeting('somebody', 'somebody'));
    expect(stage.recall.api.meetings()).toHaveLength(2);
    await ask('DELETE', `${credentials}${first.json.id}/`);
    expect(stage.recall.api.meetings()).toHaveLength(1);
  });

  test("app_deauthorized makes that user's credential unhealthy", async () => {
    const [first] = [await create(), await create(bob.id)];
    await webhook('app_deauthorized', { account_id: ada.accountId, user_id: ada.id, client_id: stage.app.clientId });
    expect((await listed('?status=unhealthy')).map(({ id }) => id)).toEqual([first.json.id]);
  });
});

describe('customer-managed credentials', () => {
  test('the callback is called during the create, and tells whose credential it is', async () => {
    const token = await newToken();
    await using callback = await startCallback(() => ({ status: 200, body: token }));
    const { status, json } = await createWithCallback(callback.url);
    expect(status).toBe(201);
    expect(json).toMatchObject({ user_id: ada.id, status: 'healthy', access_token_callback_url: callback.url });
    const [request] = callback.endpoint.requests;
    expect(request).toMatchObject({ method: 'GET', path: '/zoom-token/1?auth_token=a%2Fb+c' });
    expect(request?.headers.host).toBe('relay.example');
    expect(Object.keys(request?.headers ?? {}).filter((name) => /^(?:authorization|webhook-)/.test(name))).toEqual([]);
    expect((await ask('GET', `${credentials}${json.id}/access-token/`)).status).toBe(400);
    expect((await ask('POST', `${credentials}${json.id}/validate/`)).status).toBe(200);
  });

  test.each<[string, (token: string) => CallbackAnswer, RegExp]>([
    ['a status other than 200', () => ({ status: 503, body: '' }), /answered 503/],
    ['a redirect', (token) => ({ status: 302, body: token }), /answered 302/],
    ['a trailing newline', (token) => ({ status: 200, body: `${token}\n` }), /nothing else/],
    ['JSON', (token) => ({ status: 200, body: JSON.stringify({ token }), type: 'application/json' }), /text\/plain/],
    ['words', () => ({ status: 200, body: 'get_access_token' }), /nothing else/],
    ['a refresh token', () => ({ status: 200, body: stage.zoom.tokenOf(ada.id)?.refreshToken ?? '' }), /client_id/],
  ])('%s is no token: 400', async (_name, answer, detail) => {
    const token = await newToken();
    await using callback = await startCallback(() => answer(token));
    const { status, json } = await createWithCallback(callback.url);
    expect([status, json.detail]).toEqual([400, expect.stringMatching(detail)]);
    expect(await listed()).toEqual([]);
  });

  test('a token with less than 120 s to live, or one that Zoom has voided: 400', async () => {
    const token = await newToken();
    await using callback = await startCallback(() => ({ status: 200, body: token }));
    nowMs += 3_480_000;
    expect((await createWithCallback(callback.url)).json.detail).toContain('120 seconds');
    nowMs -= 3_480_000;
    stage.zoom.revokeUser(stage.app.clientId, ada.id);
    expect((await createWithCallback(callback.url)).status).toBe(400);
  });

  test('a token of another app: 400', async () => {
    const token = await newToken();
    const input = { kind: 'user_level', client_id: 'another', client_secret: 'x', webhook_secret: 'x' };
    const { json } = await ask('POST', apps, { input });
    await using callback = await startCallback(() => ({ status: 200, body: token }));
    const refused = await createWithCallback(callback.url, {}, String(json.id));
    expect(refused.json.detail).toContain('not issued to the client_id');
  });

  test('no answer in time: 400', async () => {
    stage.recall.api.settings.callbackTimeoutMs = 50;
    await using callback = await startCallback(() => new Promise(() => {}));
    expect((await createWithCallback(callback.url)).json.detail).toContain('in time');
  });

  test('a URL of more than 200 characters, or of another user: 400', async () => {
    const long = `https://relay.example/${'x'.repeat(179)}`;
    expect((await createWithCallback(long)).json).toHaveProperty('access_token_callback_url');
    let token = await newToken();
    await using callback = await startCallback(() => ({ status: 200, body: token }));
    expect((await createWithCallback(callback.url)).status).toBe(201);
    token = await newToken(bob.id);
    expect((await createWithCallback(callback.url)).json.detail).toContain('another Zoom OAuth Credential');
  });

  test('a second URL of the same user updates the credential, or conflicts', async () => {
    const token = await newToken();
    await using callback = await startCallback(() => ({ status: 200, body: token }));
    const { json } = await createWithCallback(callback.url);
    const second = await createWithCallback(`${callback.url}2`);
    expect(second).toMatchObject({ status: 200, json: { id: json.id, access_token_callback_url: `${callback.url}2` } });
    stage.recall.api.settings.secondCallbackUrl = 'conflict';
    expect((await createWithCallback(`${callback.url}3`)).json.conflicting_zoom_user_id).toBe(ada.id);
  });

  test('with a workspace secret, calls are signed over an empty body', async () => {
    await restart({ workspaceSecret });
    const token = await newToken();
    await using callback = await startCallback(() => ({ status: 200, body: token }));
    await createWithCallback(callback.url);
    const headers = z.record(z.string(), z.string()).parse(callback.endpoint.requests[0]?.headers);
    // The library compares with its own clock, which is not the stage's.
    const [id = '', timestamp = ''] = [headers['webhook-id'], headers['webhook-timestamp']];
    const expected = new Webhook(workspaceSecret).sign(id, new Date(Number(timestamp) * 1000), '');
    expect([headers['webhook-signature'], timestamp]).toEqual([expected, String(nowMs / 1000)]);
  });

  test('later calls tell status, body and duration; three failures make it unhealthy', async () => {
    const token = await newToken();
    let status = 200;
    await using callback = await startCallback(() => ({ status, body: token }));
    const { json } = await createWithCallback(callback.url);
    await stage.recall.api.settled();
    const call = () => stage.recall.api.callCallback(String(json.id));
    expect(await call()).toMatchObject({ status: 200, body: token, problem: undefined });
    status = 503;
    for (let failures = 0; failures < 3; failures += 1) {
      expect(await listed('?status=healthy')).toHaveLength(1);
      expect(await call()).toMatchObject({ status: 503, problem: expect.stringContaining('503') });
    }
    expect(await listed('?status=unhealthy')).toHaveLength(1);
    expect(stage.recall.api.requests.every(({ headers }) => headers.authorization?.startsWith('Token '))).toBe(true);
  });
});

interface CallbackAnswer {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
}

interface Callback extends AsyncDisposable {
  readonly endpoint: TestEndpoint;
  /** Its public one. */
  readonly url: string;
}

async function startCallback(answer: () => CallbackAnswer | Promise<CallbackAnswer>): Promise<Callback> {
  const endpoint = await startEndpoint(async (_request, response) => {
    const { status, body, type = 'text/plain; charset=utf-8' } = await answer();
    response.writeHead(status, { 'content-type': type, location: '/elsewhere' }).end(body);
  });
  stage.reachAt(new URL(endpoint.url));
  const url = `${stage.publicUrl}/zoom-token/1?auth_token=a%2Fb+c`;
  return { endpoint, url, [Symbol.asyncDispose]: () => endpoint.stop() };
}

function createWithCallback(
  url: string,
  headers: Record<string, string> = {},
  oauth_app = oauthAppId,
): Promise<Answer> {
  return ask('POST', credentials, { input: { oauth_app, access_token_callback_url: url }, headers });
}

/** An access token that the customer has got from Zoom. */
async function newToken(userId = ada.id): Promise<string> {
  const { clientId, clientSecret } = stage.app;
  const fields = { grant_type: 'authorization_code', code: codeFor(userId), redirect_uri: stage.redirectUri };
  await fetch(new URL('/oauth/token', stage.zoom.baseUrl), {
    method: 'POST',
    body: new URLSearchParams({ ...fields, code_verifier: verifier, client_id: clientId, client_secret: clientSecret }),
  });
  return stage.zoom.tokenOf(userId)?.accessToken ?? '';
}
