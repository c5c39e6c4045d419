import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { Hono } from 'hono';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { listen } from '../src/listener.ts';
import { createLog } from '../src/log.ts';
import { createAccessRoutes } from '../src/operator/access/access-routes.ts';
import { authenticate } from '../src/operator/access/authenticate.ts';
import { createAccess } from '../src/operator/access/create-access.ts';
import type { AccessEnv, AccessToken } from '../src/operator/access/identity.ts';
import { isSameOrigin } from '../src/operator/access/is-same-origin.ts';
import { localPathOf } from '../src/operator/access/local-path.ts';
import { LoginLimiter } from '../src/operator/access/login-limiter.ts';
import { requireKnownHost } from '../src/operator/access/require-known-host.ts';
import { requireRole } from '../src/operator/access/require-role.ts';
import { createTokenFinder } from '../src/operator/access/token-finder.ts';
import { createAuditLog } from '../src/operator/audit-log.ts';
import { Secret } from '../src/secret.ts';
import { openStore } from '../src/store/open-store.ts';
import type { Store } from '../src/store/store.ts';
import { engines, type TestStore } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { freePort } from './support/free-port.ts';
import { stopAfterEach } from './support/keep.ts';
import { startRedis } from './support/redis-server.ts';
import { startTestRelay } from './support/test-relay.ts';

const hourMs = 3_600_000;
const alice: AccessToken = { name: 'alice', role: 'operate', token: new Secret('token-of-alice-for-tests') };
const bob: AccessToken = { name: 'bob', role: 'operate', token: new Secret('token-of-bob-for-tests') };
const grafana: AccessToken = { name: 'grafana', role: 'read', token: new Secret('token-of-grafana-for-tests') };
const everybody = [alice, grafana, bob];

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

type Ask = (
  method: string,
  path: string,
  headers?: Readonly<Record<string, string>>,
  form?: Readonly<Record<string, string>> | string,
) => Promise<Answer>;

/** Sends exactly these headers, as a browser or an attacker would; follows nothing. */
function asking(base: URL): Ask {
  return async (method, path, headers = {}, form) => {
    const body = typeof form === 'object' ? new URLSearchParams(form).toString() : form;
    const type = body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
    const { hostname, port } = base;
    const sent = request({ hostname, port, path, method, agent: false, headers: { ...type, ...headers } });
    sent.end(body);
    const [answer]: IncomingMessage[] = await once(sent, 'response');
    if (answer === undefined) throw new Error('no answer');
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: await text(answer) };
  };
}

function codeOf({ body }: Answer): string {
  return JSON.parse(body).error.code;
}

