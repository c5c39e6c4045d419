import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { refreshLeaseMs } from '../src/connect/tokens/refresh-steps.ts';
import { answering } from '../src/demo/misbehaviour.ts';
import { RelayError } from '../src/errors.ts';
import { Secret } from '../src/secret.ts';
import {
  connected,
  encryptionKey,
  type House,
  hourMs,
  openHouse,
  openStage,
  type Stage,
  users,
} from './support/connect-house.ts';
import { engines, type TestStore } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { defaultApp } from './support/test-relay.ts';

/** Zoom's tokens last an hour; after so long one has less than 5 minutes left. */
const almostExpiredMs = 56 * 60_000;
const meetingId = '85746065432';

describe.each(engines)('the token callback on $engine', ({ engine, createStore }) => {
  let folder: TestStore;
  let stage: Stage;
  let house: House;
  beforeAll(async () => {
    folder = await createStore();
  });
  afterAll(() => folder.remove());
  beforeEach(async () => {
    stage = await openStage();
    house = await openHouse(folder.url, stage);
    return async () => {
      for (const { id } of await house.connect.list({ limit: 100 })) await house.connect.disconnect(id, true);
      await house[Symbol.asyncDispose]();
      await stage[Symbol.asyncDispose]();
    };
  });

  test('answers with the token of that person and nothing else', async () => {
    const { callback } = await connected(house, stage);
    const answer = await house.ask(callback);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await stage.zoom.verifyAccessToken(answer.text)).toMatchObject({ userId: users[0].id });
    expect(answer.text).toBe(stage.zoom.tokenOf(users[0].id)?.accessToken);
    expect(callback.length).toBeLessThanOrEqual(200);
  });

  test('a token with less than 5 minutes to live is replaced before it is given out, its refresh token too', async () => {
    const { callback, id } = await connected(house, stage);
    const first = stage.zoom.tokenOf(users[0].id);
    stage.advance(almostExpiredMs);
    const answer = await house.ask(callback);
    expect(answer.text).toBe(stage.zoom.tokenOf(users[0].id)?.accessToken);
    expect(answer.text).not.toBe(first?.accessToken);
    expect(stage.zoom.counts.refreshes).toBe(1);
    for (let hours = 1; hours <= 3; hours += 1) {
      stage.advance(hourMs);
      expect((await house.ask(callback)).status).toBe(200);
    }
    expect(stage.zoom.counts.refreshes).toBe(4);
    expect(await house.connect.read(id)).toMatchObject({ state: 'healthy' });
  });

  test('50 at once cause one refresh, over all processes', async () => {
    const { callback } = await connected(house, stage);
    stage.advance(almostExpiredMs);
    const other = engine === 'embedded' ? house : await openHouse(folder.url, stage);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_each, index) => (index % 2 ? house : other).ask(callback)),
    );
    if (other !== house) await other[Symbol.asyncDispose]();
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ text }) => text))).toEqual(new Set([stage.zoom.tokenOf(users[0].id)?.accessToken]));
    expect(stage.zoom.counts.refreshes).toBe(1);
  });

  test('who has no secret, a wrong one, that of another or that for bots gets no token', async () => {
    const { callback, id } = await connected(house, stage);
    const other = await connected(house, stage, { userId: users[1].id });
    const bots = new URL((await house.connect.botUrls(id)).zak.reveal()).searchParams.get('auth_token');
    const othersSecret = new URL(other.callback).searchParams.get('auth_token');
    const path = new URL(callback).pathname;
    for (const query of [
      '',
      '?auth_token=',
      '?auth_token=x',
      `?auth_token=${othersSecret}`,
      `?auth_token=${bots}`,
      `?auth_token=${'x'.repeat(5000)}`,
    ]) {
      const answer = await house.ask(path + query);
      expect(answer.status, query).toBe(401);
      expect(JSON.parse(answer.text)).toMatchObject({ error: { code: 'callback_refused' } });
    }
    const own = new URL(callback).searchParams.get('auth_token');
    for (const path_ of ['zak', 'obf', `join-token`]) {
      expect((await house.ask(`/zoom-token/${id}/${path_}?auth_token=${own}&meeting_id=${meetingId}`)).status).toBe(
        401,
      );
    }
  });

  test('a connection nobody knows is 404, whatever it is called', async () => {
    for (const id of ['0'.repeat(24), 'x', '%00', '..%2f', 'a'.repeat(3000)]) {
      const answer = await house.ask(`/zoom-token/${id}?auth_token=x`);
      expect(answer.status).toBe(404);
    }
  });

  test('a secret of before is good no more once Recall has a new one', async () => {
    const first = await connected(house, stage);
    const again = await connected(house, stage);
    expect(again.callback).not.toBe(first.callback);
    expect((await house.ask(first.callback)).status).toBe(401);
    expect((await house.ask(again.callback)).status).toBe(200);
  });

  test('while Zoom is away the answer is 503, never a token; then it goes on by itself', async () => {
    const { callback, id } = await connected(house, stage);
    stage.advance(almostExpiredMs);
    stage.zoom.goAway();
    const answer = await house.ask(callback);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(await house.connect.read(id)).toMatchObject({ state: 'refresh_failing' });
    stage.zoom.comeBack();
    stage.advance(60_000);
    expect((await house.ask(callback)).status).toBe(200);
    expect(await house.connect.read(id)).toMatchObject({ state: 'healthy' });
  });

  test('a refresh that takes too long is answered with 503 and carried to its end', async () => {
    const { callback } = await connected(house, stage);
    stage.advance(almostExpiredMs);
    const gate = stage.zoom.holdRefresh();
    expect((await house.ask(callback)).status).toBe(503);
    gate.release();
    await eventually('refreshed', () => house.events.some(({ kind }) => kind === 'token_refreshed'));
    expect((await house.ask(callback)).status).toBe(200);
    expect(stage.zoom.counts.refreshes).toBe(1);
  });

  test('a person who has removed the app at Zoom is 404, and shown as revoked', async () => {
    const { callback, id } = await connected(house, stage);
    stage.zoom.revokeUser(stage.zoom.tokenOf(users[0].id)?.clientId ?? '', users[0].id);
    stage.advance(almostExpiredMs);
    const answer = await house.ask(callback);
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.text)).toMatchObject({ error: { code: 'connection_ended' } });
    expect(await house.connect.read(id)).toMatchObject({ state: 'revoked' });
    expect(house.events).toContainEqual(expect.objectContaining({ kind: 'refresh_failed', reason: 'revoked' }));
    await house.ask(callback);
    expect(stage.zoom.counts.refusals).toBe(1); // Zoom is not asked again
    await connected(house, stage);
    expect(await house.connect.read(id)).toMatchObject({ state: 'healthy' });
  });

  test('an answer of Zoom that was lost is told: the person has to connect again', async () => {
    const { callback, id } = await connected(house, stage);
    stage.advance(almostExpiredMs);
    const gate = stage.zoom.holdRefresh();
    const first = house.ask(callback);
    await gate.held;
    gate.drop();
    expect((await first).status).toBe(503);
    stage.advance(60_000);
    expect((await house.ask(callback)).status).toBe(404);
    const { state, detail } = await house.connect.read(id);
    expect(state).toBe('refresh_failing');
    expect(detail).toContain('was cut off before its answer was stored');
  });

  test('who was slower than its lease does not undo the grant when its answer comes after all', async () => {
    const { callback, id } = await connected(house, stage);
    stage.advance(almostExpiredMs);
    const gate = stage.zoom.holdRefresh();
    const slow = house.ask(callback);
    await gate.held;
    stage.advance(refreshLeaseMs + 1);
    const other = engine === 'embedded' ? undefined : await openHouse(folder.url, stage);
    if (other !== undefined) {
      expect((await other.ask(callback)).status).toBe(404);
      expect(await other.connect.read(id)).toMatchObject({ state: 'refresh_failing' });
      await other[Symbol.asyncDispose]();
    }
    gate.release();
    await slow;
    await eventually('healthy', async () => (await house.connect.read(id)).state === 'healthy');
  });

  test('what Zoom gave is not lost to a store that is away when it answers', async () => {
    const { callback, id } = await connected(house, stage);
    await house.stopListening();
    let isAway = false;
    let failures = 0;
    const flaky = await openHouse(folder.url, stage, {
      wrapRecords: (records) => ({
        ...records,
        read: (key) => records.read(key),
        list: (query) => records.list(query),
        remove: (key) => records.remove(key),
        async swap(key, expected, next) {
          if (!isAway) return records.swap(key, expected, next);
          failures += 1;
          isAway = failures < 3;
          throw new RelayError('store_unavailable', 'the test says so');
        },
      }),
    });
    stage.advance(almostExpiredMs);
    const gate = stage.zoom.holdRefresh();
    const answer = flaky.ask(callback);
    await gate.held;
    isAway = true;
    gate.release();
    expect((await answer).status).toBe(200);
    expect(failures).toBe(3);
    expect(flaky.events.filter(({ kind }) => kind === 'refresh_unsaved')).toHaveLength(1); // said once a minute
    await flaky[Symbol.asyncDispose]();
    expect(await house.connect.read(id)).toMatchObject({ state: 'healthy' });
    expect(stage.zoom.counts.refreshes).toBe(1);
  });

  test('a rotated ENCRYPTION_KEY opens what the old one sealed; without it there is no token, and no harm', async () => {
    const { callback, id } = await connected(house, stage);
    const newer = new Secret(randomBytes(32).toString('base64'));
    const rotated = await openHouse(folder.url, stage, { encryptionKeys: [newer, encryptionKey] });
    expect((await rotated.ask(callback)).status).toBe(200);
    await rotated[Symbol.asyncDispose]();
    const without = await openHouse(folder.url, stage, { encryptionKeys: [newer] });
    expect((await without.ask(callback)).status).toBe(503);
    stage.advance(almostExpiredMs); // a process without the key must not end what another can open
    expect((await without.ask(callback)).status).toBe(503);
    await without.connect.maintain(defaultApp);
    await without[Symbol.asyncDispose]();
    expect(stage.zoom.counts.refreshes).toBe(0);
    expect((await house.ask(callback)).status).toBe(200);
    expect(await house.connect.read(id)).toMatchObject({ state: 'healthy' });
  });

  test('tokens and secrets are in the store only sealed or as hashes', async () => {
    const values: string[] = [];
    const watched = await openHouse(folder.url, stage, {
      wrapRecords: (records) => ({
        read: (key) => records.read(key),
        list: (query) => records.list(query),
        remove: (key) => records.remove(key),
        swap(key, expected, next) {
          values.push(key, next.value, ...(next.tags ?? []));
          return records.swap(key, expected, next);
        },
      }),
    });
    const { callback } = await connected(watched, stage);
    stage.advance(almostExpiredMs);
    await watched.ask(callback);
    const grant = stage.zoom.tokenOf(users[0].id);
    const stored = values.join('\n');
    const secrets = [grant?.accessToken, grant?.refreshToken, new URL(callback).searchParams.get('auth_token')];
    for (const secret of secrets) expect(stored).not.toContain(secret ?? expect.unreachable());
    expect(stored).not.toMatch(/"codeVerifier"|"accessToken"|"refreshToken"/);
    await watched[Symbol.asyncDispose]();
  });
});

