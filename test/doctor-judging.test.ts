import { describe, expect, test } from 'vitest';
import { answerOnce } from '../src/doctor/answer-once.ts';
import { judgeConnections, judgeScopes } from '../src/doctor/chain/judge-connections.ts';
import { judgeCredentials } from '../src/doctor/chain/judge-credentials.ts';
import { judgePublicUrl, judgeUnknownUrl, requestPublicUrl } from '../src/doctor/chain/judge-public-url.ts';
import { judgeRecallApp } from '../src/doctor/chain/judge-recall-app.ts';
import { chanceOf, judgeAgreement, readAgreement, requestAgreement } from '../src/doctor/chain/secret-agreement.ts';
import type { DoctorApp, KnownConnection, Probed } from '../src/doctor/ports.ts';
import type { RecallAnswer, RecallApp, RecallCredential } from '../src/recall/api/recall-api.ts';
import { Secret } from '../src/secret.ts';
import { encryptToken } from '../src/zoom/challenge.ts';
import { neededScopes } from '../src/zoom/oauth/scopes.ts';
import { readSignatureClaim, verifyNotification } from '../src/zoom/verify.ts';

const nowMs = Date.parse('2026-11-18T10:00:00Z');
const current = new Secret('the-current-secret-token');
const previous = new Secret('the-previous-secret-token');
const secrets = [current, previous] as const;
const recallUrl = new URL('https://us-east-1.recall.ai/api/v2/zoom-oauth-apps/an-app/webhook');

function answer(status: number, body: unknown = '', headers: Readonly<Record<string, string>> = {}): Probed {
  return { kind: 'answer', status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) };
}
const error = (code: string) => ({ error: { code, message: '' } });
const none = (code: string): Probed => ({ kind: 'no_answer', error: code });

describe('the public URL', () => {
  const ours = answer(405, error('method_not_allowed'), { allow: 'POST' });

  test('is asked for by GET at the endpoint of the app, so that nothing counts as a notification', () => {
    const { method, url, body } = requestPublicUrl('https://relay.example.com/base', 'acme');
    expect([method, url.href, body]).toEqual(['GET', 'https://relay.example.com/base/webhooks/zoom/acme', undefined]);
  });

  test.each<[string, string, Probed, 'sound' | 'wrong' | 'unknown', RegExp]>([
    ['our own refusal proves it', 'https://relay.example.com', ours, 'sound', /leads to a zoom-relay$/],
    [
      'a 405 of something else proves nothing',
      'https://relay.example.com',
      answer(405, ''),
      'wrong',
      /something else \(405\)/,
    ],
    [
      'nor does one that allows more',
      'https://relay.example.com',
      answer(405, error('method_not_allowed'), { allow: 'POST, GET' }),
      'wrong',
      /something else/,
    ],
    [
      'a redirect is wrong even when it leads here',
      'https://relay.example.com',
      answer(301, '', { location: 'https://www.example.com/' }),
      'wrong',
      /redirects \(301\) to https:\/\/www\.example\.com\//,
    ],
    [
      'a page of a parking service is something else',
      'https://relay.example.com',
      answer(200, '<html>'),
      'wrong',
      /something else \(200\)/,
    ],
    [
      'a gateway without a relay behind it is something else',
      'https://relay.example.com',
      answer(502),
      'wrong',
      /something else \(502\)/,
    ],
    [
      'the private port is the wrong one',
      'https://relay.example.com',
      answer(421, error('host_refused')),
      'wrong',
      /private port/,
    ],
    [
      'a cut path is wrong',
      'https://relay.example.com',
      answer(404, error('route_unknown')),
      'wrong',
      /not at this path/,
    ],
    [
      'a bad certificate is wrong: Zoom takes none either',
      'https://relay.example.com',
      none('CERT_HAS_EXPIRED'),
      'wrong',
      /TLS failed/,
    ],
    [
      'a missing intermediate too',
      'https://relay.example.com',
      none('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
      'wrong',
      /TLS failed/,
    ],
    [
      'what cannot be reached from here may be reached by Zoom',
      'https://relay.example.com',
      none('ECONNREFUSED'),
      'unknown',
      /ECONNREFUSED\); Zoom last reached it 2 min ago$/,
    ],
    ['localhost is reached from here only', 'http://localhost:8080', ours, 'unknown', /only from this machine/],
    ['an address is no host name for Recall', 'https://127.0.0.1', ours, 'unknown', /only from this machine/],
  ])('%s', (_rule, publicUrl, probed, mark, text) => {
    const finding = judgePublicUrl(requestPublicUrl(publicUrl, 'default').url, probed, 120_000);
    expect(finding).toMatchObject({ mark, subject: 'public URL', text: expect.stringMatching(text) });
    if (mark === 'wrong') expect(finding.fix).toBeTruthy();
  });

  test('when it is not known, it is told when Zoom was last heard of', () => {
    expect(judgeUnknownUrl(3_600_000)).toMatchObject({
      mark: 'unknown',
      text: expect.stringMatching(/last reached it 1\.0 h ago/),
    });
    expect(judgeUnknownUrl(undefined).text).toMatch(/Zoom has not reached it yet/);
  });
});

