import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answering } from '../src/demo/misbehaviour.ts';
import {
  clientId,
  connected,
  connectPerson,
  consent,
  type House,
  hourMs,
  makeLink,
  openHouse,
  openStage,
  publicUrl,
  returnTo,
  type Stage,
  users,
} from './support/connect-house.ts';
import { engines } from './support/engines.ts';
import { type defaultApp, oauthAppId } from './support/test-relay.ts';

const html = { accept: 'text/html' };
const creates = (stage: Stage) => {
  return stage.recall.api.requests.filter(
    ({ method, path }) => method === 'POST' && path.endsWith('/zoom-oauth-credentials/'),
  );
};

describe.each(engines)('connecting on $engine', ({ createStore }) => {
  let folder: Awaited<ReturnType<typeof createStore>>;
  beforeAll(async () => {
    folder = await createStore();
  });
  afterAll(() => folder.remove());

  describe.each(['recall-managed', 'customer-managed'] as const)('%s', (mode) => {
    let stage: Stage;
    let house: House;
    beforeEach(async () => {
      stage = await openStage();
      house = await openHouse(folder.url, stage, { mode });
      return async () => {
        for (const { id } of await house.connect.list({ limit: 100 })) await house.connect.disconnect(id, true);
        await house[Symbol.asyncDispose]();
        await stage[Symbol.asyncDispose]();
      };
    });

    test('a person consents, returns to the app, and Recall has a credential for them', async () => {
      const { id, credentialId } = await connected(house, stage);
      expect(await house.connect.read(id)).toMatchObject({
        user: 'alice',
        mode,
        state: 'healthy',
        zoomUserId: users[0].id,
      });
      expect(stage.recall.api.credentials()).toMatchObject([
        { id: credentialId, oauth_app: oauthAppId, status: 'healthy', user_id: users[0].id },
      ]);
      expect(house.events).toContainEqual({
        kind: 'connected',
        app: 'default',
        connection: id,
        isNew: true,
        isByPerson: true,
        isOtherUser: false,
      });
    });

    test('without a return URL there is a page, in no frame and in no cache', async () => {
      const link = await makeLink(house, stage, 'alice', null);
      const end = await connectPerson(house, stage, { link });
      expect(end.status).toBe(200);
      expect(end.text).toContain('<h1>Your Zoom is connected</h1>');
      expect(end.headers.get('cache-control')).toBe('no-store');
      expect(end.headers.get('referrer-policy')).toBe('no-referrer');
      expect(end.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    });

    test('consent is asked for with state, PKCE and the redirect URL to the character', async () => {
      const { location, cookie } = await house.ask(await makeLink(house, stage));
      const asked = new URL(location).searchParams;
      expect(Object.fromEntries(asked)).toMatchObject({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: `${publicUrl}/oauth-callback/zoom`,
        code_challenge_method: 'S256',
      });
      expect(asked.get('state')).toMatch(/^[\w-]{43}$/);
      expect(asked.get('code_challenge')).toMatch(/^[\w-]{43}$/);
      expect(cookie).toMatch(/^__Host-zoom_relay_connect=[\w-]{43}$/);
    });

    test('who declines is told so, and nothing is kept', async () => {
      const end = await connectPerson(house, stage, { decision: 'decline' });
      expect(end.status).toBe(403);
      expect(end.text).toContain('You declined at Zoom');
      expect(end.text).toContain('Try again');
      expect(await house.connect.list({ limit: 10 })).toEqual([]);
      expect(creates(stage)).toEqual([]);
    });

    test('a state is good once, of many who come with it at the same time too', async () => {
      const { back, cookie } = await consent(house, stage);
      const ends = await Promise.all(Array.from({ length: 10 }, () => house.ask(back, { ...html, cookie })));
      expect(ends.map(({ status }) => status).toSorted()).toEqual([302, ...Array(9).fill(409)]);
      expect((await house.ask(back, { ...html, cookie })).status).toBe(409);
      expect(creates(stage)).toHaveLength(1);
    });

    test('each other way it can end has a page and a status of its own', async () => {
      const { back, cookie } = await consent(house, stage);
      const with_ = (change: (url: URL) => void): URL => {
        const url = new URL(back);
        change(url);
        return url;
      };
      const open = (url: URL | string, own = cookie) => house.ask(url, { ...html, cookie: own });
      const unknown = await open(with_((url) => url.searchParams.set('state', 'x'.repeat(43))));
      const none = await open(with_((url) => url.searchParams.delete('state')));
      const foreign = await open(back, `__Host-zoom_relay_connect=${'x'.repeat(43)}`);
      const cookieless = await house.ask(back, html);
      const codeless = await open(with_((url) => url.searchParams.delete('code')));
      const late = await consent(house, stage);
      stage.advance(10 * 60_000 + 1);
      const expired = await house.ask(late.back, { ...html, cookie: late.cookie });
      const statuses = [unknown, none, foreign, cookieless, codeless, expired].map(({ status }) => status);
      expect(statuses).toEqual([400, 400, 412, 412, 422, 410]);
      const titles = [unknown, foreign, codeless, expired].map(({ text }) => /<h1>(.*)<\/h1>/.exec(text)?.[1]);
      expect(new Set(titles).size).toBe(4);
      expect(await house.connect.list({ limit: 10 })).toEqual([]);
    });

    test("an error of Zoom's is shown in its words, and never as markup", async () => {
      const { location, cookie } = await house.ask(await makeLink(house, stage));
      const state = new URL(location).searchParams.get('state') ?? '';
      const query = new URLSearchParams({ state, error: 'server_error', error_description: '<b>on fire</b>' });
      const end = await house.ask(`/oauth-callback/zoom?${query}`, { ...html, cookie });
      expect(end.status).toBe(424);
      expect(end.text).toContain('&lt;b&gt;on fire&lt;/b&gt;');
    });

    test('a code of another redirect, spent or made up is refused in the words of who refuses', async () => {
      const { back, cookie } = await consent(house, stage);
      back.searchParams.set('code', 'made-up');
      const end = await house.ask(back, { ...html, cookie });
      expect(end.status).toBe(502);
      expect(end.text).toContain('Invalid authorization code');
      expect(await house.connect.list({ limit: 10 })).toEqual([]);
    });

    test('who connects again goes on with the same connection, and Recall has one credential', async () => {
      const first = await connected(house, stage, { user: 'alice' });
      const again = await connected(house, stage, { user: 'alice-renamed' });
      expect(again.id).toBe(first.id);
      expect(await house.connect.read(first.id)).toMatchObject({ user: 'alice-renamed', state: 'healthy' });
      expect(stage.recall.api.credentials()).toHaveLength(1);
    });

    test('two people are two connections, whatever link they used', async () => {
      const link = await makeLink(house, stage);
      const [one, two] = [
        await connected(house, stage, { link }),
        await connected(house, stage, { link, userId: users[1].id }),
      ];
      expect(one.id).not.toBe(two.id);
      const listed = await house.connect.list({ limit: 10 });
      expect(listed.map(({ zoomUserId }) => zoomUserId).toSorted()).toEqual(users.map(({ id }) => id).toSorted());
      expect(await house.connect.list({ limit: 1, before: listed[0]?.id ?? '' })).toEqual(listed.slice(1));
    });

    test('two tabs of one browser do not get in each other’s way', async () => {
      const first = await house.ask(await makeLink(house, stage));
      const second = await house.ask(await makeLink(house, stage), { cookie: first.cookie });
      expect(second.cookie).toBe(first.cookie);
      const back = stage.zoom.consent(first.location);
      expect((await house.ask(back, { cookie: second.cookie })).status).toBe(302);
    });

    test.each([200, 201] as const)(
      'any 2xx of Recall is success (%d), the credential may be an existing one',
      async (upsertStatus) => {
        stage.recall.api.settings.upsertStatus = upsertStatus;
        const [first, again] = [await connected(house, stage), await connected(house, stage)];
        expect(again.credentialId).toBe(first.credentialId);
      },
    );

    test('a credential in the way is found by the Zoom id, deleted and made anew, for users and accounts', async () => {
      Object.assign(stage.recall.api.settings, { reauth: 'conflict', secondCallbackUrl: 'conflict' });
      const first = await connected(house, stage);
      const other = await connected(house, stage, { userId: users[1].id });
      const { back, cookie } = await consent(house, stage);
      let end = await house.ask(back, { ...html, cookie });
      if (mode === 'recall-managed') {
        // The code is spent: the person goes through consent once more, with a new state.
        expect(new URL(end.location).origin).toBe(stage.zoom.baseUrl);
        end = await house.ask(stage.zoom.consent(end.location), { ...html, cookie });
      }
      expect(end.location).toBe(`${returnTo}?zoom_connection=${first.id}`);
      const { credentialId } = await house.connect.read(first.id);
      expect(credentialId).not.toBe(first.credentialId);
      expect(
        stage.recall.api
          .credentials()
          .map(({ id }) => id)
          .toSorted(),
      ).toEqual([credentialId, other.credentialId].toSorted());
    });

    test('a conflict that does not go away ends, and is shown in the words of Recall', async () => {
      const detail = 'A Zoom OAuth Credential already exists for this OAuth App';
      const [first, other] = [await connected(house, stage), await connected(house, stage, { userId: users[1].id })];
      const before = creates(stage).length;
      const { back, cookie } = await consent(house, stage);
      let lists = 0;
      stage.recall.api.misbehaveAlways((request, response) => {
        const say = (status: number, json: unknown): void => {
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
        };
        if (request.method === 'POST') return say(400, { detail, conflicting_zoom_user_id: users[0].id });
        if (request.method === 'DELETE') return say(204, undefined);
        lists += 1;
        // As if the filter were not heeded.
        return say(200, { next: null, previous: null, results: stage.recall.api.credentials() });
      });
      let end = await house.ask(back, { ...html, cookie });
      if (end.status === 302) end = await house.ask(stage.zoom.consent(end.location), { ...html, cookie });
      stage.recall.api.misbehaveAlways();
      expect(end.status).toBe(502);
      expect(end.text).toContain(detail);
      expect(creates(stage)).toHaveLength(before + 2);
      expect(lists).toBe(1);
      const freed = house.events.flatMap((event) => (event.kind === 'credential_freed' ? [event.credential] : []));
      expect(freed).toEqual([first.credentialId]); // and not that of the other person
      expect(freed).not.toContain(other.credentialId);
    });

    test('a conflict with a credential that is not of this app is refused at once', async () => {
      const { back, cookie } = await consent(house, stage);
      stage.recall.api.misbehaveAlways((request, response) => {
        const list = { next: null, previous: null, results: [] };
        const conflict = { detail: 'of another app', conflicting_zoom_user_id: users[0].id };
        const isCreate = request.method === 'POST';
        response.writeHead(isCreate ? 400 : 200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(isCreate ? conflict : list));
      });
      const end = await house.ask(back, { ...html, cookie });
      stage.recall.api.misbehaveAlways();
      expect(end.status).toBe(502);
      expect(end.text).toContain('of another app');
      expect(creates(stage)).toHaveLength(1);
    });

    test('while the API key is wrong the person is told, and no secret is', async () => {
      stage.recall.api.misbehaveAlways(answering(401));
      const end = await connectPerson(house, stage);
      expect(end.status).toBe(502);
      expect(JSON.stringify(house.events)).not.toMatch(/recall-api-key|auth_token=[\w-]{20}|eyJ/);
      stage.recall.api.misbehaveAlways();
    });
  });

  describe('links', () => {
    let stage: Stage;
    let house: House;
    beforeAll(async () => {
      stage = await openStage();
      house = await openHouse(folder.url, stage);
    });
    afterAll(async () => {
      await house[Symbol.asyncDispose]();
      await stage[Symbol.asyncDispose]();
    });

    test('a link works until it expires, and more than once', async () => {
      const link = await makeLink(house, stage);
      for (const _time of [1, 2]) expect((await house.ask(link)).status).toBe(302);
      stage.advance(hourMs + 1000);
      const late = await house.ask(link, html);
      expect(late.status).toBe(410);
      expect(late.text).toContain('This link has expired');
    });

    test('a link of another app, changed or made up is refused', async () => {
      const link = await makeLink(house, stage);
      const token = link.searchParams.get('token') ?? '';
      const foreign = await house.keys.sign({ user: 'alice' }, 'zoom-relay connect other', stage.nowMs() + hourMs);
      for (const bad of [`${token}x`, token.slice(1), foreign, '', 'x']) {
        expect((await house.ask(`/connect/zoom/default?token=${bad}`, html)).status).toBe(401);
      }
      expect((await house.ask(`/connect/zoom/other?token=${token}`, html)).status).toBe(404);
      expect((await house.ask('/connect/zoom/default', html)).status).toBe(401);
    });

    test.each([
      'https://evil.example/',
      'blob:https://app.example/x',
      'https://app.example.evil.example/',
      'https://app.example@evil.example/',
      'javascript:alert(1)',
      '//evil.example',
      'http://app.example/',
    ])('nobody is sent to %s', async (to) => {
      await expect(makeLink(house, stage, 'alice', to)).rejects.toMatchObject({ code: 'return_refused' });
      const signed = await house.keys.sign(
        { user: 'alice', returnTo: to },
        'zoom-relay connect default',
        stage.nowMs() + hourMs,
      );
      expect((await house.ask(`/connect/zoom/default?token=${signed}`)).status).toBe(401);
    });

    test('a link is for its own app alone', async () => {
      const other = 'other' as typeof defaultApp;
      await using theirs = await openHouse(folder.url, stage, { key: other });
      const link = await makeLink(house, stage);
      const token = link.searchParams.get('token');
      expect((await theirs.ask(`/connect/zoom/other?token=${token}`, html)).status).toBe(401);
      expect((await house.ask(link)).status).toBe(302);
    });

    test('a link that is opened again and again is refused for a while: each opening takes room in the store', async () => {
      const link = await makeLink(house, stage);
      for (let times = 1; times <= 20; times += 1) expect((await house.ask(link)).status).toBe(302);
      const limited = await house.ask(link, html);
      expect(limited.status).toBe(429);
      expect(limited.text).toContain('opened too often');
      expect((await house.ask(await makeLink(house, stage))).status).toBe(302);
      stage.advance(10 * 60_000);
      expect((await house.ask(link)).status).toBe(302);
    });

    test('no answer is kept by a cache or told to the next site', async () => {
      const link = await makeLink(house, stage);
      for (const [url, headers] of [
        [link, html],
        ['/connect/zoom/x', html],
        ['/oauth-callback/zoom', {}],
        ['/zoom-token/x', {}],
      ] as const) {
        const answer = await house.ask(url, headers);
        expect(answer.headers.get('cache-control')).toBe('no-store');
        expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
      }
    });

    test('programs get JSON', async () => {
      const answer = await house.ask('/connect/zoom/default?token=x');
      expect(JSON.parse(answer.text)).toMatchObject({ error: { code: 'link_invalid' } });
    });
  });
});

describe('an account-level app', () => {
  test.each(['recall-managed', 'customer-managed'] as const)(
    'has one connection for each Zoom account (%s)',
    async (mode) => {
      const folder = await engines[1].createStore();
      await using stage = await openStage({
        kind: 'account_level',
        recall: { reauth: 'conflict', secondCallbackUrl: 'conflict' },
      });
      await using house = await openHouse(folder.url, stage, { mode });
      const first = await connected(house, stage);
      expect(await house.connect.read(first.id)).toMatchObject({ zoomAccountId: users[0].accountId, state: 'healthy' });
      const { back, cookie } = await consent(house, stage, { userId: users[1].id });
      let end = await house.ask(back, { ...html, cookie });
      if (mode === 'recall-managed') end = await house.ask(stage.zoom.consent(end.location), { ...html, cookie });
      expect(new URL(end.location).searchParams.get('zoom_connection')).toBe(first.id);
      expect(stage.recall.api.credentials()).toHaveLength(1);
    },
  );
});
