import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { Secret } from '../src/secret.ts';
import { readMe } from '../src/zoom/oauth/build-api-requests.ts';
import { createZoomApi } from '../src/zoom/oauth/create-zoom-api.ts';
import { createZoomOAuth } from '../src/zoom/oauth/create-zoom-oauth.ts';
import { trustedApiUrl } from '../src/zoom/oauth/trusted-api-url.ts';
import type { ZoomAccess, ZoomAnswer, ZoomApi, ZoomOAuth } from '../src/zoom/oauth/zoom-oauth.ts';
import { type Answer, startEndpoint, type TestEndpoint } from './support/endpoint.ts';
import { eventually } from './support/eventually.ts';
import { freePort } from './support/free-port.ts';
import { stopAfterEach } from './support/keep.ts';

const keep = stopAfterEach();
const clientId = '7lstjK9-NTyett_oeXtFiEQ'; // Zoom's have `-` and `_` in them
const clientSecret = new Secret('zoom-client_secret');
const basic = Buffer.from(`${clientId}:${clientSecret.reveal()}`).toString('base64');
const nowMs = Date.UTC(2026, 0, 1);
const grant = {
  code: 'single-use-code',
  redirectUri: 'https://relay.example.com/oauth-callback/zoom?x=1',
  codeVerifier: new Secret('code-verifier-value'),
};
const tokens = {
  access_token: 'eyJzdiI6.access.token',
  token_type: 'bearer',
  refresh_token: 'eyJzdiI6.refresh.token',
  expires_in: 3599,
  scope: 'meeting:read:list_meetings user:read:user',
  api_url: 'https://api-us.zoom.us',
};

function answering(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json;charset=UTF-8', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

async function setUp(answer: Answer, timeoutMs?: number): Promise<{ oauth: ZoomOAuth; zoom: TestEndpoint }> {
  const zoom = await keep(startEndpoint(answer));
  const limit = timeoutMs === undefined ? {} : { timeoutMs };
  return {
    oauth: createZoomOAuth({ zoomBaseUrl: zoom.url, clientId, clientSecret, nowMs: () => nowMs, ...limit }),
    zoom,
  };
}

async function setUpApi(answer: Answer): Promise<{ api: ZoomApi; zoom: TestEndpoint }> {
  const zoom = await keep(startEndpoint(answer));
  const api = createZoomApi({ apiUrl: `${zoom.url}/` });
  await keep({ stop: () => api.close() });
  return { api, zoom };
}

const access: ZoomAccess = { token: new Secret('access-token-value') };
const refresh = (oauth: ZoomOAuth) => oauth.refresh(new Secret('refresh-token-value'));

describe('consent', () => {
  test('the consent page gets the challenge as S256, and what it must bring back', () => {
    const zoomBaseUrl = 'https://zoom.us/';
    const oauth = createZoomOAuth({ zoomBaseUrl, clientId, clientSecret, nowMs: () => nowMs });
    const url = oauth.consentUrl({ redirectUri: grant.redirectUri, state: 'a_b-c', codeChallenge: 'challenge' });
    expect(`${url.origin}${url.pathname}`).toBe('https://zoom.us/oauth/authorize');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: grant.redirectUri,
      state: 'a_b-c',
      code_challenge: 'challenge',
      code_challenge_method: 'S256',
    });
  });
});