/** `name=value` of the cookie that was set. */
function cookieOf({ headers }: Answer): string {
  return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

function bearer({ token }: AccessToken): { authorization: string } {
  return { authorization: `Bearer ${token.reveal()}` };
}

function create(url: string): Store {
  const setup = { url, queues: [], apps: [], workers: 0, log: createLog('silent'), allowEviction: false };
  return openStore({ ...setup, nowMs: () => performance.now(), onFatal: () => {} });
}

const keep = stopAfterEach();
const clock = { aheadMs: 0 };
const nowMs = (): number => Date.now() + clock.aheadMs;
beforeEach(() => {
  clock.aheadMs = 0;
});

/** The routes of access over a store, and some that it guards; the clock can be put forward. */
async function serve(store: Store, tokens: readonly AccessToken[] = everybody, space: string = randomUUID()) {
  const logged: string[] = [];
  const log = createLog('debug', { write: (line) => void logged.push(line) });
  const audit = createAuditLog(store.records(`audit-${space}`), 365 * 24 * hourMs, nowMs, randomUUID);
  const records = store.records(`sessions-${space}`);
  const access = createAccess({ tokens, records, audit, log, nowMs, randomBytes });
  const app = new Hono<AccessEnv>();
  app.route('/', createAccessRoutes(access));
  app.use('/api/*', authenticate(access));
  app.use('/pages/*', authenticate(access));
  app.get('/api/who', (c) => c.json({ ...c.get('identity'), csrf: c.get('csrfToken') }));
  app.get('/api/look', requireRole('read'), (c) => c.text('seen'));
  app.get('/pages/one', (c) => c.text(c.get('identity').name));
  app.on(['POST', 'PUT', 'PATCH', 'DELETE'], '/api/act', requireRole('operate'), (c) => c.text('done'));
  const names = { host: 'HOST', port: 'PORT' };
  const listener = await keep(
    listen(new Hono().route('/', app), { host: '127.0.0.1', port: 0 }, names).then((each) => ({
      url: each.url,
      stop: () => each.close(),
    })),
  );
  const ask = asking(listener.url);
  return {
    ask,
    audit,
    records,
    logged,
    space,
    /** Logs in; gives the headers of the session's requests. */
    async logIn({ token }: AccessToken): Promise<{ cookie: string }> {
      const answer = await ask('POST', '/login', {}, { token: token.reveal() });
      expect(answer.status).toBe(303);
      return { cookie: cookieOf(answer) };
    },
    async csrfOf(session: { cookie: string }): Promise<string> {
      return JSON.parse((await ask('GET', '/api/who', session)).body).csrf;
    },
  };
}

describe.each([engines[1], engines[0]])('on $engine', ({ createStore }) => {
  let place: TestStore;
  let store: Store;
  beforeAll(async () => {
    place = await createStore();
    store = create(place.url);
    store.open();
    await eventually('open', () => store.status().ready);
  });
  afterAll(async () => {
    await store.close();
    await place.remove();
  });

  describe('a bearer token', () => {
    test('is who it is named for, whichever it is', async () => {
      const { ask } = await serve(store);
      for (const token of everybody) {
        const { name, role } = token;
        const answer = await ask('GET', '/api/who', bearer(token));
        expect(JSON.parse(answer.body)).toEqual({ name, role, via: 'token', csrf: '' });
      }
    });

    test('that is missing, wrong or almost right is refused', async () => {
      const { ask } = await serve(store);
      const right = alice.token.reveal();
      const wrong = [undefined, '', 'Bearer', 'Bearer ', `Bearer ${right}x`, `Bearer ${right.slice(1)}`, right];
      wrong.push(`Bearer ${right.toUpperCase()}`, `Basic ${right}`, `Bearer ${right} ${right}`, `Bearer x ${right}`);
      for (const authorization of wrong) {
        const answer = await ask('GET', '/api/who', authorization === undefined ? {} : { authorization });
        expect([authorization, answer.status, codeOf(answer)]).toEqual([authorization, 401, 'token_invalid']);
        expect(answer.headers['www-authenticate']).toBe('Bearer');
      }
    });

    test('needs no CSRF token, and may come from anywhere', async () => {
      const { ask } = await serve(store);
      const headers = { ...bearer(alice), origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        expect((await ask(method, '/api/act', headers)).status).toBe(200);
      }
    });

    test('decides where a cookie comes with it', async () => {
      const { ask, logIn } = await serve(store);
      const session = await logIn(alice);
      const asGrafana = await ask('GET', '/api/who', { ...session, ...bearer(grafana) });
      expect(JSON.parse(asGrafana.body)).toMatchObject({ name: 'grafana', via: 'token' });
      expect((await ask('GET', '/api/who', { ...session, authorization: 'Bearer wrong' })).status).toBe(401);
    });

    test('another scheme, as of a proxy, leaves it to the cookie', async () => {
      const { ask, logIn } = await serve(store);
      const answer = await ask('GET', '/api/who', { ...(await logIn(alice)), authorization: 'Basic eDp5' });
      expect(JSON.parse(answer.body)).toMatchObject({ name: 'alice', via: 'session' });
    });
  });

  describe('a role', () => {
    test('read is refused what changes something, by token and by session', async () => {
      const { ask, logIn, csrfOf } = await serve(store);
      const session = await logIn(grafana);
      const own = { ...session, 'x-csrf-token': await csrfOf(session) };
      for (const headers of [bearer(grafana), own]) {
        const answer = await ask('POST', '/api/act', headers);
        expect([answer.status, codeOf(answer)]).toEqual([403, 'role_insufficient']);
        expect((await ask('GET', '/api/look', headers)).status).toBe(200);
      }
    });

    test('operate may do what read may', async () => {
      const { ask } = await serve(store);
      expect((await ask('GET', '/api/look', bearer(alice))).status).toBe(200);
    });
  });

  describe('a session', () => {
    test('is started by a token, says who it is, and ends by logging out', async () => {
      const { ask, logIn, csrfOf, audit } = await serve(store);
      const session = await logIn(alice);
      const who = JSON.parse((await ask('GET', '/api/who', session)).body);
      expect(who).toMatchObject({ name: 'alice', role: 'operate', via: 'session' });
      const answer = await ask('POST', '/logout', session, { csrf: await csrfOf(session) });
      expect([answer.status, answer.headers.location]).toEqual([303, '/login']);
      expect(answer.headers['set-cookie']).toEqual([expect.stringMatching(/^zoom_relay_session=; Max-Age=0; Path=\//)]);
      expect((await ask('GET', '/api/who', session)).status).toBe(401);
      const { entries } = await audit.list({ limit: 10, target: 'address:127.0.0.1' });
      expect(entries.map(({ who: by, action }) => [by, action])).toEqual([
        ['alice', 'logout'],
        ['alice', 'login'],
      ]);
    });

    test('its cookie is out of reach of scripts and other sites, and goes over TLS only when it came so', async () => {
      const { ask } = await serve(store);
      const token = alice.token.reveal();
      const attributes = async (headers: Record<string, string>): Promise<string[]> => {
        const answer = await ask('POST', '/login', headers, { token });
        const [, ...rest] = answer.headers['set-cookie']?.[0]?.split('; ') ?? [];
        return rest.toSorted();
      };
      const plain = ['HttpOnly', 'Path=/', 'SameSite=Strict'];
      expect(await attributes({})).toEqual(plain);
      expect(await attributes({ 'x-forwarded-proto': 'https' })).toEqual(plain);
      const proxied = { host: 'relay.example.com', origin: 'https://relay.example.com' };
      expect(await attributes(proxied)).toEqual([...plain, 'Secure'].toSorted());
    });

    test('has a new id for each log-in, and the one before is ended', async () => {
      const { ask, logIn } = await serve(store);
      const first = await logIn(alice);
      const again = await ask('POST', '/login', first, { token: alice.token.reveal() });
      expect(cookieOf(again)).not.toBe(first.cookie);
      expect((await ask('GET', '/api/who', first)).status).toBe(401);
      const planted = { cookie: `zoom_relay_session=${randomBytes(32).toString('base64url')}` };
      const after = await ask('POST', '/login', planted, { token: alice.token.reveal() });
      expect(cookieOf(after)).not.toBe(planted.cookie);
    });

    test('that nobody started or that was tampered with is none', async () => {
      const { ask, logIn, records } = await serve(store);
      const { cookie } = await logIn(alice);
      const id = cookie.split('=')[1] ?? '';
      const [kept] = await records.list({ limit: 1 });
      const flipped = `${id.slice(0, 10)}${id[10] === 'A' ? 'B' : 'A'}${id.slice(11)}`;
      const ids = [randomBytes(32).toString('base64url'), flipped, `${id}x`, id.slice(1), '', 'x', '%00', '../x'];
      for (const forged of [...ids, kept?.key ?? '', alice.token.reveal(), '{"name":"alice"}']) {
        const answer = await ask('GET', '/api/who', { cookie: `zoom_relay_session=${forged}` });
        expect([forged, answer.status]).toEqual([forged, 401]);
      }
    });

    test("cannot be made of another's: CSRF tokens are not interchangeable", async () => {
      const { ask, logIn, csrfOf } = await serve(store);
      const [own, others] = [await logIn(alice), await logIn(bob)];
      const answer = await ask('POST', '/api/act', { ...own, 'x-csrf-token': await csrfOf(others) });
      expect([answer.status, codeOf(answer)]).toEqual([403, 'csrf_refused']);
    });

    test('cannot be used by who reads the store: neither id nor token is kept in it', async () => {
      const { logIn, records, audit } = await serve(store);
      const { cookie } = await logIn(alice);
      const kept = JSON.stringify([await records.list({ limit: 10 }), await audit.list({ limit: 10 })]);
      expect(kept).toContain('alice');
      expect(kept).not.toContain(cookie.split('=')[1]);
      expect(kept).not.toContain(alice.token.reveal());
      for (const encoding of ['hex', 'base64url'] as const) {
        expect(kept).not.toContain(createHash('sha256').update(alice.token.reveal()).digest(encoding));
      }
    });

    test('ends after 12 hours without use, and use puts that off', async () => {
      const { ask, logIn } = await serve(store);
      const session = await logIn(alice);
      const statusAfter = async (aheadMs: number): Promise<number> => {
        clock.aheadMs = aheadMs;
        return (await ask('GET', '/api/who', session)).status;
      };
      expect(await statusAfter(11.9 * hourMs)).toBe(200);
      expect(await statusAfter(23.5 * hourMs)).toBe(200);
      expect(await statusAfter(35.6 * hourMs)).toBe(401);
    });

    test('ends after 7 days however much it is used', async () => {
      const { ask, logIn } = await serve(store);
      const session = await logIn(alice);
      for (let hours = 0; hours < 7 * 24; hours += 11) {
        clock.aheadMs = hours * hourMs;
        expect([hours, (await ask('GET', '/api/who', session)).status]).toEqual([hours, 200]);
      }
      clock.aheadMs = 7 * 24 * hourMs + 1000;
      expect((await ask('GET', '/api/who', session)).status).toBe(401);
    });

    test('is not written anew by each request', async () => {
      const { ask, logIn, records } = await serve(store);
      const session = await logIn(alice);
      const before = await records.list({ limit: 10 });
      clock.aheadMs = 4 * 60_000;
      await ask('GET', '/api/who', session);
      expect(await records.list({ limit: 10 })).toEqual(before);
    });

    test('ends with its token: when it is gone, another one, or of another role', async () => {
      const { logIn, space } = await serve(store);
      const session = await logIn(alice);
      const statusWith = async (tokens: readonly AccessToken[]): Promise<number> => {
        return (await (await serve(store, tokens, space)).ask('GET', '/api/who', session)).status;
      };
      expect(await statusWith([alice])).toBe(200);
      expect(await statusWith([bob, grafana])).toBe(401);
      expect(await statusWith([{ ...alice, token: new Secret('another-token-of-alice') }])).toBe(401);
      expect(await statusWith([{ ...alice, role: 'read' }])).toBe(401);
      expect(await statusWith([{ ...alice, name: 'alicia' }])).toBe(401);
    });
  });

  describe('what a session changes', () => {
    test('needs its CSRF token, in the header or in the form', async () => {
      const { ask, logIn, csrfOf } = await serve(store);
      const session = await logIn(alice);
      const csrf = await csrfOf(session);
      expect((await ask('POST', '/api/act', { ...session, 'x-csrf-token': csrf })).status).toBe(200);
      expect((await ask('POST', '/api/act', session, { csrf })).status).toBe(200);
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        for (const wrong of [undefined, '', 'x', `${csrf}x`, csrf.slice(1), csrf.toLowerCase()]) {
          const headers = { ...session, ...(wrong !== undefined && { 'x-csrf-token': wrong }) };
          const answer = await ask(method, '/api/act', headers);
          expect([method, wrong, answer.status, codeOf(answer)]).toEqual([method, wrong, 403, 'csrf_refused']);
        }
      }
      expect((await ask('POST', '/api/act', session, { csrf: 'x' })).status).toBe(403);
      const json = { ...session, 'content-type': 'application/json' };
      expect((await ask('POST', '/api/act', json, JSON.stringify({ csrf }))).status).toBe(403);
      expect((await ask('POST', `/api/act?csrf=${csrf}`, session)).status).toBe(403);
    });

    test.each([
      ['same-origin', undefined, 200],
      ['same-origin', 'http://127.0.0.1:9090', 200],
      [undefined, 'http://127.0.0.1:9090', 200],
      [undefined, 'https://127.0.0.1:9090', 200],
      ['none', undefined, 403],
      ['same-site', undefined, 403],
      ['cross-site', undefined, 403],
      ['cross-site', 'http://127.0.0.1:9090', 403],
      ['', undefined, 403],
      [undefined, 'http://127.0.0.1:9091', 403],
      [undefined, 'http://127.0.0.1', 403],
      [undefined, 'http://localhost:9090', 403],
      ['same-origin', 'https://evil.example', 403],
      [undefined, 'http://127.0.0.1:9090.evil.example', 403],
      [undefined, 'http://127.0.0.1:9090@evil.example', 403],
      [undefined, 'null', 403],
      [undefined, '', 403],
    ])('from a page of Sec-Fetch-Site %s and Origin %s is answered %i', async (site, origin, status) => {
      const { ask, logIn, csrfOf } = await serve(store);
      const session = await logIn(alice);
      const headers = {
        ...session,
        host: '127.0.0.1:9090',
        'x-csrf-token': await csrfOf(session),
        ...(site !== undefined && { 'sec-fetch-site': site }),
        ...(origin !== undefined && { origin }),
      };
      expect((await ask('POST', '/api/act', headers)).status).toBe(status);
    });

    test('logging out is such a thing, and logging in must come from the form', async () => {
      const { ask, logIn } = await serve(store);
      const session = await logIn(alice);
      expect(codeOf(await ask('POST', '/logout', session))).toBe('csrf_refused');
      expect((await ask('GET', '/api/who', session)).status).toBe(200);
      const form = { token: alice.token.reveal() };
      for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
        const answer = await ask('POST', '/login', headers, form);
        expect([answer.status, codeOf(answer)]).toEqual([403, 'csrf_refused']);
        expect(answer.headers['set-cookie']).toBeUndefined();
      }
      expect((await ask('POST', '/login', { 'sec-fetch-site': 'none' }, form)).status).toBe(303);
    });
  });

  describe('a page', () => {
    const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

    test('leads who is not logged in to the form, and from there back', async () => {
      const { ask } = await serve(store);
      const answer = await ask('GET', '/pages/one?a=1&b=%2F', html);
      expect([answer.status, answer.headers.location]).toEqual([303, '/login?next=%2Fpages%2Fone%3Fa%3D1%26b%3D%252F']);
      const form = await ask('GET', answer.headers.location ?? '', html);
      expect(form.body).toContain('name="next" value="/pages/one?a=1&amp;b=%2F"');
      const done = await ask('POST', '/login', html, { token: alice.token.reveal(), next: '/pages/one?a=1&b=%2F' });
      expect([done.status, done.headers.location]).toEqual([303, '/pages/one?a=1&b=%2F']);
      const again = await ask('GET', '/login?next=/pages/one', { ...html, cookie: cookieOf(done) });
      expect([again.status, again.headers.location]).toEqual([303, '/pages/one']);
    });

    test('that changes something leads to the form without the way back; the API answers 401 to browsers too', async () => {
      const { ask } = await serve(store);
      const posted = await ask('POST', '/pages/one', html);
      expect([posted.status, posted.headers.location]).toEqual([303, '/login']);
      expect((await ask('GET', '/api/who', html)).status).toBe(401);
      expect((await ask('GET', '/pages/one')).status).toBe(401);
    });

    test('asked for in parts by htmx is led to the form as a whole', async () => {
      const { ask } = await serve(store);
      const htmx = { accept: 'text/html, */*', 'hx-request': 'true' };
      const current = { ...htmx, 'hx-current-url': 'http://127.0.0.1:9090/pages/one?a=1' };
      const answer = await ask('GET', '/pages/one/part', current);
      expect([answer.status, answer.headers['hx-redirect']]).toEqual([401, '/login?next=%2Fpages%2Fone%3Fa%3D1']);
      expect((await ask('GET', '/pages/one/part', htmx)).headers['hx-redirect']).toBe('/login');
    });

    test('the form loads nothing from elsewhere, runs nothing and is in no frame', async () => {
      const { ask } = await serve(store);
      const { headers, body } = await ask('GET', '/login');
      expect(headers).toMatchObject({
        'content-security-policy':
          "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        'cache-control': 'no-store',
        'referrer-policy': 'same-origin',
        'x-content-type-options': 'nosniff',
      });
      expect(body).not.toMatch(/<script|<style|\sstyle=|\son[a-z]+=/);
    });

    test('what is given to the form does not become part of the page', async () => {
      const { ask } = await serve(store);
      const nasty = '/"><script>alert(1)</script>';
      const asked = await ask('GET', `/login?next=${encodeURIComponent(nasty)}`);
      const refused = await ask('POST', '/login', html, { token: nasty, next: nasty });
      expect(refused.status).toBe(401);
      for (const { body } of [asked, refused]) expect(body).not.toContain('<script');
      expect(refused.body).toContain('role="alert"');
    });

    test.each(['//evil.example', 'https://evil.example', '/\\evil.example', 'javascript:alert(1)'])(
      'logging in never leads to %s',
      async (next) => {
        const { ask } = await serve(store);
        const answer = await ask('POST', '/login', {}, { token: alice.token.reveal(), next });
        expect(answer.headers.location).toBe('/');
      },
    );
  });

  describe('failing to log in', () => {
    test('is refused after ten times, whatever is tried then, until it was long ago; bearer tokens work on', async () => {
      const { ask, audit, logged } = await serve(store);
      const attempt = (token: string) => ask('POST', '/login', {}, { token });
      const tried = await Promise.all(Array.from({ length: 15 }, () => attempt('a-wrong-token-of-somebody')));
      const statuses = tried.map(({ status }) => status).toSorted();
      expect(statuses).toEqual([...Array(10).fill(401), ...Array(5).fill(429)]);
      const limited = await attempt(alice.token.reveal());
      expect([limited.status, codeOf(limited)]).toEqual([429, 'login_limited']);
      const retryAfterSec = Number(limited.headers['retry-after']);
      expect(retryAfterSec).toBeGreaterThan(590);
      expect(retryAfterSec).toBeLessThanOrEqual(600);
      expect((await ask('GET', '/api/who', bearer(alice))).status).toBe(200);
      const { entries } = await audit.list({ limit: 100 });
      expect(entries.map(({ who, action, target }) => `${who} ${action} ${target}`)).toEqual(
        Array(10).fill('(nobody) login_failed address:127.0.0.1'),
      );
      expect(logged.filter((line) => line.includes('"operator_login_failed"'))).toHaveLength(10);
      clock.aheadMs = retryAfterSec * 1000;
      expect((await attempt(alice.token.reveal())).status).toBe(303);
    });

    test('takes a form only, and a small one', async () => {
      const { ask } = await serve(store);
      const token = alice.token.reveal();
      const json = await ask('POST', '/login', { 'content-type': 'application/json' }, JSON.stringify({ token }));
      expect(json.status).toBe(401);
      expect((await ask('POST', '/login', {})).status).toBe(401);
      expect((await ask('POST', '/login', {}, `token=${token}&token=${token}x`)).status).toBe(401);
      const large = await ask('POST', '/login', {}, { token: 'x'.repeat(10_000) });
      expect([large.status, codeOf(large)]).toEqual([413, 'body_too_large']);
      const chunked = { 'transfer-encoding': 'chunked' };
      expect((await ask('POST', '/login', chunked, { token: 'x'.repeat(10_000) })).status).toBe(413);
      expect((await ask('POST', '/login', chunked, { token })).status).toBe(303);
    });
  });

  test('nothing secret is in logs or audit entries, whatever happens', async () => {
    const { ask, logIn, csrfOf, audit, logged } = await serve(store);
    const session = await logIn(alice);
    const csrf = await csrfOf(session);
    await ask('POST', '/login', {}, { token: 'a-wrong-token-of-somebody' });
    await ask('GET', '/api/who', { authorization: 'Bearer a-wrong-token-of-somebody' });
    await ask('POST', '/api/act', { ...session, 'x-csrf-token': 'wrong' });
    await ask('POST', '/logout', session, { csrf });
    const told = `${logged.join('\n')}${JSON.stringify(await audit.list({ limit: 100 }))}`;
    expect(told.match(/operator_log\w+|"log\w+"/g)).toHaveLength(6);
    for (const secret of ['a-wrong-token', alice.token.reveal(), csrf, session.cookie.split('=')[1] ?? '']) {
      expect(secret.length).toBeGreaterThan(10);
      expect(told).not.toContain(secret);
    }
  });

  describe('the audit log', () => {
    const open = (startMs = Date.now(), retainMs = hourMs) => {
      let atMs = startMs;
      const records = store.records(`audit-${randomUUID()}`);
      const tick = (): number => {
        atMs += 1;
        return atMs;
      };
      return { records, audit: createAuditLog(records, retainMs, tick, randomUUID) };
    };

    test('tells the newest first, and all that was noted', async () => {
      const { audit } = open(Date.parse('2040-01-02T03:04:05.677Z'));
      const detail = { resign: true, count: 3 };
      await audit.note({
        who: 'alice',
        action: 'consumer_paused',
        target: 'consumer:acme/crm',
        reason: 'läuft\0 über',
      });
      await audit.note({ who: 'bob', action: 'replay_started', target: 'replay:1', reason: '', detail });
      expect((await audit.list({ limit: 10 })).entries).toEqual([
        {
          id: expect.stringMatching(/^2040-01-02T03:04:05\.679Z~/),
          at: '2040-01-02T03:04:05.679Z',
          who: 'bob',
          action: 'replay_started',
          target: 'replay:1',
          detail,
        },
        expect.objectContaining({ who: 'alice', target: 'consumer:acme/crm', reason: 'läuft\0 über' }),
      ]);
    });

    test('is paged through without gap or repetition while entries are added', async () => {
      const { audit } = open();
      const note = (target: string) => audit.note({ who: 'alice', action: 'body_viewed', target });
      for (let index = 0; index < 25; index += 1) await note(`old:${index}`);
      const seen: string[] = [];
      let before: string | undefined;
      do {
        const page = await audit.list({ limit: 10, before });
        seen.push(...page.entries.map(({ target }) => target));
        before = page.cursor;
        await note('new');
      } while (before !== undefined);
      expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => `old:${24 - index}`));
    });

    test('tells the history of one target', async () => {
      const { audit } = open();
      for (const target of ['consumer:a/crm', 'consumer:a/crm2', 'consumer:a/crm']) {
        await audit.note({ who: 'alice', action: 'consumer_paused', target });
      }
      const { entries, cursor } = await audit.list({ limit: 10, target: 'consumer:a/crm' });
      expect(entries.map(({ target }) => target)).toEqual(['consumer:a/crm', 'consumer:a/crm']);
      expect(cursor).toBeUndefined();
    });

    test('forgets an entry when its time is over', async () => {
      const { audit } = open(Date.now() - 2 * hourMs, hourMs);
      await audit.note({ who: 'alice', action: 'login', target: 'x' });
      expect((await audit.list({ limit: 10 })).entries).toEqual([]);
    });

    test('leaves out what it cannot read, and goes on after it', async () => {
      const { audit, records } = open(Date.parse('2040-01-01T00:00:00Z'));
      await audit.note({ who: 'alice', action: 'login', target: 'first' });
      await records.swap(`2040-01-02T00:00:00.000Z~x`, undefined, { value: 'no JSON' });
      await records.swap(`2040-01-03T00:00:00.000Z~x`, undefined, { value: '{"v":9}' });
      const page = await audit.list({ limit: 2 });
      expect(page.entries).toEqual([]);
      const next = await audit.list({ limit: 2, before: page.cursor });
      expect(next.entries.map(({ target }) => target)).toEqual(['first']);
    });

    test.each(['', 'x', '2040-01-01T00:00:00.000Z', `2040-01-01T00:00:00.000Z~${'x'.repeat(101)}`])(
      'refuses the cursor %j',
      async (before) => {
        await expect(open().audit.list({ limit: 1, before })).rejects.toMatchObject({ code: 'cursor_invalid' });
      },
    );
  });
});

