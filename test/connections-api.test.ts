import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { answering } from '../src/demo/misbehaviour.ts';
import { connectPerson, followLink } from './support/connect-person.ts';
import { ada, bob, type ConnectStage, startConnectStage } from './support/connect-stage.ts';
import { createRedisDatabase, engines, type TestStore } from './support/engines.ts';
import { ask, post } from './support/operator-client.ts';
import { startTestRelay, type TestRelay } from './support/test-relay.ts';

const day = 24 * 3_600_000;
const noSuch = '0'.repeat(24);
const link = z.object({ url: z.string(), expiresAt: z.string() });

describe.each(engines)('on $engine', ({ createStore }) => {
  let store: TestStore;
  let stage: ConnectStage;
  let relay: TestRelay;

  beforeAll(async () => {
    store = await createStore();
    stage = await startConnectStage({ storeUrl: store.url, mode: 'customer-managed' });
    relay = await startTestRelay(store.url, {
      env: { ...stage.env, CONNECT_RETURN_ORIGINS: 'https://app.example.com' },
    });
  });
  afterAll(async () => {
    await relay.stop();
    await stage.stop();
    await store.remove();
  });

  const list = async (query = '') => (await ask(relay, `/api/connections?${query}`)).json;
  const usersOf = (page: { connections: { user: string }[] }): string[] => page.connections.map(({ user }) => user);
  const end = (id: string, query = '') => ask(relay, `/api/connections/${id}${query}`, { method: 'DELETE' });
  const lastAudit = async () => (await ask(relay, '/api/audit?limit=1')).json.entries[0];

  test('a link leads through consent to a connection, which is then listed and shown without a secret', async () => {
    expect(await list()).toEqual({ connections: [], isPartial: false });
    const id = await connectPerson(stage, relay, 'ada', ada.id);
    const { json } = await ask(relay, `/api/connections/${id}`);
    expect(json).toEqual({
      ...{ id, app: 'default', user: 'ada', mode: 'customer-managed', state: 'healthy', needsPerson: false },
      ...{ zoomUserId: ada.id, zoomAccountId: ada.accountId, email: ada.email },
      credentialId: stage.recall.api.credentials()[0]?.id,
      scopes: expect.arrayContaining(['user:read:zak']),
      connectedAt: expect.any(String),
      refreshedAt: expect.any(String),
      checkedAt: expect.any(String),
    });
    expect((await list()).connections).toEqual([json]);
    await end(id);
  });

  test('lists are newest first, and a page goes on where the one before ended, whoever connects meanwhile', async () => {
    const first = await connectPerson(stage, relay, 'ada', ada.id);
    // Ids begin with the second in which they were made.
    await expect.poll(() => Math.floor(Date.now() / 1000)).toBeGreaterThan(Number.parseInt(first.slice(0, 8), 16));
    const second = await connectPerson(stage, relay, 'bob', bob.id);
    const page = await list('limit=1');
    expect([usersOf(page), page.cursor]).toEqual([['bob'], second]);
    const next = await list(`limit=1&before=${page.cursor}`);
    expect([usersOf(next), next.cursor]).toEqual([['ada'], undefined]);
    await end(first);
    await end(second);
  });

  test('the filters hold, and the state is looked for in all of them', async () => {
    const [gone, sound] = [
      await connectPerson(stage, relay, 'ada', ada.id),
      await connectPerson(stage, relay, 'bob', bob.id),
    ];
    const { clientId } = stage.app;
    const payload = { user_id: ada.id, account_id: ada.accountId, client_id: clientId, signature: 'x' };
    const removed = { ...payload, deauthorization_time: new Date(Date.now() + 5000).toISOString() };
    await relay.post(JSON.stringify({ event: 'app_deauthorized', payload: removed }));
    await expect.poll(async () => usersOf(await list('state=revoked'))).toEqual(['ada']);
    expect((await list('state=revoked')).connections[0]).toMatchObject({
      needsPerson: true,
      detail: expect.stringContaining('the app was removed at Zoom'),
    });
    expect(usersOf(await list('state=healthy&app=default'))).toEqual(['bob']);
    expect((await ask(relay, '/api/connections?app=acme')).json.error.code).toBe('app_unknown');
    for (const id of [gone, sound]) await end(id, '?force=true');
  });

  test('a link to connect again is for the app and the user of the connection, which keeps its id', async () => {
    const id = await connectPerson(stage, relay, 'ada', ada.id);
    const { json } = await post(relay, '/api/connections/links', { connection: id });
    expect(await lastAudit()).toMatchObject({ target: `connection:${id}`, detail: { app: 'default', user: 'ada' } });
    expect(await followLink(stage, relay, json.url, ada.id)).toBe(200);
    expect((await list()).connections.map((one: { id: string }) => one.id)).toEqual([id]);
    await end(id);
  });

  test('a link is good for a day unless told otherwise, is kept by no cache, and the audit has whom it is for, not the URL', async () => {
    const input = {
      app: 'default',
      user: 'Ada Lovelace',
      returnTo: 'https://app.example.com/done',
      reason: 'she asked',
    };
    const answer = await fetch(new URL('/api/connections/links', relay.relay.privateUrl), {
      method: 'POST',
      headers: { authorization: 'Bearer operator-token-for-tests', 'content-type': 'application/json' },
      body: JSON.stringify(input),
    });
    const { url, expiresAt } = link.parse(await answer.json());
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(url).toMatch(/^https:\/\/relay\.example\/connect\/zoom\/default\?token=/);
    expect(Math.abs(Date.parse(expiresAt) - Date.now() - day)).toBeLessThan(60_000);
    const noted = await lastAudit();
    expect(noted).toMatchObject({
      ...{ who: 'operator', action: 'connect_link_made', target: 'app:default', reason: 'she asked' },
      detail: { app: 'default', user: 'Ada Lovelace', expiresAt },
    });
    expect(JSON.stringify(noted)).not.toContain('token=');
    const { json } = await post(relay, '/api/connections/links', { ...input, expiresIn: '30d' });
    expect(Math.abs(Date.parse(json.expiresAt) - Date.now() - 30 * day)).toBeLessThan(60_000);
  });

  test.each<[string, object, string, RegExp]>([
    ['nobody', {}, 'input_invalid', /give app and user, or a connection/],
    ['an app without a user', { app: 'default' }, 'input_invalid', /give app and user/],
    [
      'a person and a connection',
      { app: 'default', user: 'ada', connection: noSuch },
      'input_invalid',
      /give app and user/,
    ],
    ['a user without a name', { app: 'default', user: ' ' }, 'input_invalid', /user: must be 1 to 200 characters/],
    ['a name that steers a terminal', { app: 'default', user: 'a\u001b[2J' }, 'input_invalid', /user/],
    ['a name too long', { app: 'default', user: 'x'.repeat(201) }, 'input_invalid', /user/],
    [
      '59 seconds',
      { app: 'default', user: 'ada', expiresIn: '59s' },
      'input_invalid',
      /expiresIn: must be how long, from 1m to 30d/,
    ],
    ['31 days', { app: 'default', user: 'ada', expiresIn: '31d' }, 'input_invalid', /expiresIn/],
    ['an app that is not there', { app: 'acme', user: 'ada' }, 'app_unknown', /to these they can: default/],
    [
      'a return to elsewhere',
      { app: 'default', user: 'ada', returnTo: 'https://evil.example/' },
      'return_refused',
      /CONNECT_RETURN_ORIGINS/,
    ],
    ['a connection that is not there', { connection: noSuch }, 'connection_unknown', /no such connection/],
  ])('no link for %s', async (_what, input, code, message) => {
    const { status, json } = await post(relay, '/api/connections/links', input);
    expect([status, json.error.code]).toEqual([/unknown$/.test(code) ? 404 : 400, code]);
    expect(json.error.message).toMatch(message);
  });

  test('a link that was refused is not noted as made', async () => {
    const input = { app: 'default', user: 'refused', returnTo: 'https://evil.example/' };
    expect((await post(relay, '/api/connections/links', input)).status).toBe(400);
    const { entries } = (await ask(relay, '/api/audit?limit=200')).json;
    expect(entries.filter(({ detail }: { detail?: { user?: string } }) => detail?.user === 'refused')).toEqual([]);
  });

  test('who is disconnected is gone at Zoom, at Recall and here', async () => {
    const id = await connectPerson(stage, relay, 'ada', ada.id);
    expect(await end(id, '?reason=left+the+company')).toEqual({ status: 200, json: { leftBehind: [] } });
    expect(await lastAudit()).toMatchObject({
      ...{ action: 'connection_ended', target: `connection:${id}`, reason: 'left the company' },
      detail: { app: 'default', user: 'ada', force: false },
    });
    expect(stage.zoom.tokenOf(ada.id)).toBeUndefined();
    expect(stage.recall.api.credentials()).toEqual([]);
    expect((await ask(relay, `/api/connections/${id}`)).json.error.code).toBe('connection_unknown');
    expect((await end(id)).json.error.code).toBe('connection_unknown');
  });

  test('when Recall does not do its part the connection is kept, and by force it is not', async () => {
    const id = await connectPerson(stage, relay, 'ada', ada.id);
    stage.recall.api.misbehaveAlways(answering(403));
    const { status, json } = await end(id);
    expect([status, json.error.code]).toEqual([409, 'connection_kept']);
    expect(json.error.message).toMatch(
      /the credential was not deleted at Recall \(.+\)\. To delete it here all the same/,
    );
    expect(usersOf(await list())).toEqual(['ada']);
    const forced = await end(id, '?force=true');
    stage.recall.api.misbehaveAlways();
    expect(forced).toEqual({
      status: 200,
      json: { leftBehind: [expect.stringContaining('the credential was not deleted at Recall')] },
    });
    expect(usersOf(await list())).toEqual([]);
    for (const { id: left } of stage.recall.api.credentials()) stage.recall.api.deleteCredential(left);
  });

  test('the URLs for bots work, are kept by no cache, and the look is audited before it is answered', async () => {
    const id = await connectPerson(stage, relay, 'ada', ada.id);
    const answer = await fetch(new URL(`/api/connections/${id}/bot-urls`, relay.relay.privateUrl), {
      method: 'POST',
      headers: { authorization: 'Bearer operator-token-for-tests' },
    });
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    const urls = z
      .strictObject({ zakUrl: z.url(), obfTokenUrl: z.url(), joinTokenUrl: z.url() })
      .parse(await answer.json());
    const { pathname, search } = new URL(urls.zakUrl);
    const token = await fetch(new URL(pathname + search, relay.endpoint));
    expect(token.status).toBe(200);
    const noted = await lastAudit();
    expect(noted).toMatchObject({ action: 'bot_urls_viewed', target: `connection:${id}` });
    expect(JSON.stringify([noted, relay.logged])).not.toContain(new URL(urls.zakUrl).searchParams.get('auth_token'));
    await end(id);
  });

  test('a sync has Recall read the meetings anew; what Recall says against it is told', async () => {
    const id = await connectPerson(stage, relay, 'ada', ada.id);
    expect((await post(relay, `/api/connections/${id}/sync`, { reason: 'a meeting is missing' })).status).toBe(204);
    expect(stage.recall.api.requests.at(-1)?.path).toMatch(/sync-meetings\/?$/);
    expect(await lastAudit()).toMatchObject({ action: 'meetings_synced', reason: 'a meeting is missing' });
    stage.recall.api.misbehave(answering(403));
    const { status, json } = await post(relay, `/api/connections/${id}/sync`);
    expect([status, json.error.code]).toEqual([502, 'recall_refused']);
    expect(json.error.message).toContain('403');
    await end(id);
  });

  test('what is not there is not noted, and a cursor or id that is none is refused', async () => {
    const before = await lastAudit();
    for (const path of ['bot-urls', 'sync']) {
      expect((await post(relay, `/api/connections/${noSuch}/${path}`)).json.error.code).toBe('connection_unknown');
    }
    expect((await ask(relay, '/api/connections/links')).json.error.code).toBe('connection_unknown');
    expect((await ask(relay, '/api/connections?before=x')).json.error.code).toBe('cursor_invalid');
    expect((await ask(relay, '/api/connections?state=lost')).json.error.code).toBe('input_invalid');
    expect((await ask(relay, '/api/connections?app=../x')).json.error.code).toBe('input_invalid');
    expect(await lastAudit()).toEqual(before);
  });
});

test('where nobody can connect, every route says what to configure', async () => {
  const store = await createRedisDatabase();
  const relay = await startTestRelay(store.url);
  const answers = [
    await ask(relay, '/api/connections'),
    await ask(relay, `/api/connections/${noSuch}`),
    await ask(relay, `/api/connections/${noSuch}`, { method: 'DELETE' }),
    await post(relay, '/api/connections/links', { app: 'default', user: 'ada' }),
    await post(relay, `/api/connections/${noSuch}/bot-urls`),
    await post(relay, `/api/connections/${noSuch}/sync`),
  ];
  for (const { status, json } of answers) {
    expect([status, json.error.code]).toEqual([404, 'connect_off']);
    expect(json.error.message).toContain('set ZOOM_APP_CLIENT_ID, ZOOM_APP_CLIENT_SECRET');
  }
  expect((await ask(relay, '/api/audit')).json.entries).toEqual([]);
  await relay.stop();
  await store.remove();
});