describe('tokens', () => {
  test('a code is exchanged with the verifier and the very redirect URI, by Basic as Zoom has it', async () => {
    const { oauth, zoom } = await setUp(answering(200, tokens));
    const answer = await oauth.exchangeCode(grant);
    expect(answer.kind).toBe('ok');
    const [request] = zoom.requests;
    expect(`${request?.method} ${request?.path}`).toBe('POST /oauth/token');
    expect(request?.headers.authorization).toBe(`Basic ${basic}`);
    expect(request?.headers['content-type']).toMatch(/^application\/x-www-form-urlencoded/);
    expect(Object.fromEntries(new URLSearchParams(String(request?.body)))).toEqual({
      grant_type: 'authorization_code',
      code: 'single-use-code',
      redirect_uri: grant.redirectUri,
      code_verifier: 'code-verifier-value',
    });
  });

  test('a refresh sends the refresh token and nothing of the client in the body', async () => {
    const { oauth, zoom } = await setUp(answering(200, tokens));
    expect(await refresh(oauth)).toMatchObject({ kind: 'ok' });
    expect(zoom.requests[0]?.headers.authorization).toBe(`Basic ${basic}`);
    expect(Object.fromEntries(new URLSearchParams(String(zoom.requests[0]?.body)))).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'refresh-token-value',
    });
  });

  test("Zoom's token answer is read whole: the new refresh token, the time it gives, scopes, the API's place", async () => {
    const { oauth } = await setUp(answering(200, tokens));
    const answer = await refresh(oauth);
    if (answer.kind !== 'ok') return expect.unreachable(answer.detail);
    expect(answer.value.accessToken.reveal()).toBe(tokens.access_token);
    expect(answer.value.refreshToken.reveal()).toBe(tokens.refresh_token);
    expect(answer.value).toMatchObject({
      expiresAtMs: nowMs + 3_599_000,
      scopes: ['meeting:read:list_meetings', 'user:read:user'],
      apiUrl: 'https://api-us.zoom.us',
    });
    expect(`${inspect(answer, { depth: 9 })}${JSON.stringify(answer)}`).not.toContain('eyJ');
  });

  test.each([
    ['Bearer in capitals', { token_type: 'Bearer' }],
    ['an ID token that nobody can check', { id_token: 'eyJhbGciOiJub25lIn0.e30.' }],
    ['seconds as text', { expires_in: '3599' }],
    ['members of the future', { refresh_token_expires_in: 7_776_000, x: { y: [] } }],
  ])('tokens are not lost for %s', async (_what, more) => {
    const { oauth } = await setUp(answering(200, { ...tokens, ...more }));
    expect(await refresh(oauth)).toMatchObject({ kind: 'ok', value: { expiresAtMs: nowMs + 3_599_000 } });
  });

  test('an API that is not at Zoom is none', async () => {
    const { oauth } = await setUp(answering(200, { ...tokens, api_url: 'https://api.example.com' }));
    expect(await refresh(oauth)).toMatchObject({ kind: 'ok', value: { apiUrl: undefined } });
  });

  test('without a lifetime they last an hour; without a scope there is none', async () => {
    const { expires_in: _a, scope: _b, api_url: _c, ...rest } = tokens;
    const { oauth } = await setUp(answering(200, rest));
    expect(await refresh(oauth)).toMatchObject({
      kind: 'ok',
      value: { expiresAtMs: nowMs + 3_600_000, scopes: [], apiUrl: undefined },
    });
  });

  test.each<[string, unknown]>([
    ['not JSON', '<html>'],
    ['nothing', ''],
    ['a list', []],
    ['no access token', { ...tokens, access_token: undefined }],
    ['an empty access token', { ...tokens, access_token: '' }],
    ['no refresh token', { ...tokens, refresh_token: undefined }],
    ['a token type that nobody knows', { ...tokens, token_type: 'mac' }],
    ['a negative lifetime', { ...tokens, expires_in: -1 }],
  ])('a 200 that is %s is no grant, and shows no token', async (_what, body) => {
    const { oauth } = await setUp(answering(200, body));
    for (const answer of [await refresh(oauth), await oauth.exchangeCode(grant)]) {
      expect(answer).toMatchObject({ kind: 'unavailable' });
      expect(JSON.stringify(answer)).not.toContain('eyJ');
    }
  });

  test('an empty code or token is refused without asking', async () => {
    const { oauth, zoom } = await setUp(answering(200, tokens));
    const empty = new Secret('');
    const asked = [oauth.exchangeCode({ ...grant, code: '' }), oauth.refresh(empty), oauth.revoke(empty)];
    for (const answer of await Promise.all(asked)) expect(answer).toMatchObject({ kind: 'invalid_grant' });
    expect(zoom.requests).toEqual([]);
  });

  test('a token is revoked by Basic; what Zoom answers besides 200 does not matter', async () => {
    const { oauth, zoom } = await setUp(answering(200, { status: 'success' }));
    expect(await oauth.revoke(new Secret('access-token-value'))).toEqual({ kind: 'ok', value: undefined });
    expect(`${zoom.requests[0]?.method} ${zoom.requests[0]?.path}`).toBe('POST /oauth/revoke');
    expect(zoom.requests[0]?.headers.authorization).toBe(`Basic ${basic}`);
    expect(String(zoom.requests[0]?.body)).toBe('token=access-token-value');
  });
});