describe('the secret agreement', () => {
  const chance = chanceOf((count) => Buffer.alloc(count, 7));
  const { plainToken } = chance;
  const token = (secret: Secret, own = plainToken) =>
    answer(200, { plainToken: own, encryptedToken: encryptToken(secret, own) });

  test('the challenge is signed as Zoom signs, with Zoom’s headers and a token of 24 base64url characters', () => {
    const { method, url, headers, body = Buffer.alloc(0) } = requestAgreement(recallUrl, current, chance, nowMs);
    expect([method, url]).toEqual(['POST', recallUrl]);
    const read = readSignatureClaim(headers, nowMs, 300);
    if (read.kind !== 'claim') return expect.unreachable('the headers are no claim');
    const input = { claim: read.claim, body, headers, receivedAtMs: nowMs };
    expect(verifyNotification({ ...input, secrets: [current] }).kind).toBe('verified');
    expect(verifyNotification({ ...input, secrets: [previous] }).kind).toBe('rejected');
    expect(JSON.parse(body.toString())).toEqual({
      payload: { plainToken },
      event_ts: nowMs,
      event: 'endpoint.url_validation',
    });
    expect(plainToken).toMatch(/^[\w-]{24}$/);
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'user-agent': 'Zoom Marketplace/1.0a',
      'x-zm-request-id': expect.stringMatching(/^[0-9a-f]{8}(_[0-9a-f]{4}){3}_[0-9a-f]{12}$/),
      traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-02$/),
    });
    expect(JSON.stringify(headers)).not.toMatch(/authorization|clientid/);
  });

  test.each<[string, Probed, 'sound' | 'wrong' | 'unknown', RegExp]>([
    ['our token is the proof', token(current), 'sound', /the token our secret gives/],
    ['the token of the previous secret says which one Recall has', token(previous), 'wrong', /still has the previous/],
    ['the token of another secret', token(new Secret('another-secret-token')), 'wrong', /another secret/],
    ['our secret over another token is no proof', token(current, 'another-token'), 'wrong', /another secret/],
    [
      'a token that is longer',
      answer(200, { encryptedToken: `${encryptToken(current, plainToken)}0` }),
      'wrong',
      /another secret/,
    ],
    ['2xx without a token', answer(200, {}), 'unknown', /cannot tell.*gave no token/],
    ['2xx without JSON', answer(204, ''), 'unknown', /cannot tell/],
    [
      '400 is a refusal',
      answer(400, '{"detail":"Invalid signature."}'),
      'wrong',
      /refused .*\(400: .*Invalid signature/,
    ],
    ['404 is another region or app', answer(404, 'Not found'), 'wrong', /\(404: Not found\)/],
    ['429 says nothing', answer(429), 'unknown', /no answer \(429\)/],
    ['503 says nothing', answer(503), 'unknown', /no answer \(503\)/],
    ['a redirect is not followed', answer(301), 'wrong', /redirects \(301\)/],
    ['no answer says nothing', none('timeout'), 'unknown', /no answer \(timeout\)/],
  ])('%s', (_rule, probed, mark, text) => {
    const finding = judgeAgreement(readAgreement(probed, plainToken, secrets), recallUrl);
    expect(finding).toMatchObject({ mark, subject: 'secret agreement', text: expect.stringMatching(text) });
    if (mark === 'wrong') expect(finding.fix).toBeTruthy();
  });

  test('refused with the current secret and proved with the previous: Recall still has the previous one', () => {
    const first = readAgreement(answer(400), plainToken, secrets);
    const second = readAgreement(token(previous), plainToken, secrets);
    expect(judgeAgreement(first, recallUrl, second).text).toMatch(/still has the previous/);
    expect(judgeAgreement(first, recallUrl, readAgreement(answer(400), plainToken, secrets)).text).toMatch(/refused/);
  });

  test('a refusal that quotes our secret does not show it', () => {
    const finding = judgeAgreement(
      readAgreement(answer(400, `not ${current.reveal()}`), plainToken, secrets),
      recallUrl,
    );
    expect(JSON.stringify(finding)).not.toContain(current.reveal());
  });
});