describe('while the store is away', () => {
  test('bearer tokens work, sessions are told so, the form is shown, and failures are refused all the same', async () => {
    const store = create(`redis://127.0.0.1:${await freePort()}`);
    store.open();
    await keep({ stop: () => store.close() });
    const { ask, logged } = await serve(store);
    const cookie = `zoom_relay_session=${randomBytes(32).toString('base64url')}`;
    expect((await ask('POST', '/api/act', bearer(alice))).status).toBe(200);
    expect(codeOf(await ask('GET', '/api/who', { cookie }))).toBe('store_unavailable');
    expect((await ask('GET', '/login', { cookie })).status).toBe(200);
    expect((await ask('POST', '/login', {}, { token: 'wrong' })).status).toBe(401);
    expect(logged.join('\n')).toContain('audit_failed');
    const answer = await ask('POST', '/login', {}, { token: alice.token.reveal() });
    expect([answer.status, answer.headers['set-cookie']]).toEqual([503, undefined]);
  });
});

test('a store that takes no writes can be read, and sessions go on', async () => {
  const server = await keep(startRedis());
  const store = create(server.url);
  store.open();
  await keep({ stop: () => store.close() });
  await eventually('open', () => store.status().ready);
  const { ask, logIn } = await serve(store);
  const session = await logIn(alice);
  await server.command('REPLICAOF', '127.0.0.1', '1');
  clock.aheadMs = hourMs;
  expect((await ask('GET', '/api/who', session)).status).toBe(200);
  expect((await ask('POST', '/login', {}, { token: alice.token.reveal() })).status).toBe(503);
});