describe('why there are no tokens', () => {
  test.each<[number, unknown, unknown]>([
    [400, { reason: 'Invalid Token!', error: 'invalid_grant' }, ['invalid_grant', 'Invalid Token! (invalid_grant)']],
    [400, { error: 'invalid_grant' }, ['invalid_grant', 'invalid_grant']],
    [401, { error: 'invalid_grant' }, ['invalid_grant', 'invalid_grant']],
    [400, { code: 4733, message: 'The code is expired.' }, ['invalid_grant', 'The code is expired. (4733)']],
    [400, { error: '4734', reason: 'Bad code' }, ['invalid_grant', 'Bad code (4734)']],
    [400, { error: 4735 }, ['invalid_grant', '4735']],
    [400, { errorCode: 4738, errorMessage: 'Disabled by admin' }, ['invalid_grant', 'Disabled by admin (4738)']],
    [400, { code: '4741', message: 'Revoked' }, ['invalid_grant', 'Revoked (4741)']],
    [200, { code: 4741, message: 'Revoked' }, ['invalid_grant', 'Revoked (4741)']],
    [400, { reason: 'Bad', error: 'invalid_client' }, ['invalid_client', 'Bad (invalid_client)']],
    [401, { reason: 'Bad', error: 'invalid_client' }, ['invalid_client', 'Bad (invalid_client)']],
    [401, '', ['invalid_client', 'Zoom answered 401 and said nothing more']],
    [400, { code: 4702, message: 'Invalid client.' }, ['invalid_client', 'Invalid client. (4702)']],
    [400, { code: 4704, message: 'Invalid client secret.' }, ['invalid_client', 'Invalid client secret. (4704)']],
    [400, { code: 4717, message: 'App disabled' }, ['invalid_client', 'App disabled (4717)']],
    [400, { code: 4711, message: 'Refresh token invalid.' }, ['missing_scope', 'Refresh token invalid. (4711)']],
    [400, { code: 4709, message: 'Redirect URI mismatch.' }, ['refused', 'Redirect URI mismatch. (4709)']],
    [400, { reason: 'Redirect', error: 'invalid_request' }, ['refused', 'Redirect (invalid_request)']],
    [400, { code: 4700 }, ['refused', '4700']],
    [429, { message: 'Slow down', error: 'invalid_grant' }, ['rate_limited', 'Slow down (invalid_grant)']],
    [500, { error: 'invalid_grant' }, ['unavailable', 'invalid_grant']],
    [503, '<html>', ['unavailable', 'Zoom answered 503 and said nothing more']],
    [404, { error: { deep: 1 }, reason: 7 }, ['refused', 'Zoom answered 404 and said nothing more']],
  ])('%i with %j is told as what it means', async (status, body, expected) => {
    const { oauth } = await setUp(answering(status, body));
    for (const answer of [await refresh(oauth), await oauth.exchangeCode(grant), await oauth.revoke(access.token)]) {
      expect(answer.kind === 'ok' ? answer : [answer.kind, answer.detail]).toEqual(expected);
    }
  });

  test('a challenge in WWW-Authenticate does not hide what Zoom says', async () => {
    const headers = { 'www-authenticate': 'Basic realm="zoom"' };
    const { oauth } = await setUp(answering(401, { reason: 'Bad id', error: 'invalid_client' }, headers));
    expect(await refresh(oauth)).toEqual({ kind: 'invalid_client', detail: 'Bad id (invalid_client)' });
  });

  test.each([
    ['30', 30_000],
    ['999999999', 86_400_000],
    ['2026-01-02T00:00:00Z', 3_600_000],
    [undefined, 5000],
  ])('Retry-After %j is %i ms', async (value, retryAfterMs) => {
    const headers = value === undefined ? {} : { 'retry-after': value };
    const { oauth } = await setUp(answering(429, {}, headers));
    expect(await refresh(oauth)).toMatchObject({ kind: 'rate_limited', retryAfterMs });
    const { api } = await setUpApi(answering(429, {}, headers));
    expect(await api.readZak(access)).toMatchObject({ kind: 'rate_limited', retryAfterMs });
  });

  test('what Zoom repeats of our secrets is masked, and its words are bounded', async () => {
    const said = ['zoom-client_secret', basic, 'single-use-code', 'code-verifier-value', tokens.access_token];
    const { oauth } = await setUp(answering(400, { reason: `${said.join(' ')} ${'x'.repeat(600)}`, error: 'e' }));
    const answer = await oauth.exchangeCode(grant);
    expect(answer.kind === 'refused' && answer.detail).toMatch(/^\*\*\* \*\*\* \*\*\* \*\*\* \*\*\* x{479}…$/);
    const other = await setUp(answering(400, { reason: 'no refresh-token-value', error: 'invalid_grant' }));
    expect(await refresh(other.oauth)).toMatchObject({ detail: 'no *** (invalid_grant)' });
  });

  test('a redirect is not followed with our secrets', async () => {
    const elsewhere = await keep(startEndpoint(answering(200, tokens)));
    const { oauth } = await setUp(answering(307, '', { location: elsewhere.url }));
    expect(await refresh(oauth)).toMatchObject({ kind: 'unavailable' });
    expect(elsewhere.connections()).toBe(0);
  });

  test('no answer in time is unavailable, by one request: the token may have been replaced', async () => {
    const { oauth, zoom } = await setUp(() => {}, 50);
    expect(await refresh(oauth)).toEqual({ kind: 'unavailable', detail: 'Zoom gave no answer (timeout)' });
    expect(zoom.requests).toHaveLength(1);
  });

  test('an answer beyond 1 MiB is none', async () => {
    const { oauth } = await setUp(answering(200, { ...tokens, padding: 'x'.repeat(1024 * 1024) }));
    expect(await refresh(oauth)).toMatchObject({ kind: 'unavailable' });
  });

  test('nobody listening is unavailable, by name', async () => {
    const zoomBaseUrl = `http://127.0.0.1:${await freePort()}`;
    const oauth = createZoomOAuth({ zoomBaseUrl, clientId, clientSecret, nowMs: () => nowMs });
    expect(await refresh(oauth)).toEqual({ kind: 'unavailable', detail: 'Zoom gave no answer (ECONNREFUSED)' });
  });

  test('no connection is left open after an exchange', async () => {
    const sockets: { destroyed: boolean }[] = [];
    const { oauth, zoom } = await setUp((request, response, raw) => {
      sockets.push(raw.socket);
      answering(200, tokens)(request, response, raw);
    });
    await refresh(oauth);
    await oauth.revoke(access.token);
    expect(zoom.requests.map(({ headers }) => headers.connection)).toEqual(['close', 'close']);
    await eventually('closed', () => sockets.every(({ destroyed }) => destroyed));
  });
});

