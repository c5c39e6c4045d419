import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createRecallApi, type RecallApiOptions } from '../src/recall/api/create-recall-api.ts';
import type { NewCredential, RecallApi } from '../src/recall/api/recall-api.ts';
import { Secret } from '../src/secret.ts';
import { type Answer, startEndpoint, type TestEndpoint } from './support/endpoint.ts';
import { eventually } from './support/eventually.ts';
import { freePort } from './support/free-port.ts';
import { stopAfterEach } from './support/keep.ts';

const keep = stopAfterEach();
const apiKey = new Secret('recall-api-key-for-tests');
const appId = '32721c6e-3acf-4511-851c-55772cfb34b7';
const app = {
  id: appId,
  kind: 'user_level',
  client_id: 'zoom_client-id',
  client_secret: 'client-secret-value',
  webhook_secret: 'webhook-secret-value',
  webhook_last_validation: null,
  created_at: '2026-08-03T03:48:58.187545Z',
  added_by_recall_later: { x: 1 },
};
const credential = {
  id: '0b1c6e5a-0000-4000-8000-000000000001',
  oauth_app: appId,
  status: 'healthy',
  user_id: 'zoom-user',
  account_id: null,
  access_token_callback_url: null,
  meeting_sync_status: 'in_progress',
  created_at: '2026-08-03T03:48:58Z',
};
const newCredential = {
  oauthApp: appId,
  idempotencyKey: 'key-of-this-consent',
  code: 'single-use-code',
  redirectUri: 'https://relay.example.com/oauth-callback/zoom',
  codeVerifier: new Secret('code-verifier-value'),
} satisfies NewCredential;
const newApp = {
  kind: 'user_level',
  clientId: 'zoom_client-id',
  clientSecret: new Secret('client-secret-value'),
  webhookSecret: new Secret('webhook-secret-value'),
  idempotencyKey: 'key-of-this-app',
} as const;

interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Answers with these in turn, the last for ever after. */
function inTurn(...replies: readonly Reply[]): Answer {
  let next = 0;
  return (_request, response) => {
    const { status = 200, headers = { 'content-type': 'application/json' }, body } = replies[next] ?? {};
    if (next < replies.length - 1) next += 1;
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

interface Setup {
  readonly api: RecallApi;
  readonly recall: TestEndpoint;
  /** What was waited for, in order. */
  readonly waitsMs: readonly number[];
}

/** A client whose time passes only while it waits, and whose chance is none. */
async function setUp(answer: Answer, options: Partial<RecallApiOptions> = {}): Promise<Setup> {
  const recall = await keep(startEndpoint(answer));
  const waitsMs: number[] = [];
  let nowMs = 1_000_000;
  const api = createRecallApi({
    baseUrl: recall.url,
    apiKey,
    nowMs: () => nowMs,
    random: () => 0,
    async wait(ms) {
      waitsMs.push(ms);
      nowMs += ms;
    },
    ...options,
  });
  await keep({ stop: () => api.close() });
  return { api, recall, waitsMs };
}

const calls: readonly [string, (api: RecallApi) => Promise<{ kind: string }>, string, unknown][] = [
  ['createApp', (api) => api.createApp(newApp), 'POST /api/v2/zoom-oauth-apps/', app],
  ['listApps', (api) => api.listApps({ clientId: 'a&b' }), 'GET /api/v2/zoom-oauth-apps/?client_id=a%26b', undefined],
  ['listApps, all', (api) => api.listApps({}), 'GET /api/v2/zoom-oauth-apps/', undefined],
  ['readApp', (api) => api.readApp(appId), `GET /api/v2/zoom-oauth-apps/${appId}/`, app],
  [
    'updateApp',
    (api) => api.updateApp(appId, { webhookSecret: new Secret('newer') }),
    `PATCH /api/v2/zoom-oauth-apps/${appId}/`,
    app,
  ],
  ['deleteApp', (api) => api.deleteApp(appId), `DELETE /api/v2/zoom-oauth-apps/${appId}/`, ''],
  [
    'readAppLog',
    (api) => api.readAppLog(appId),
    `GET /api/v2/zoom-oauth-app-logs/?oauth_app=${appId}&ordering=-created_at`,
    undefined,
  ],
  [
    'createCredential',
    (api) => api.createCredential(newCredential),
    'POST /api/v2/zoom-oauth-credentials/',
    credential,
  ],
  [
    'listCredentials',
    (api) => api.listCredentials({ oauthApp: appId, userId: 'u', accountId: 'a', status: 'unhealthy' }),
    `GET /api/v2/zoom-oauth-credentials/?oauth_app=${appId}&user_id=u&account_id=a&status=unhealthy`,
    undefined,
  ],
  ['readCredential', (api) => api.readCredential('c1'), 'GET /api/v2/zoom-oauth-credentials/c1/', credential],
  ['deleteCredential', (api) => api.deleteCredential('c1'), 'DELETE /api/v2/zoom-oauth-credentials/c1/', ''],
  [
    'readAccessToken',
    (api) => api.readAccessToken('c1'),
    'GET /api/v2/zoom-oauth-credentials/c1/access-token/',
    { token: 't' },
  ],
  ['validateCredential', (api) => api.validateCredential('c1'), 'POST /api/v2/zoom-oauth-credentials/c1/validate/', ''],
  ['syncMeetings', (api) => api.syncMeetings('c1'), 'POST /api/v2/zoom-oauth-credentials/c1/sync-meetings/', ''],
  [
    'readCredentialLog',
    (api) => api.readCredentialLog('c1'),
    'GET /api/v2/zoom-oauth-credential-logs/?credential=c1&ordering=-created_at',
    undefined,
  ],
  [
    'listMeetings',
    (api) => api.listMeetings({ meetingId: '85746065', credential: 'c1' }),
    'GET /api/v2/zoom-meetings-to-credentials/?meeting_id=85746065&credential=c1',
    undefined,
  ],
];

describe('what is sent', () => {
  test.each(calls)(
    '%s: the documented path, the prefix Token, and no body on a GET',
    async (_name, call, line, body) => {
      const { api, recall } = await setUp(inTurn({ body: body ?? { next: null, previous: null, results: [] } }));
      expect(await call(api)).toMatchObject({ kind: 'ok' });
      const [request, ...others] = recall.requests;
      expect(others).toEqual([]);
      expect(`${request?.method} ${request?.path}`).toBe(line);
      expect(request?.path.split('?')[0]).toMatch(/\/$/);
      expect(request?.headers.authorization).toBe('Token recall-api-key-for-tests');
      if (line.startsWith('GET')) {
        expect(request?.body.length).toBe(0);
        expect(request?.headers).not.toHaveProperty('content-type');
        expect(request?.headers).not.toHaveProperty('content-length');
      }
    },
  );

  test('an app is created with its four fields as JSON and an idempotency key', async () => {
    const { api, recall } = await setUp(inTurn({ status: 201, body: app }));
    const answer = await api.createApp(newApp);
    expect(answer).toMatchObject({
      kind: 'ok',
      value: { id: appId, kind: 'user_level', lastValidationAtMs: undefined },
    });
    expect(answer.kind === 'ok' && answer.value.clientSecret.reveal()).toBe('client-secret-value');
    const [request] = recall.requests;
    expect(request?.headers).toMatchObject({
      'idempotency-key': 'key-of-this-app',
      'content-type': 'application/json',
    });
    expect(JSON.parse(String(request?.body))).toEqual({
      kind: 'user_level',
      client_id: 'zoom_client-id',
      client_secret: 'client-secret-value',
      webhook_secret: 'webhook-secret-value',
    });
  });

  test('a credential of a code carries the redirect URI to the character, and the verifier', async () => {
    const { api, recall } = await setUp(inTurn({ status: 201, body: credential }));
    await api.createCredential({ ...newCredential, redirectUri: 'https://relay.example.com/back/?x=1' });
    expect(recall.requests[0]?.headers['idempotency-key']).toBe('key-of-this-consent');
    expect(JSON.parse(String(recall.requests[0]?.body))).toEqual({
      oauth_app: appId,
      authorization_code: {
        code: 'single-use-code',
        redirect_uri: 'https://relay.example.com/back/?x=1',
        code_verifier: 'code-verifier-value',
      },
    });
  });

  test('a customer-managed credential carries the callback URL and nothing of a code', async () => {
    const { api, recall } = await setUp(inTurn({ status: 201, body: credential }));
    const accessTokenCallbackUrl = new Secret('https://relay.example.com/zoom-token/c?auth_token=abc');
    await api.createCredential({ oauthApp: appId, idempotencyKey: 'k', accessTokenCallbackUrl });
    expect(JSON.parse(String(recall.requests[0]?.body))).toEqual({
      oauth_app: appId,
      access_token_callback_url: 'https://relay.example.com/zoom-token/c?auth_token=abc',
    });
  });

  test('an app is updated by the given secrets alone', async () => {
    const { api, recall } = await setUp(inTurn({ body: app }));
    await api.updateApp(appId, { webhookSecret: new Secret('newer-secret') });
    expect(JSON.parse(String(recall.requests[0]?.body))).toEqual({ webhook_secret: 'newer-secret' });
  });

  test("Zoom's client id in the place of Recall's app id is refused before the code is spent", async () => {
    const { api, recall } = await setUp(inTurn({ body: credential }));
    const answer = await api.createCredential({ ...newCredential, oauthApp: '7lstjK9NTyett_oeXtFiEQ' });
    expect(answer).toMatchObject({ kind: 'refused', detail: expect.stringContaining("not Zoom's client id") });
    expect(recall.requests).toEqual([]);
  });

  test.each(['..', '../../v1/bot', 'a/b', 'a?b', '', 'a b'])('an id like %j is asked about nowhere', async (id) => {
    const { api, recall } = await setUp(inTurn({ body: credential }));
    expect(await api.deleteCredential(id)).toMatchObject({ kind: 'not_found', status: 404 });
    expect(recall.requests).toEqual([]);
  });

  test('a path in the base URL is kept', async () => {
    const recall = await keep(startEndpoint(inTurn({ body: app })));
    const { api } = await setUp(inTurn(), { baseUrl: `${recall.url}/behind/` });
    await api.readApp(appId);
    expect(recall.requests[0]?.path).toBe(`/behind/api/v2/zoom-oauth-apps/${appId}/`);
  });
});

describe('what an answer means', () => {
  test.each([200, 201])(
    '%i to a create is success: the credential may be one that was there already',
    async (status) => {
      const { api } = await setUp(inTurn({ status, body: credential }));
      expect(await api.createCredential(newCredential)).toEqual({
        kind: 'ok',
        value: {
          id: credential.id,
          oauthApp: appId,
          status: 'healthy',
          userId: 'zoom-user',
          accountId: undefined,
          accessTokenCallbackUrl: undefined,
          meetingSyncStatus: 'in_progress',
          createdAtMs: Date.UTC(2026, 7, 3, 3, 48, 58),
        },
      });
    },
  );

  test('members that an older or newer Recall lacks or spells anew do not make an answer unreadable', async () => {
    const { api } = await setUp(inTurn({ body: { id: 'c1', oauth_app: appId, status: 'disabled', created_at: 'x' } }));
    const answer = await api.readCredential('c1');
    expect(answer).toMatchObject({
      kind: 'ok',
      value: { status: 'unknown', userId: undefined, createdAtMs: undefined },
    });
  });

  test('the callback URL of a credential is a secret from the moment it is read', async () => {
    const url = 'https://relay.example.com/zoom-token/c?auth_token=abcdef';
    const { api } = await setUp(inTurn({ body: { ...credential, access_token_callback_url: url } }));
    const answer = await api.readCredential('c1');
    expect(answer.kind === 'ok' && answer.value.accessTokenCallbackUrl?.reveal()).toBe(url);
    expect(`${inspect(answer, { depth: 9 })}${JSON.stringify(answer)}`).not.toContain('abcdef');
  });

  test.each([
    [{ token: 'by-schema', expires_at: '2026-08-03T03:48:58Z' }, 'by-schema'],
    [{ access_token: 'by-sample' }, 'by-sample'],
    [{ access_token: null, token: 'by-schema' }, 'by-schema'],
  ])('the access token is read under both of its names: %j', async (body, token) => {
    const { api } = await setUp(inTurn({ body }));
    const answer = await api.readAccessToken('c1');
    expect(answer.kind === 'ok' && answer.value.token.reveal()).toBe(token);
  });

  test.each([{}, { token: '' }, { token: null }, [], 'plain text', ''])('%j is no access token', async (body) => {
    const { api } = await setUp(inTurn({ body }));
    expect(await api.readAccessToken('c1')).toMatchObject({ kind: 'unavailable', status: 200 });
  });

  test('an unreadable answer is described by the names of its members, never by their values', async () => {
    const { api } = await setUp(inTurn({ body: { ...app, kind: 'secret-kind', id: 7 } }));
    const answer = await api.readApp(appId);
    expect(answer).toEqual({
      kind: 'unavailable',
      status: 200,
      detail: "Recall's answer is not what it documents: id, kind",
    });
  });

  test.each([
    [{ detail: 'Zoom said: Invalid Grant' }, 'Zoom said: Invalid Grant'],
    [{ client_id: ['This field is required.', 'And more.'] }, 'client_id: This field is required. And more.'],
    [
      { authorization_code: { redirect_uri: ['Enter a valid URL.'] }, non_field_errors: ['Odd.'] },
      'authorization_code.redirect_uri: Enter a valid URL.; Odd.',
    ],
    [['One.', 'Two.'], 'One. Two.'],
    ['just\n  text\0', 'just text'],
    ['<html>no</html>', 'Recall answered 400 and said nothing more'],
    [{}, 'Recall answered 400 and said nothing more'],
  ])("Recall's own words are kept: %j", async (body, detail) => {
    const { api } = await setUp(inTurn({ status: 400, body }));
    expect(await api.createCredential(newCredential)).toEqual({ kind: 'refused', status: 400, detail });
  });

  test.each([
    [{ conflicting_zoom_user_id: 'u1', conflicting_zoom_account_id: null }, { conflictingUserId: 'u1' }],
    [{ conflicting_zoom_account_id: 'a1' }, { conflictingAccountId: 'a1' }],
    [{ conflicting_zoom_user_id: ['u1'], conflicting_zoom_account_id: ['None'] }, { conflictingUserId: 'u1' }],
    [
      { conflicting_zoom_user_id: 'u1', conflicting_zoom_account_id: 'a1' },
      { conflictingUserId: 'u1', conflictingAccountId: 'a1' },
    ],
  ])('a conflict names the Zoom user and the Zoom account, either or both: %j', async (ids, named) => {
    const { api, recall } = await setUp(inTurn({ status: 400, body: { detail: 'exists', ...ids } }));
    const answer = await api.createCredential(newCredential);
    expect(answer).toEqual({ kind: 'refused', status: 400, detail: 'exists', ...named });
    expect(recall.requests).toHaveLength(1); // the code is spent: the same again cannot do
  });

  test.each([
    [401, { detail: 'Invalid token.' }, { kind: 'unauthorized', status: 401, detail: 'Invalid token.' }],
    [402, { detail: 'No credit.' }, { kind: 'refused', status: 402, detail: 'No credit.' }],
    [403, { detail: 'Not yours.' }, { kind: 'refused', status: 403, detail: 'Not yours.' }],
    [404, { detail: 'Not found.' }, { kind: 'not_found', status: 404, detail: 'Not found.' }],
    [405, { detail: 'No.' }, { kind: 'refused', status: 405, detail: 'No.' }],
    [507, { detail: 'Full.' }, { kind: 'refused', status: 507, detail: 'Full.' }],
    [500, { detail: 'Oops.' }, { kind: 'unavailable', status: 500, detail: 'Oops.' }],
  ])('%i is told once and is not repeated', async (status, body, refusal) => {
    const { api, recall } = await setUp(inTurn({ status, body }));
    expect(await api.createApp(newApp)).toEqual(refusal);
    expect(recall.requests).toHaveLength(1);
  });

  test.each([{ 'content-type': 'text/html' }, {}])(
    '403 with a page is the firewall’s, and says what to do: %j',
    async (headers) => {
      const body = '<!DOCTYPE html><title>ERROR: The request could not be satisfied</title>';
      const { api } = await setUp(inTurn({ status: 403, headers, body }));
      const answer = await api.createCredential(newCredential);
      expect(answer).toMatchObject({ kind: 'blocked', status: 403 });
      expect(answer.kind === 'blocked' && answer.detail).toMatch(/localhost.*IP address.*public https host name/);
    },
  );

  test('a redirect is not followed', async () => {
    const elsewhere = await keep(startEndpoint(inTurn({ body: app })));
    const { api } = await setUp(inTurn({ status: 302, headers: { location: elsewhere.url }, body: '' }));
    expect(await api.createApp(newApp)).toMatchObject({ kind: 'unavailable', status: 302 });
    expect(elsewhere.connections()).toBe(0);
  });

  test('of an endless answer no more than 4 MiB is read', async () => {
    let isCut = false;
    const { api } = await setUp((_request, response) => {
      const chunk = Buffer.alloc(256 * 1024, 0x20);
      const write = (): void => {
        while (!isCut && response.write(chunk));
      };
      response.on('close', () => {
        isCut = true;
      });
      response.on('drain', write);
      response.writeHead(200);
      write();
    });
    expect(await api.readApp(appId)).toMatchObject({ kind: 'unavailable', status: 200 });
    await eventually('cut', () => isCut);
  });
});

describe('secrets', () => {
  const callbackUrl = 'https://relay.example.com/zoom-token/c1?user=u-42&auth_token=s3cret-of-c1';
  const jwt = 'eyJhbGciOiJIUzUxMiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl';

  test.each<[string, (api: RecallApi) => Promise<unknown>, readonly string[]]>([
    ['an app', (api) => api.createApp(newApp), [apiKey.reveal(), 'client-secret-value', 'webhook-secret-value']],
    ['a change', (api) => api.updateApp(appId, { clientSecret: new Secret('other-secret') }), ['other-secret']],
    ['a code', (api) => api.createCredential(newCredential), ['single-use-code', 'code-verifier-value']],
    [
      'a callback URL',
      (api) => {
        const accessTokenCallbackUrl = new Secret(callbackUrl);
        return api.createCredential({ oauthApp: appId, idempotencyKey: 'k', accessTokenCallbackUrl });
      },
      [callbackUrl, encodeURIComponent(callbackUrl), '?user=u-42&auth_token=s3cret-of-c1', 's3cret-of-c1'],
    ],
  ])('of %s, what Recall repeats of it is masked', async (_of, call, sent) => {
    const { api } = await setUp(inTurn({ status: 400, body: { detail: `before ${sent.join(' and ')} after` } }));
    expect(await call(api)).toEqual({
      kind: 'refused',
      status: 400,
      detail: `before ${sent.map(() => '***').join(' and ')} after`,
    });
  });

  test('what looks like a secret is masked, whoever sent it', async () => {
    const body = { field: [`auth_token=other&x=1, whsec_AbC+/d=, (${jwt}).`] };
    const { api } = await setUp(inTurn({ status: 400, body }));
    expect(await api.readApp(appId)).toMatchObject({ detail: 'field: auth_token=***&x=1, ***, (***).' });
  });

  test('a secret that begins another does not leave the rest of it', async () => {
    const { api } = await setUp(inTurn({ status: 400, body: { detail: 'not secret-and-more' } }));
    const secrets = { clientSecret: new Secret('secret'), webhookSecret: new Secret('secret-and-more') };
    expect(await api.createApp({ ...newApp, ...secrets })).toMatchObject({ detail: 'not ***' });
  });

  test('a dummy secret of one letter does not take the words with it', async () => {
    const { api } = await setUp(inTurn({ status: 400, body: { detail: 'a bad app' } }));
    expect(await api.createApp({ ...newApp, clientSecret: new Secret('a') })).toMatchObject({ detail: 'a bad app' });
  });

  test('a secret across the bound of 1,000 characters does not show its beginning', async () => {
    const { api } = await setUp(
      inTurn({ status: 400, body: { detail: `${'x'.repeat(993)} client-secret-value, long` } }),
    );
    const answer = await api.createApp(newApp);
    expect(answer.kind === 'refused' && answer.detail).toBe(`${'x'.repeat(993)} ***, …`);
  });

  test('a log line of Recall shows no token either', async () => {
    const results = [
      { oauth_app: appId, message: 'older', created_at: '2026-01-01T00:00:00Z' },
      { oauth_app: appId, message: `token ${jwt} is bad`, created_at: '2026-01-02T00:00:00Z' },
    ];
    const { api } = await setUp(inTurn({ body: { next: 'https://x.example/', previous: null, results } }));
    expect(await api.readAppLog(appId)).toEqual({
      kind: 'ok',
      value: [
        { message: 'token *** is bad', createdAtMs: Date.UTC(2026, 0, 2) },
        { message: 'older', createdAtMs: Date.UTC(2026, 0, 1) },
      ],
    });
  });
});

describe('repeats', () => {
  test('429 waits as long as it says, and 1 to 5 s more', async () => {
    for (const [random, waitMs] of [
      [0, 8000],
      [0.5, 10_000],
    ] as const) {
      const limited = { status: 429, headers: { 'retry-after': '7' }, body: { detail: 'Throttled.' } };
      const { api, waitsMs } = await setUp(inTurn(limited, { body: app }), { random: () => random });
      expect(await api.readApp(appId)).toMatchObject({ kind: 'ok' });
      expect(waitsMs).toEqual([waitMs]);
    }
  });

  test('a wait that would not fit is not begun: the caller learns when to come again', async () => {
    const limited = { status: 429, headers: { 'retry-after': '40' }, body: { detail: 'Throttled.' } };
    const { api, recall, waitsMs } = await setUp(inTurn(limited));
    expect(await api.readApp(appId)).toEqual({
      kind: 'rate_limited',
      status: 429,
      retryAfterMs: 40_000,
      detail: 'Throttled.',
    });
    expect(waitsMs).toEqual([]);
    expect(recall.requests).toHaveLength(1);
  });

  test.each(['soon', '-1', '1.5', 'Wed, 21 Oct 2026 07:28:00 GMT'])(
    'Retry-After %j falls back to the back-off, and to a minute for the caller',
    async (value) => {
      const { api, waitsMs } = await setUp(inTurn({ status: 429, headers: { 'retry-after': value }, body: {} }));
      expect(await api.readApp(appId)).toMatchObject({ kind: 'rate_limited', retryAfterMs: 60_000 });
      expect(waitsMs).toEqual([2000, 3000, 5000, 9000]);
    },
  );

  test.each([409, 502, 503, 504])('%i is repeated with back-off, six times at most', async (status) => {
    const busy = inTurn({ status, body: { detail: 'Busy.' } });
    const { api, recall, waitsMs } = await setUp(busy, { timeoutMs: 3_600_000 });
    expect(await api.createCredential(newCredential)).toEqual({ kind: 'unavailable', status, detail: 'Busy.' });
    expect(waitsMs).toEqual([1000, 2000, 4000, 8000, 10_000]);
    expect(recall.requests).toHaveLength(6);
  });

  test('503 with Retry-After waits at least that long', async () => {
    const busy = { status: 503, headers: { 'retry-after': '9' }, body: {} };
    const { api, waitsMs } = await setUp(inTurn(busy, { body: app }));
    expect(await api.readApp(appId)).toMatchObject({ kind: 'ok' });
    expect(waitsMs).toEqual([9000]);
  });

  test('all of a call fits in its time limit, whatever the answers ask for', async () => {
    const { api, waitsMs } = await setUp(inTurn({ status: 503, body: {} }), { timeoutMs: 8000 });
    await api.readApp(appId);
    expect(waitsMs).toEqual([1000, 2000, 4000]);
  });

  test('a create without an answer is repeated with the same key and the same body', async () => {
    const { api, recall } = await setUp((_request, response, raw) => {
      if (recall.requests.length === 1) raw.socket.destroy();
      else response.writeHead(201).end(JSON.stringify(credential));
    });
    expect(await api.createCredential(newCredential)).toMatchObject({ kind: 'ok' });
    const [first, second] = recall.requests;
    expect(second?.headers['idempotency-key']).toBe('key-of-this-consent');
    expect(second?.headers['idempotency-key']).toBe(first?.headers['idempotency-key']);
    expect(second?.body.equals(first?.body ?? Buffer.alloc(0))).toBe(true);
  });

  test('an answer that does not come in time, or breaks off, is no answer', async () => {
    const { api, recall } = await setUp(
      (_request, response, raw) => {
        if (recall.requests.length === 1) return;
        response.writeHead(200, { 'content-length': '100' }).write('{');
        setImmediate(() => raw.socket.destroy());
      },
      { requestTimeoutMs: 50 },
    );
    expect(await api.readApp(appId)).toMatchObject({ kind: 'unavailable', status: undefined });
    expect(recall.requests).toHaveLength(6);
  });

  test('nobody listening is unavailable, by name', async () => {
    const { api } = await setUp(inTurn(), { baseUrl: `http://127.0.0.1:${await freePort()}` });
    expect(await api.readApp(appId)).toEqual({
      kind: 'unavailable',
      status: undefined,
      detail: 'Recall gave no answer (ECONNREFUSED)',
      networkError: 'ECONNREFUSED',
    });
  });

  test('closing cuts a wait short, leaves no socket open, and nothing is sent afterwards', async () => {
    const sockets: { destroyed: boolean }[] = [];
    const recall = await keep(
      startEndpoint((_request, response, raw) => {
        sockets.push(raw.socket);
        response.writeHead(503).end();
      }),
    );
    const api = createRecallApi({ baseUrl: recall.url, apiKey, timeoutMs: 3_600_000, nowMs: () => 0, random: () => 0 });
    const answer = api.readApp(appId);
    await eventually('asked', () => recall.requests.length === 1);
    await api.close();
    expect(await answer).toMatchObject({ kind: 'unavailable', status: 503 });
    expect(await api.readApp(appId)).toMatchObject({ kind: 'unavailable' });
    await eventually('closed', () => sockets.every(({ destroyed }) => destroyed));
    expect(recall.connections()).toBe(1);
  });
});

describe('lists', () => {
  /** Pages of one credential each, numbered by the cursor; `link` makes the link to the next. */
  function paged(pages: number, link: (cursor: number, host: string) => string): Answer {
    return ({ path, headers }, response) => {
      const cursor = Number(new URL(path, 'http://x').searchParams.get('cursor') ?? 1);
      const next = cursor < pages ? link(cursor + 1, String(headers.host)) : null;
      response.end(JSON.stringify({ next, previous: null, results: [{ ...credential, id: `c${cursor}` }] }));
    };
  }
  const list = (api: RecallApi) => api.listCredentials({ oauthApp: appId });

  test.each(['http', 'https'])('go through all pages by the links to %s:, which keep the filter', async (scheme) => {
    const { api, recall } = await setUp(
      paged(
        3,
        (cursor, host) => `${scheme}://${host}/api/v2/zoom-oauth-credentials/?cursor=${cursor}&oauth_app=${appId}`,
      ),
    );
    const answer = await list(api);
    expect(answer.kind === 'ok' && answer.value.map(({ id }) => id)).toEqual(['c1', 'c2', 'c3']);
    expect(recall.requests[2]?.path).toBe(`/api/v2/zoom-oauth-credentials/?cursor=3&oauth_app=${appId}`);
    expect(recall.requests.every(({ headers }) => headers.authorization === `Token ${apiKey.reveal()}`)).toBe(true);
  });

  test('a link to another path is asked for under the list’s own', async () => {
    const { api, recall } = await setUp(paged(2, (cursor, host) => `http://${host}/api/v1/other/?cursor=${cursor}`));
    await list(api);
    expect(recall.requests[1]?.path).toBe('/api/v2/zoom-oauth-credentials/?cursor=2');
  });

  test('a link to another host is not followed, and the list is not taken for complete', async () => {
    const elsewhere = await keep(startEndpoint());
    const { api, recall } = await setUp(paged(2, (cursor) => `${elsewhere.url}/?cursor=${cursor}`));
    expect(await list(api)).toMatchObject({ kind: 'unavailable' });
    expect(recall.requests).toHaveLength(1);
    expect(elsewhere.connections()).toBe(0);
  });

  test('a hundred pages are read, and no more of a list without end', async () => {
    const link = (cursor: number): string => `?cursor=${cursor}`;
    const whole = await setUp(paged(100, link));
    const answer = await list(whole.api);
    expect(answer.kind === 'ok' && answer.value.length).toBe(100);
    const endless = await setUp(paged(1e9, link));
    expect(await list(endless.api)).toMatchObject({ kind: 'unavailable' });
    expect(endless.recall.requests).toHaveLength(100);
  });

  test('meetings say with which credential, and since when', async () => {
    const results = [{ meeting_id: 85746065123, credential: 'c1', synced_at: '2026-01-01T00:00:00Z' }];
    const { api } = await setUp(inTurn({ body: { next: null, previous: null, results } }));
    expect(await api.listMeetings({})).toEqual({
      kind: 'ok',
      value: [{ meetingId: '85746065123', credential: 'c1', syncedAtMs: Date.UTC(2026, 0, 1) }],
    });
  });

  test('a refusal on a later page is the answer to the list', async () => {
    const first = { body: { next: '?cursor=2', previous: null, results: [credential] } };
    const { api } = await setUp(inTurn(first, { status: 401, body: { detail: 'Invalid token.' } }));
    expect(await list(api)).toMatchObject({ kind: 'unauthorized' });
  });
});