describe('a relay', () => {
  const host = 'ops.example.com';
  let place: TestStore;
  beforeAll(async () => {
    place = await engines[1].createStore();
  });
  afterAll(() => place.remove());

  test('asks for a role, keeps sessions and sets the limits of its private listener', async () => {
    const relay = await keep(startTestRelay(place.url, { env: { OPERATOR_PUBLIC_HOST: host } }));
    const ask = asking(relay.relay.privateUrl);
    const pause = '/api/consumers/default/recall/pause';
    expect((await ask('POST', pause)).status).toBe(401);
    const own = { authorization: 'Bearer operator-token-for-tests' };
    expect((await ask('POST', pause, own)).status).toBe(204);
    const cookie = cookieOf(await ask('POST', '/login', {}, { token: 'operator-token-for-tests' }));
    expect((await ask('GET', '/api/consumers', { cookie })).status).toBe(200);
    expect(codeOf(await ask('POST', pause, { cookie }))).toBe('csrf_refused');
    expect(JSON.stringify(relay.logged)).toContain('operator_login');
    expect(JSON.stringify(relay.logged)).not.toContain('operator-token-for-tests');
    for (const path of ['/api/consumers', '/login', '/nowhere']) {
      const answer = await ask('GET', path, { ...own, host: 'evil.example' });
      expect([path, answer.status, codeOf(answer)]).toEqual([path, 421, 'host_refused']);
      expect((await ask('GET', path, { ...own, host })).status).not.toBe(421);
    }
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      expect((await ask('GET', path, { host: 'evil.example' })).status).toBe(200);
    }
  });
});