describe('the API', () => {
  type Read = (api: ZoomApi) => Promise<ZoomAnswer<unknown>>;
  const reads: readonly [string, Read, string][] = [
    ['the user', (api) => api.readMe(access), '/v2/users/me'],
    ['a ZAK', (api) => api.readZak(access), '/v2/users/me/zak'],
    ['an on-behalf-of token', (api) => api.readOnBehalfToken(access, undefined), '/v2/users/me/token?type=onbehalf'],
    [
      'one for a meeting',
      (api) => api.readOnBehalfToken(access, '85746065123'),
      '/v2/users/me/token?type=onbehalf&meeting_id=85746065123',
    ],
    [
      'a join token',
      (api) => api.readJoinToken(access, '85746065123'),
      '/v2/meetings/85746065123/jointoken/local_recording?bypass_waiting_room=true',
    ],
  ];

  test.each(reads)('%s is read with the access token', async (_what, read, path) => {
    const body = { token: 'the-token', expire_in: 120, id: 'user', account_id: 'account', email: 'a@example.com' };
    const { api, zoom } = await setUpApi(answering(200, body));
    const answer = await read(api);
    const user = { id: 'user', accountId: 'account', email: 'a@example.com' };
    expect(answer.kind === 'ok' && (answer.value instanceof Secret ? answer.value.reveal() : answer.value)).toEqual(
      path.endsWith('/me') ? user : 'the-token',
    );
    expect(zoom.requests.map((request) => [request.method, request.path])).toEqual([['GET', path]]);
    expect(zoom.requests[0]?.headers.authorization).toBe('Bearer access-token-value');
  });

  test.each(reads)('%s without what was asked for is unavailable, never ok', async (_what, read) => {
    for (const body of [{}, { token: '' }, { token: null, id: '' }, [], 'text', '']) {
      const { api } = await setUpApi(answering(200, body));
      expect(await read(api)).toMatchObject({ kind: 'unavailable' });
    }
  });

  test.each(['', 'abc', '1/../2', '1?x', '12 34', '-1', '1'.repeat(20)])('%j is no meeting id', async (id) => {
    const { api, zoom } = await setUpApi(answering(200, { token: 't' }));
    expect(await api.readJoinToken(access, id)).toMatchObject({ kind: 'refused', status: 400 });
    expect(await api.readOnBehalfToken(access, id)).toMatchObject({ kind: 'refused', status: 400 });
    expect(zoom.requests).toEqual([]);
  });

  test.each<[number, unknown, unknown]>([
    [
      401,
      { code: 124, message: 'Invalid access token.' },
      { kind: 'unauthorized', detail: 'Invalid access token. (124)' },
    ],
    [400, { code: 124, message: 'Expired' }, { kind: 'unauthorized', detail: 'Expired (124)' }],
    [401, '', { kind: 'unauthorized', detail: 'Zoom answered 401 and said nothing more' }],
    [400, { code: 4711, message: 'No.' }, { kind: 'missing_scope', detail: 'No. (4711)' }],
    [
      401,
      { code: 104, message: 'Invalid access token, does not contain scopes:[user:read:zak].' },
      { kind: 'missing_scope', detail: 'Invalid access token, does not contain scopes:[user:read:zak]. (104)' },
    ],
    [
      404,
      { code: 3001, message: 'Meeting does not exist.' },
      { kind: 'refused', status: 404, detail: 'Meeting does not exist. (3001)' },
    ],
    [403, { message: 'no access-token-value' }, { kind: 'refused', status: 403, detail: 'no ***' }],
    [429, { code: 429, message: 'Limit' }, { kind: 'rate_limited', retryAfterMs: 5000, detail: 'Limit (429)' }],
    [500, { code: 4711 }, { kind: 'unavailable', detail: '4711' }],
    [302, '', { kind: 'unavailable', detail: 'Zoom answered 302 and said nothing more' }],
  ])('%i with %j is told as what it means', async (status, body, refusal) => {
    const { api, zoom } = await setUpApi(answering(status, body, { location: '/elsewhere' }));
    expect(await api.readZak(access)).toEqual(refusal);
    expect(zoom.requests).toHaveLength(1);
  });

  test('closing leaves no socket open', async () => {
    const sockets: { destroyed: boolean }[] = [];
    const { api } = await setUpApi((request, response, raw) => {
      sockets.push(raw.socket);
      answering(200, { token: 't' })(request, response, raw);
    });
    await api.readZak(access);
    await api.close();
    await eventually('closed', () => sockets.every(({ destroyed }) => destroyed));
    expect(await api.readZak(access)).toMatchObject({ kind: 'unavailable' });
  });

  test.each([
    ['https://zoom.us', 'https://zoom.us'],
    ['https://api-us.zoom.us/', 'https://api-us.zoom.us'],
    ['https://api.zoom.us/some/path?x', 'https://api.zoom.us'],
    ['http://api.zoom.us', undefined],
    ['https://api.zoom.us:8443', undefined],
    ['https://zoom.us.example.com', undefined],
    ['https://evilzoom.us', undefined],
    ['https://zoom.us@example.com', undefined],
    ['https://example.com/#.zoom.us', undefined],
    ['api.zoom.us', undefined],
    ['', undefined],
    [7, undefined],
    [undefined, undefined],
  ])('an API at %j is asked at %j', (given, origin) => {
    expect(trustedApiUrl(given)).toBe(origin);
    if (typeof given !== 'string') return;
    const { url } = readMe('https://configured.example', { ...access, apiUrl: given });
    expect(url.href).toBe(`${origin ?? 'https://configured.example'}/v2/users/me`);
  });

  test('an API elsewhere, wherever that was kept, does not get the token', async () => {
    const elsewhere = await keep(startEndpoint());
    const { api, zoom } = await setUpApi(answering(200, { token: 't' }));
    expect(await api.readZak({ ...access, apiUrl: elsewhere.url })).toMatchObject({ kind: 'ok' });
    expect(zoom.requests).toHaveLength(1);
    expect(elsewhere.connections()).toBe(0);
  });
});