describe("Recall's signature", () => {
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  let folder: TestStore;
  beforeAll(async () => {
    folder = await engines[1].createStore();
  });

  test('is checked when it is there, and not missed when it need not be', async () => {
    await using stage = await openStage({ recall: { workspaceSecrets: [secret] } });
    await using house = await openHouse(folder.url, stage, { workspaceSecrets: [new Secret(secret)] });
    const { callback, credentialId } = await connected(house, stage);
    expect((await stage.recall.api.callCallback(credentialId)).status).toBe(200);
    expect((await house.ask(callback)).status).toBe(200);
    const id = 'msg_1';
    const now = new Date();
    const signed = (text: string, at = now) => ({
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(secret).sign(id, at, text),
    });
    expect((await house.ask(callback, signed(''))).status).toBe(200);
    expect((await house.ask(callback, signed('{}'))).status).toBe(401);
    expect((await house.ask(callback, { 'webhook-signature': 'v1,x' })).status).toBe(401);
    const old = new Date(now.getTime() - 6 * 60_000);
    expect((await house.ask(callback, signed('', old))).status).toBe(401);
    const rotated = `v1,${Buffer.alloc(32).toString('base64')} ${signed('')['webhook-signature']}`;
    expect((await house.ask(callback, { ...signed(''), 'webhook-signature': rotated })).status).toBe(200);
  });

  test('is required when the app says so', async () => {
    await using stage = await openStage({ recall: { workspaceSecrets: [secret] } });
    await using house = await openHouse(folder.url, stage, {
      workspaceSecrets: [new Secret(secret)],
      requireRecallSignature: true,
    });
    const { callback, credentialId } = await connected(house, stage); // the create itself calls, signed
    expect((await house.ask(callback)).status).toBe(401);
    expect((await stage.recall.api.callCallback(credentialId)).status).toBe(200);
  });
});