describe('the app in Recall', () => {
  const clientSecret = new Secret('the-client-secret');
  const app: Pick<DoctorApp, 'oauthApp' | 'secrets' | 'client'> = {
    oauthApp: 'an-app',
    secrets,
    client: { kind: 'user_level', clientId: 'ours', clientSecret, isCustomerManaged: false },
  };
  const there: RecallApp = {
    id: 'an-app',
    kind: 'user_level',
    clientId: 'ours',
    clientSecret,
    webhookSecret: current,
    lastValidationAtMs: undefined,
  };
  const ok = (more: Partial<RecallApp> = {}): RecallAnswer<RecallApp> => ({ kind: 'ok', value: { ...there, ...more } });
  const customerManaged = {
    client: { kind: 'user_level', clientId: 'ours', clientSecret, isCustomerManaged: true },
  } as const;

  test.each<[string, RecallAnswer<RecallApp>, Partial<typeof app>, 'sound' | 'wrong' | 'unknown', RegExp]>([
    ['all is ours', ok(), {}, 'sound', /client_id, client_secret and webhook_secret are ours/],
    ['another client id', ok({ clientId: 'theirs' }), {}, 'wrong', /client_id is not ours/],
    ['another client secret', ok({ clientSecret: new Secret('x') }), {}, 'wrong', /client_secret is not ours/],
    [
      'a dummy will do when this relay keeps the tokens',
      ok({ clientSecret: new Secret('x') }),
      customerManaged,
      'sound',
      /client_id and webhook_secret are ours/,
    ],
    ['the previous Secret Token', ok({ webhookSecret: previous }), {}, 'wrong', /previous Secret Token/],
    ['a Secret Token of nobody', ok({ webhookSecret: new Secret('y') }), {}, 'wrong', /none of ours/],
    ['another kind', ok({ kind: 'account_level' }), {}, 'wrong', /it is account-level, ours is user-level/],
    [
      'all that is wrong is told',
      ok({ clientSecret: new Secret('x'), webhookSecret: new Secret('y') }),
      {},
      'wrong',
      /client_secret is not ours; its webhook_secret/,
    ],
    [
      'without connecting only the Secret Token can be compared',
      ok({ clientId: 'theirs' }),
      { client: undefined },
      'sound',
      /its webhook_secret is ours/,
    ],
    ['there is none', { kind: 'not_found', status: 404, detail: 'Not found.' }, {}, 'wrong', /has no app an-app/],
    [
      'the key is refused',
      { kind: 'unauthorized', status: 401, detail: 'Invalid token.' },
      {},
      'wrong',
      /does not take the API key/,
    ],
    [
      'Recall is away',
      { kind: 'unavailable', status: 503, detail: 'down' },
      {},
      'unknown',
      /cannot tell.*\(503\): down/,
    ],
    [
      'Recall is asked too often',
      { kind: 'rate_limited', status: 429, retryAfterMs: 1, detail: 'slow' },
      {},
      'unknown',
      /cannot tell/,
    ],
  ])('%s', (_rule, given, more, mark, text) => {
    const finding = judgeRecallApp({ ...app, ...more }, given, [], nowMs);
    expect(finding).toMatchObject({ mark, text: expect.stringMatching(text) });
    if (mark === 'wrong') expect(finding.fix).toBeTruthy();
    for (const secret of [...secrets, clientSecret]) expect(JSON.stringify(finding)).not.toContain(secret.reveal());
  });

  test('what Recall has noted is a note, the newest three', () => {
    const log = [1, 2, 3, 4].map((hours) => ({ message: `message ${hours}`, createdAtMs: nowMs - hours * 3_600_000 }));
    const { mark, text } = judgeRecallApp(app, ok(), log, nowMs);
    expect(mark).toBe('sound');
    expect(text).toContain('\nRecall noted 1.0 h ago: message 1\nRecall noted 2.0 h ago: message 2');
    expect(text).not.toContain('message 4');
  });
});