describe('the host asked for', () => {
  const app = new Hono().use(requireKnownHost(['ops.example.com'])).all('*', (c) => c.text('known'));
  test.each([
    ...['127.0.0.1', '127.0.0.1:9090', '203.0.113.9:1', '[::1]', '[::1]:9090', '[2001:db8::1]', '[::ffff:1.2.3.4]:1'],
    ...['localhost', 'localhost:9090', 'LOCALHOST', 'ops.example.com', 'Ops.Example.com:443'],
  ])('%s is known', async (host) => {
    expect((await app.request('/', { headers: { host } })).status).toBe(200);
  });

  test.each([
    ...['evil.example', 'evil.example:9090', 'localhost.evil.example', 'ops.example.com.evil.example', 'x.localhost'],
    ...['sub.ops.example.com', '127.0.0.1.evil.example', '127.1', '0x7f000001', '2130706433', '::1', '[1.2.3.4]'],
    ...['localhost:', 'localhost:x', 'evil.example#localhost', 'localhost@evil.example', 'localhost, evil.example'],
    ...['', ' ', '[]', '[::1', '[::1]evil.example', 'localhost.'],
  ])('%j is refused', async (host) => {
    expect((await app.request('/', { headers: { host } })).status).toBe(421);
  });

  test('none is refused', async () => {
    expect((await app.request('/')).status).toBe(421);
  });
});