describe.each(['recall-managed', 'customer-managed'] as const)('tokens for bots (%s)', (mode) => {
  let folder: TestStore;
  let stage: Stage;
  let house: House;
  beforeAll(async () => {
    folder = await engines[1].createStore();
    stage = await openStage();
    house = await openHouse(folder.url, stage, { mode });
  });
  afterAll(async () => {
    await house[Symbol.asyncDispose]();
    await stage[Symbol.asyncDispose]();
  });

  test('come from Zoom, each from its own URL', async () => {
    const { id } = await connected(house, stage);
    const urls = await house.connect.botUrls(id);
    for (const [url, path] of [
      [urls.zak, '/v2/users/me/zak'],
      [urls.obf, '/v2/users/me/token'],
      [urls.joinToken, `/v2/meetings/${meetingId}/jointoken/local_recording`],
    ] as const) {
      const answer = await house.ask(`${url.reveal()}&meeting_id=${meetingId}`);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
      expect(answer.text).toMatch(/^\S+$/);
      expect(stage.zoom.requests.at(-1)?.path).toContain(path);
    }
    expect(await house.connect.botUrls(id)).toEqual(urls);
  });

  test('a meeting id is checked before anybody is asked', async () => {
    const { id } = await connected(house, stage);
    const { obf, joinToken } = await house.connect.botUrls(id);
    const asked = stage.zoom.requests.length;
    expect((await house.ask(joinToken.reveal())).status).toBe(400);
    for (const bad of ['1/2', '../users', '1?x', 'abc', '%00', '1'.repeat(30)]) {
      expect((await house.ask(`${joinToken.reveal()}&meeting_id=${bad}`)).status).toBe(400);
      expect((await house.ask(`${obf.reveal()}&meeting_id=${bad}`)).status).toBe(400);
    }
    expect((await house.ask(obf.reveal())).status).toBe(200);
    expect(stage.zoom.requests.length).toBeGreaterThan(asked);
  });

  test('what Zoom does not give is 404 or 503, and says which', async () => {
    stage.zoom.setScopes(stage.zoom.tokenOf(users[0].id)?.clientId ?? '', ['user:read:user']);
    const { id } = await connected(house, stage);
    const { zak } = await house.connect.botUrls(id);
    const scopeless = await house.ask(zak.reveal());
    expect([scopeless.status, JSON.parse(scopeless.text).error.code]).toEqual([404, 'scope_missing']);
    stage.zoom.misbehave(answering(500));
    const away = await house.ask(zak.reveal());
    expect([away.status, JSON.parse(away.text).error.code]).toEqual([503, 'token_unavailable']);
  });
});