const connection = (id: string, more: Partial<KnownConnection> = {}): KnownConnection => ({
  id,
  user: `user of ${id}`,
  state: 'healthy',
  needsPerson: false,
  credentialId: `credential-${id}`,
  zoomUserId: `zoom-${id}`,
  connectedAtMs: nowMs,
  ...more,
});

describe('the credentials', () => {
  const credential = (id: string, more: Partial<RecallCredential> = {}): RecallCredential => ({
    id: `credential-${id}`,
    oauthApp: 'an-app',
    status: 'healthy',
    userId: `zoom-${id}`,
    accountId: undefined,
    accessTokenCallbackUrl: new Secret('https://relay.example.com/zoom-token/x?auth_token=secret'),
    meetingSyncStatus: 'completed',
    createdAtMs: nowMs,
    ...more,
  });
  const unhealthy = { status: 'unhealthy' } as const;

  test.each<[string, readonly RecallCredential[], readonly KnownConnection[] | undefined, readonly string[]]>([
    ['none', [], [], ['? none yet']],
    [
      'all healthy and known',
      [credential('a'), credential('b')],
      [connection('a'), connection('b')],
      ['✓ 2, all healthy'],
    ],
    [
      'one unhealthy',
      [credential('a'), credential('b', unhealthy)],
      undefined,
      ['✗ 1 of 2 unhealthy:\nZoom user zoom-b: The user removed the app.'],
    ],
    ['Recall does not say', [credential('a', { status: 'unknown' })], undefined, ['? cannot tell of 1 of 1']],
    [
      'one that Recall lacks',
      [credential('a')],
      [connection('a'), connection('b')],
      ['✓ 1, healthy', '✗ Recall does not have those of 1 connection'],
    ],
    [
      'one that Recall has besides',
      [credential('a'), credential('b')],
      [connection('a')],
      ['✓ 2, all healthy', '? Recall has 1 that this relay does not know'],
    ],
    [
      'a connection that Recall has yet to confirm lacks none',
      [credential('a')],
      [connection('a'), { ...connection('b'), credentialId: 'credential-a' }],
      ['✓ 1, healthy'],
    ],
    ['connecting is off: nothing to compare with', [credential('a')], undefined, ['✓ 1, healthy']],
  ])('%s', (_rule, credentials, connections, expected) => {
    const found = judgeCredentials(credentials, connections, new Map([['credential-b', 'The user removed the app.']]));
    const signs = { sound: '✓', wrong: '✗', unknown: '?' } as const;
    const lines = found.map(({ mark, text }) => `${signs[mark]} ${text}`);
    expect(lines).toHaveLength(expected.length);
    for (const [index, start] of expected.entries()) expect(lines[index]?.startsWith(start), lines[index]).toBe(true);
    expect(JSON.stringify(found)).not.toContain('auth_token');
  });

  test('an unhealthy one of ours comes with the command that makes its new link; of others it is told that there are some', () => {
    const credentials = [credential('a', unhealthy), credential('b', unhealthy)];
    const [finding] = judgeCredentials(credentials, [connection('a')], new Map());
    expect(finding?.fix).toMatch(/zoom-relay connections link --connection a\nhave those who are not known here/);
  });

  test('of many, five are named and the rest are counted', () => {
    const many = Array.from({ length: 8 }, (_, index) => credential(`n${index}`, unhealthy));
    const [finding] = judgeCredentials(many, undefined, new Map());
    expect(finding?.text).toContain('8 of 8 unhealthy');
    expect(finding?.text.split('\n')).toHaveLength(7);
    expect(finding?.text).toContain('and 3 more');
  });
});

