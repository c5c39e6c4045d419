import { inspectRoutes } from 'hono/dev';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRedisDatabase, type TestStore } from './support/engines.ts';
import { startTestRelay, type TestRelay } from './support/test-relay.ts';

/** What strangers may see of the private port. */
const open = ['/healthz', '/readyz', '/metrics', '/login', '/assets/:name'];
const readToken = 'a-token-that-may-only-read';

let store: TestStore;
let relay: TestRelay;
let routes: readonly { readonly method: string; readonly path: string }[];

beforeAll(async () => {
  store = await createRedisDatabase();
  const file = new URL('fixtures/operator-tokens.json', import.meta.url).pathname;
  relay = await startTestRelay(store.url, { env: { OPERATOR_TOKENS: file, READ_TOKEN: readToken } });
  routes = inspectRoutes(relay.relay.privateApp)
    .filter(({ isMiddleware }) => !isMiddleware)
    .map(({ method, path }) => ({ method, path }));
});
afterAll(async () => {
  await relay.stop();
  await store.remove();
});

const concrete = (path: string): string =>
  path
    .replace(':app', 'default')
    .replace(':consumer', 'recall')
    .replace(':action', 'pause')
    .replace(':name', 'dashboard.css')
    .replace(/:id(\{[^}]*\})?/, '0'.repeat(32))
    .replace(/:[a-zA-Z]+(\{[^}]*\})?/g, '0'.repeat(32));

async function statusOf(method: string, path: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const stop = new AbortController();
  const answer = await fetch(new URL(concrete(path), relay.relay.privateUrl), {
    method,
    headers,
    redirect: 'manual',
    signal: stop.signal,
  });
  stop.abort(); // a stream would go on
  return answer.status;
}

const closed = () => routes.filter(({ path }) => !open.includes(path));
const changing = () => closed().filter(({ method }) => method !== 'GET' && method !== 'ALL');

test('there are routes to go through, and those that change something are among them', () => {
  expect(closed().length).toBeGreaterThan(30);
  expect(changing().length).toBeGreaterThan(10);
});

describe('whoever asks', () => {
  test.each<[string, Readonly<Record<string, string>>]>([
    ['without anything', {}],
    ['with a wrong token', { authorization: 'Bearer operator-token-for-tesst' }],
    ['with an empty token', { authorization: 'Bearer ' }],
    ['with a forged session', { cookie: `zoom_relay_session=${'A'.repeat(43)}` }],
    [
      'with a forged session, from another site',
      {
        cookie: `zoom_relay_session=${'A'.repeat(43)}`,
        origin: 'https://evil.example',
        'sec-fetch-site': 'cross-site',
      },
    ],
  ])('%s is refused at every route that is not open', async (_how, headers) => {
    for (const { method, path } of closed()) {
      const verb = method === 'ALL' ? 'GET' : method;
      expect([401, 403], `${verb} ${path}`).toContain(await statusOf(verb, path, headers));
    }
  });

  test('with a token that may only read changes nothing anywhere', async () => {
    // Looking at a body is a form, because it is audited; it is a look all the same.
    const headers = { authorization: `Bearer ${readToken}` };
    for (const { method, path } of changing().filter(
      ({ path: where }) => where !== '/logout' && !where.endsWith('/body'),
    )) {
      expect(await statusOf(method, path, headers), `${method} ${path}`).toBe(403);
    }
  });

  test('with a session needs to come from a page of this relay to change something', async () => {
    const form = new URLSearchParams({ token: 'operator-token-for-tests', next: '/' });
    const login = await fetch(new URL('/login', relay.relay.privateUrl), {
      method: 'POST',
      body: form,
      redirect: 'manual',
    });
    expect(login.status).toBe(303);
    const cookie = (login.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    expect(await statusOf('GET', '/api/store', { cookie })).toBe(200);
    for (const { method, path } of changing()) {
      for (const from of [{}, { 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]) {
        expect(await statusOf(method, path, { cookie, ...from }), `${method} ${path}`).toBe(403);
      }
    }
    expect(await statusOf('GET', '/api/store', { cookie })).toBe(200); // and is logged in still
  });
});

test('the public listener has none of them', async () => {
  const server = relay.endpoint;
  for (const { method, path } of closed()) {
    const verb = method === 'ALL' ? 'GET' : method;
    const url = new URL(concrete(path), server);
    const { status } = await fetch(url, {
      method: verb,
      headers: { authorization: 'Bearer operator-token-for-tests' },
    });
    expect(status, `${verb} ${path}`).toBe(404);
  }
});