describe('where to go after logging in', () => {
  test.each([
    '/',
    '/deliveries',
    '/deliveries?state=dead&q=a%2Fb#x',
    '/a/b/../c',
    '/@x',
    '/loginx',
    '/a:b',
    '/%2F%2Fx',
  ])('%s is taken', (path) => {
    expect(localPathOf(path)).toBe(path);
  });

  test.each([
    ...[
      '//evil.example',
      '///evil.example',
      '/\\evil.example',
      '\\\\evil.example',
      '/x/\\evil.example',
      '/x//evil.example',
    ],
    ...['https://evil.example', 'http:evil.example', 'evil.example', '@evil.example', '.evil.example', '?x', '#x'],
    ...['javascript:alert(1)', 'data:text/html,x', ' //evil.example', '/\t/evil.example', '/\n/evil.example'],
    ...['/\r\nset-cookie: a=b', '/\0', '/ x', '/\u007f', '/\u0085', '/é', '/\u2028', ''],
    ...['/login', '/login?next=/login', '/logout', '/login#x', '/login/', `/${'x'.repeat(2000)}`],
  ])('%j is not: it leads to /', (path) => {
    expect(localPathOf(path)).toBe('/');
  });

  test('and what is taken stays on this server, as a browser reads it', () => {
    const parts = ['/', '\\', '.', 'evil.example', ':', '@', '\t', '\n', '?', '#', 'http:', '%2f', '\u3002', '\uff0f'];
    const base = 'http://relay.invalid';
    for (const a of parts) {
      for (const b of parts) {
        for (const c of parts) {
          for (const d of parts) expect(new URL(localPathOf(`/${a}${b}${c}${d}`), base).origin).toBe(base);
        }
      }
    }
  });
});