describe('the connections', () => {
  const needed = neededScopes.user_level;
  const forRecall = needed.filter((scope) => scope.for === 'recall').map(({ granular }) => granular);
  const all = needed.map(({ granular }) => granular);

  test.each<[string, readonly KnownConnection[], 'sound' | 'wrong' | 'unknown', RegExp]>([
    ['none', [], 'unknown', /nobody has connected/],
    ['healthy', [connection('a')], 'sound', /^1, none revoked/],
    [
      'revoked',
      [connection('a', { state: 'revoked', detail: 'invalid_grant', needsPerson: true })],
      'wrong',
      /1 revoked of 1:\nuser of a \(a\): invalid_grant/,
    ],
    [
      'tokens that cannot be refreshed',
      [connection('a', { state: 'refresh_failing', needsPerson: true })],
      'wrong',
      /1 whose tokens cannot be refreshed of 1/,
    ],
    ['not confirmed by Recall yet', [connection('a', { state: 'unconfirmed' })], 'unknown', /1 of 1 not confirmed/],
  ])('%s', (_rule, connections, mark, text) => {
    const finding = judgeConnections(connections);
    expect(finding).toMatchObject({ mark, text: expect.stringMatching(text) });
    if (mark === 'wrong') expect(finding.fix).toContain('zoom-relay connections link --connection a');
  });

  test('a refresh that may yet succeed asks nothing of the person', () => {
    const { mark, fix } = judgeConnections([connection('a', { state: 'refresh_failing' })]);
    expect(mark).toBe('wrong');
    expect(fix).toMatch(/tried again by itself/);
    expect(fix).not.toContain('connections link');
  });

  test.each<[string, readonly KnownConnection[], 'sound' | 'wrong' | 'unknown', RegExp]>([
    ['all granted', [connection('a', { scopes: all })], 'sound', /^1 granted what Recall needs$/],
    [
      'one that Recall needs was not',
      [connection('a', { scopes: forRecall.slice(1) })],
      'wrong',
      new RegExp(`user of a \\(a\\) did not grant ${forRecall[0]} \\(classic:`),
    ],
    [
      'those for bots are only noted',
      [connection('a', { scopes: forRecall })],
      'sound',
      /for bots' tokens 1 lack user:read:zak/,
    ],
    ['Recall keeps the tokens', [connection('a')], 'unknown', /Recall keeps the tokens and does not say/],
    [
      'of some it cannot be told',
      [connection('a', { scopes: all }), connection('b')],
      'sound',
      /of 1 more it cannot be told/,
    ],
    ['nobody has connected', [], 'unknown', /nobody has connected/],
  ])('scopes: %s', (_rule, connections, mark, text) => {
    expect(judgeScopes('user_level', connections)).toMatchObject({ mark, text: expect.stringMatching(text) });
  });
});

describe('answering once', () => {
  function count() {
    let asked = 0;
    let now = 0;
    const gates: PromiseWithResolvers<number>[] = [];
    const ask = (): Promise<number> => {
      asked += 1;
      const gate = Promise.withResolvers<number>();
      gates.push(gate);
      return gate.promise;
    };
    return {
      ask: answerOnce(ask, 10_000, () => now),
      asked: () => asked,
      gates,
      pass: (ms: number) => {
        now += ms;
      },
    };
  }

  test('whoever comes meanwhile, and for ten seconds after, gets the same answer', async () => {
    const { ask, asked, gates, pass } = count();
    const both = [ask(), ask()];
    pass(60_000); // it takes as long as it takes
    both.push(ask());
    gates[0]?.resolve(1);
    expect(await Promise.all(both)).toEqual([1, 1, 1]);
    pass(9999);
    expect(await ask()).toBe(1);
    expect(asked()).toBe(1);
    pass(1);
    const next = ask();
    gates[1]?.resolve(2);
    expect(await next).toBe(2);
  });

  test('a failure is told to those who waited for it, and not kept', async () => {
    const { ask, asked, gates } = count();
    const failing = ask();
    gates[0]?.reject(new Error('away'));
    await expect(failing).rejects.toThrow('away');
    void ask();
    expect(asked()).toBe(2);
  });
});
