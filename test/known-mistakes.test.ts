/** What others who connect Zoom to Recall get wrong, each with a test that it is not so here. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig, roles } from '../src/config.ts';
import { recallRegions } from '../src/recall/webhook-url.ts';
import {
  apiKey,
  connected,
  consent,
  type House,
  hourMs,
  openHouse,
  openStage,
  type Stage,
  users,
} from './support/connect-house.ts';
import { engines, type TestStore } from './support/engines.ts';
import { oauthAppId, testEnvironment } from './support/test-relay.ts';

const html = { accept: 'text/html' };
const credentials = '/api/v2/zoom-oauth-credentials/';
const asked = (stage: Stage, wanted: string) => stage.recall.api.requests.filter(({ method }) => method === wanted);
const createBodies = (stage: Stage) =>
  asked(stage, 'POST')
    .filter(({ path }) => path === credentials)
    .map(({ json }) => json as { oauth_app: string; authorization_code?: { code: string; redirect_uri: string } });

let folder: TestStore;
beforeAll(async () => {
  folder = await engines[1].createStore();
});
afterAll(() => folder.remove());

describe('Recall-managed', () => {
  let stage: Stage;
  let house: House;
  let first: Awaited<ReturnType<typeof connected>>;
  let again: Awaited<ReturnType<House['ask']>>;
  let bodies: string[];
  beforeAll(async () => {
    stage = await openStage({ recall: { reauth: 'conflict' } });
    house = await openHouse(folder.url, stage, { mode: 'recall-managed' });
    first = await connected(house, stage);
    const { back, cookie } = await consent(house, stage);
    const conflict = await house.ask(back, { ...html, cookie });
    again = await house.ask(stage.zoom.consent(conflict.location), { ...html, cookie });
    bodies = [conflict.text, conflict.location, again.text, again.location];
  });
  afterAll(async () => {
    await house.connect.disconnect(first.id, true);
    await house[Symbol.asyncDispose]();
    await stage[Symbol.asyncDispose]();
  });

  test('a credential is deleted by its own id, not by the Zoom id that the conflict names', () => {
    expect(asked(stage, 'DELETE').map(({ path }) => path)).toEqual([`${credentials}${first.credentialId}/`]);
  });

  test('no code is handed in twice: after a conflict the person consents once more', () => {
    const codes = createBodies(stage).map(({ authorization_code: given }) => given?.code);
    expect(codes).toHaveLength(3);
    expect(new Set(codes).size).toBe(3);
  });

  test('success is told only when there is a credential', async () => {
    expect(again.status).toBe(302);
    const { credentialId } = await house.connect.read(first.id);
    expect(stage.recall.api.credentials().map(({ id }) => id)).toEqual([credentialId]);
  });

  test("oauth_app is Recall's id of the app, not Zoom's client id", () => {
    for (const body of createBodies(stage)) expect(body.oauth_app).toBe(oauthAppId);
  });

  test('the key goes as Authorization: Token KEY, neither bare nor as Bearer', () => {
    const sent = new Set(stage.recall.api.requests.map(({ headers }) => headers.authorization));
    expect([...sent]).toEqual([`Token ${apiKey}`]);
  });

  test('the redirect URL is the registered one to the character', () => {
    for (const { authorization_code: given } of createBodies(stage)) {
      expect(given?.redirect_uri).toBe('https://relay.example/oauth-callback/zoom');
    }
  });

  test('no token is shown to a browser', () => {
    const grant = stage.zoom.tokenOf(users[0].id);
    for (const secret of [grant?.accessToken, grant?.refreshToken]) {
      expect(bodies.join('\n')).not.toContain(secret ?? expect.unreachable());
    }
  });

  test('what Recall says is shown, not only that it said no', async () => {
    stage.recall.api.misbehave((_request, response) => {
      response.writeHead(400, { 'content-type': 'application/json' }).end('{"detail":"the redirect does not match"}');
    });
    const { back, cookie } = await consent(house, stage, { userId: users[1].id });
    expect((await house.ask(back, { ...html, cookie })).text).toContain('the redirect does not match');
  });
});

describe('customer-managed', () => {
  let stage: Stage;
  let house: House;
  beforeAll(async () => {
    stage = await openStage();
    house = await openHouse(folder.url, stage);
  });
  afterAll(async () => {
    for (const { id } of await house.connect.list({ limit: 100 })) await house.connect.disconnect(id, true);
    await house[Symbol.asyncDispose]();
    await stage[Symbol.asyncDispose]();
  });

  test('each person has a URL and a secret of their own: one that leaks exposes one', async () => {
    const urls = [await connected(house, stage), await connected(house, stage, { userId: users[1].id })].map(
      ({ callback }) => new URL(callback),
    );
    expect(new Set(urls.map(({ pathname }) => pathname)).size).toBe(2);
    const secrets = urls.map(({ searchParams }) => searchParams.get('auth_token'));
    expect(new Set(secrets).size).toBe(2);
    for (const secret of secrets) expect(secret).toMatch(/^[\w-]{43}$/);
  });

  test('refreshing works after the first hour, and after the second', async () => {
    const { callback } = await connected(house, stage);
    for (let hours = 1; hours <= 3; hours += 1) {
      stage.advance(hourMs);
      const { status, text } = await house.ask(callback);
      expect(status).toBe(200);
      expect(await stage.zoom.verifyAccessToken(text)).toMatchObject({ userId: users[0].id });
    }
  });

  test.each([119, 121, 200, 299])(
    'a token with %d s left is not given out at the limit of what Recall takes',
    async (leftSec) => {
      const { callback } = await connected(house, stage);
      const old = await house.ask(callback);
      stage.advance((3599 - leftSec) * 1000);
      const fresh = await house.ask(callback);
      expect([fresh.status, fresh.text === old.text]).toEqual([200, false]);
    },
  );

  test('a refusal is a status and JSON, never a page with 200', async () => {
    const { callback } = await connected(house, stage);
    const answer = await house.ask(callback.replace(/auth_token=.*/, 'auth_token=helloWorld'), html);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  });

  test('a session of the browser is not taken instead of the secret', async () => {
    const { cookie } = await consent(house, stage);
    const { callback } = await connected(house, stage);
    expect((await house.ask(new URL(callback).pathname, { cookie })).status).toBe(401);
  });

  test('tokens outlive the process', async () => {
    const { callback } = await connected(house, stage);
    await using next = await openHouse(folder.url, stage);
    expect((await next.ask(callback)).status).toBe(200);
  });
});

test.each(recallRegions)('the region is that of the configuration: %s', (region) => {
  const env = { ...testEnvironment('redis://127.0.0.1', ''), RECALL_BASE_URL: '', RECALL_REGION: region };
  const [app] = [...loadConfig(env, roles).apps.values()];
  expect(app?.recall.baseUrl).toBe(`https://${region}.recall.ai`);
});