describe('the limit of log-ins', () => {
  const failing = (limiter: LoginLimiter, address: string, times: number, atMs = 0): void => {
    for (let index = 0; index < times; index += 1) limiter.fail(address, atMs);
  };

  test('is 10 failures of one address in 10 minutes, and others do not feel it', () => {
    const limiter = new LoginLimiter();
    failing(limiter, '203.0.113.1', 9);
    expect(limiter.waitSec('203.0.113.1', 0)).toBeUndefined();
    limiter.fail('203.0.113.1', 60_000);
    expect(limiter.waitSec('203.0.113.1', 60_000)).toBe(540);
    expect(limiter.waitSec('203.0.113.1', 599_999)).toBe(1);
    expect(limiter.waitSec('203.0.113.2', 60_000)).toBeUndefined();
    expect(limiter.waitSec('203.0.113.1', 600_000)).toBeUndefined();
  });

  test('counts IPv6 by the network, and IPv4 as IPv6 as IPv4', () => {
    const limiter = new LoginLimiter();
    for (let index = 0; index < 10; index += 1) limiter.fail(`2001:db8:0:1::${index}`, 0);
    expect(limiter.waitSec('2001:db8:0:1:ffff::1', 0)).toBe(600);
    expect(limiter.waitSec('2001:db8:0:2::1', 0)).toBeUndefined();
    failing(limiter, '203.0.113.1', 5);
    failing(limiter, '::ffff:203.0.113.1', 5);
    expect(limiter.waitSec('203.0.113.1', 0)).toBe(600);
    expect(limiter.waitSec('::ffff:203.0.113.2', 0)).toBeUndefined();
  });

  test('is 100 failures of all addresses in a minute', () => {
    const limiter = new LoginLimiter();
    for (let index = 0; index < 99; index += 1) limiter.fail(`203.0.113.${index}`, index);
    expect(limiter.waitSec('198.51.100.1', 99)).toBeUndefined();
    limiter.fail('203.0.113.99', 99);
    expect(limiter.waitSec('198.51.100.1', 99)).toBe(60);
    expect(limiter.waitSec('198.51.100.1', 60_000)).toBeUndefined();
  });
});

test('every configured token is found, and nothing else', () => {
  const find = createTokenFinder(everybody);
  for (const entry of everybody) expect(find(entry.token.reveal())).toBe(entry);
  for (const text of ['', ' ', `${alice.token.reveal()} `, 'alice']) expect(find(text)).toBeUndefined();
  expect(createTokenFinder([])('')).toBeUndefined();
});

test.each([
  ['relay.example.com', 'https://relay.example.com', true],
  ['relay.example.com:443', 'https://relay.example.com', true],
  ['RELAY.example.com', 'http://relay.example.com', true],
  ['relay.example.com:443', 'http://relay.example.com', false],
  ['relay.example.com', 'ftp://relay.example.com', false],
  ['relay.example.com', 'https://relay.example.com/x', false],
])('for the host %s the origin %s is the same: %s', (host, origin, expected) => {
  const headers: Readonly<Record<string, string>> = { host, origin };
  expect(isSameOrigin((name) => headers[name], false)).toBe(expected);
});
