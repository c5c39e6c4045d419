import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answering } from '../src/demo/misbehaviour.ts';
import { publishedSecret } from '../src/demo/samples.ts';
import {
  connected,
  consent,
  type House,
  hourMs,
  openHouse,
  openStage,
  type Stage,
  users,
} from './support/connect-house.ts';
import { startConnectStage } from './support/connect-stage.ts';
import { engines, type TestStore } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { defaultApp, startTestRelay } from './support/test-relay.ts';

const html = { accept: 'text/html' };
const dayMs = 24 * hourMs;

describe.each(engines)('connections on $engine', ({ createStore }) => {
  let folder: TestStore;
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

    /** Later than what was granted a moment ago. */
    async function maintain(): Promise<void> {
      stage.advance(2 * 60_000);
      await house.connect.maintain(defaultApp);
    }

    test('one that Recall holds to be unhealthy is noticed, and Recall is asked to look again', async () => {
      const { id, credentialId } = await connected(house, stage);
      stage.recall.api.markUnhealthy(credentialId);
      await maintain();
      expect(house.events).toContainEqual(
        expect.objectContaining({ kind: 'health_changed', state: 'unhealthy_at_recall' }),
      );
      await maintain(); // what Recall has found meanwhile
      expect(await house.connect.read(id)).toMatchObject({ state: 'healthy' });
      const validations = stage.recall.api.requests.filter(({ path }) => path.endsWith('/validate/'));
      expect(validations).toHaveLength(1);
    });

    test('one that Recall has no more is noticed; with tokens here it is registered anew', async () => {
      const { id, credentialId } = await connected(house, stage);
      stage.recall.api.deleteCredential(credentialId);
      await maintain();
      const { state, credentialId: now } = await house.connect.read(id);
      if (mode === 'recall-managed') expect(state).toBe('unhealthy_at_recall');
      else expect([state, now === credentialId]).toEqual(['healthy', false]);
    });

    test('what Recall did not answer is not taken for missing', async () => {
      const { id } = await connected(house, stage);
      stage.recall.api.misbehaveAlways(answering(500));
      await maintain();
      stage.recall.api.misbehaveAlways();
      expect(await house.connect.read(id)).toMatchObject({ state: 'healthy' });
      expect(house.events).toContainEqual(expect.objectContaining({ kind: 'maintenance_failed' }));
    });

    test('health tells how many need somebody', async () => {
      expect(await house.connect.readHealth(defaultApp)).toEqual({ total: 0, needPerson: 0, failing: 0 });
      const { credentialId } = await connected(house, stage);
      await connected(house, stage, { userId: users[1].id });
      stage.recall.api.markUnhealthy(credentialId);
      await maintain();
      expect(await house.connect.readHealth(defaultApp)).toEqual({ total: 2, needPerson: 1, failing: 0 });
    });

    test('disconnecting revokes at Zoom, deletes at Recall and here', async () => {
      const { id, callback } = await connected(house, stage);
      expect(await house.connect.disconnect(id, false)).toEqual({ kind: 'disconnected', leftBehind: [] });
      expect(stage.zoom.tokenOf(users[0].id)).toBeUndefined();
      expect(stage.recall.api.credentials()).toEqual([]);
      await expect(house.connect.read(id)).rejects.toMatchObject({ code: 'connection_unknown' });
      if (callback !== '') expect((await house.ask(callback)).status).toBe(404);
      const again = await connected(house, stage);
      expect(again.id).not.toBe(id);
    });

    test('what Zoom or Recall does not undo keeps the connection, unless it is forced', async () => {
      const { id } = await connected(house, stage);
      await stage.recall.api.settled();
      stage.zoom.misbehave(answering(500));
      const unrevoked = await house.connect.disconnect(id, false);
      expect(unrevoked.kind).toBe('kept');
      expect(unrevoked.leftBehind).toEqual([expect.stringContaining('not revoked at Zoom')]);
      expect(stage.recall.api.credentials()).toHaveLength(1); // without it there would be nothing to revoke with
      stage.recall.api.misbehaveAlways((request, response) => {
        const status = request.method === 'DELETE' ? 500 : 404;
        response.writeHead(status).end('{"detail":"the test says so"}');
      });
      const undeleted = await house.connect.disconnect(id, false);
      expect(undeleted.leftBehind).toEqual([expect.stringContaining('not deleted at Recall')]);
      expect((await house.connect.read(id)).id).toBe(id);
      expect((await house.connect.disconnect(id, true)).kind).toBe('disconnected');
      await expect(house.connect.read(id)).rejects.toMatchObject({ code: 'connection_unknown' });
      stage.recall.api.misbehaveAlways();
    });

    test('who has removed the app at Zoom can be disconnected all the same', async () => {
      const { id } = await connected(house, stage);
      stage.zoom.revokeUser(stage.zoom.tokenOf(users[0].id)?.clientId ?? '', users[0].id);
      stage.advance(hourMs);
      expect(await house.connect.disconnect(id, false)).toEqual({ kind: 'disconnected', leftBehind: [] });
    });

    test('app_deauthorized ends the connection, unless access was granted anew since', async () => {
      const { id, callback } = await connected(house, stage);
      const clientId = [...house.connect.apps.values()][0]?.clientId ?? '';
      const told = { userId: users[0].id, accountId: users[0].accountId, clientId, atMs: stage.nowMs() + 1 };
      expect(await house.connect.endDeauthorized(defaultApp, { ...told, clientId: 'another-app' })).toBe(false);
      expect(await house.connect.endDeauthorized(defaultApp, { ...told, userId: 'nobody' })).toBe(false);
      expect(await house.connect.endDeauthorized(defaultApp, { ...told, atMs: stage.nowMs() - hourMs })).toBe(false);
      expect(await house.connect.read(id)).toMatchObject({ state: 'healthy' });
      stage.advance(10);
      expect(await house.connect.endDeauthorized(defaultApp, told)).toBe(true);
      const ended = await house.connect.read(id);
      expect(ended.state).toBe('revoked');
      expect(ended).not.toHaveProperty('zoomUserId');
      expect(ended).not.toHaveProperty('email');
      expect(ended).not.toHaveProperty('refreshedAtMs');
      if (callback !== '') expect((await house.ask(callback)).status).toBe(401);
      const again = await connected(house, stage);
      expect(again.id).toBe(id);
      expect(await house.connect.endDeauthorized(defaultApp, told)).toBe(false); // late, or once more
      expect(await house.connect.read(id)).toMatchObject({ state: 'healthy' });
    });

    test('what is left of an ended one goes after 90 days', async () => {
      const { id } = await connected(house, stage);
      const clientId = [...house.connect.apps.values()][0]?.clientId ?? '';
      const told = { userId: users[0].id, accountId: users[0].accountId, clientId, atMs: stage.nowMs() + 1 };
      await house.connect.endDeauthorized(defaultApp, told);
      stage.advance(89 * dayMs);
      await maintain();
      expect((await house.connect.read(id)).state).toBe('revoked');
      stage.advance(dayMs);
      await maintain();
      await expect(house.connect.read(id)).rejects.toMatchObject({ code: 'connection_unknown' });
    });
  });

  describe('customer-managed', () => {
    let stage: Stage;
    let house: House;
    beforeEach(async () => {
      stage = await openStage();
      house = await openHouse(folder.url, stage);
      return async () => {
        for (const { id } of await house.connect.list({ limit: 100 })) await house.connect.disconnect(id, true);
        await house[Symbol.asyncDispose]();
        await stage[Symbol.asyncDispose]();
      };
    });

    test('a person need not come again when Recall did not take the callback URL', async () => {
      const { back, cookie } = await consent(house, stage);
      stage.recall.api.misbehaveAlways(answering(500));
      const end = await house.ask(back, { ...html, cookie });
      expect(end.status).toBe(502);
      expect(end.text).toContain('Zoom is connected, almost');
      const [connection] = await house.connect.list({ limit: 10 });
      expect(connection).toMatchObject({ state: 'unconfirmed' });
      stage.recall.api.misbehaveAlways();
      stage.advance(2 * 60_000);
      await house.connect.maintain(defaultApp);
      const after = await house.connect.read(connection?.id ?? '');
      expect(after.state).toBe('healthy');
      expect((await stage.recall.api.callCallback(after.credentialId ?? '')).status).toBe(200);
    });

    test('one that nobody uses is refreshed long before its refresh token ages out', async () => {
      const { id, callback } = await connected(house, stage);
      stage.advance(29 * dayMs);
      await house.connect.maintain(defaultApp);
      expect(stage.zoom.counts.refreshes).toBe(0);
      for (let month = 1; month <= 5; month += 1) {
        stage.advance(31 * dayMs);
        await house.connect.maintain(defaultApp);
      }
      expect(stage.zoom.counts.refreshes).toBe(5);
      expect((await house.ask(callback)).status).toBe(200);
      expect((await house.connect.read(id)).state).toBe('healthy');
    });

    test('one whose scopes do not suffice says which lack', async () => {
      stage.zoom.setScopes([...house.connect.apps.values()][0]?.clientId ?? '', [
        'user:read:user',
        'meeting:read:list_meetings',
      ]);
      const { id } = await connected(house, stage);
      const { state, detail } = await house.connect.read(id);
      expect(state).toBe('missing_scopes');
      expect(detail).toBe('not granted: meeting:read:local_recording_token');
    });

    test('of two processes one keeps house at a time', async () => {
      const { credentialId } = await connected(house, stage);
      expect(credentialId).not.toBe('');
      const lists = () =>
        stage.recall.api.requests.filter(({ method, path }) => method === 'GET' && path.endsWith('-credentials/'));
      const before = lists().length;
      const [one, two] = [house.connect.startMaintenance(), house.connect.startMaintenance()];
      await eventually('a round', () => lists().length > before);
      await Promise.all([one.stop(), two.stop()]);
      expect(lists().length).toBe(before + 1);
    });
  });

  test('app_deauthorized as Zoom sends it is forwarded, and ends the connection', async () => {
    const stage = await startConnectStage({ storeUrl: folder.url, mode: 'customer-managed' });
    const relay = await startTestRelay(folder.url, { env: stage.env });
    const publicUrl = relay.relay.publicUrl ?? expect.unreachable();
    stage.reachAt(publicUrl);
    const token = { authorization: `Bearer ${'operator-token-for-tests'}`, 'content-type': 'application/json' };
    const api = (path: string, init: RequestInit = {}) =>
      fetch(new URL(path, relay.relay.privateUrl), { headers: token, ...init });
    const made = await api('/api/connections/links', {
      method: 'POST',
      body: JSON.stringify({ app: 'default', user: 'ada' }),
    });
    const { url } = (await made.json()) as { url: string };
    const local = (href: string): URL => new URL(href.replace(stage.publicUrl, publicUrl.origin));
    const start = await fetch(local(url), { redirect: 'manual' });
    const cookie = (start.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const back = stage.zoom.consent(start.headers.get('location') ?? '');
    const end = await fetch(local(back.href), { headers: { cookie }, redirect: 'manual' });
    expect(end.status).toBe(200);
    const [user] = stage.users;
    const body = JSON.stringify({
      event: 'app_deauthorized',
      event_ts: Date.now() + 1000,
      payload: {
        account_id: user.accountId,
        user_id: user.id,
        client_id: stage.app.clientId,
        deauthorization_time: new Date().toISOString(),
      },
    });
    expect((await relay.post(body)).status).toBe(204);
    const ended = await eventually('ended', async () => {
      const { connections } = (await (await api('/api/connections')).json()) as { connections: { state: string }[] };
      return connections[0]?.state === 'revoked' && connections[0];
    });
    expect(ended).not.toHaveProperty('zoomUserId');
    await stage.recall.seen(({ body: arrived }) => arrived.equals(Buffer.from(body)));
    const secrets = [publishedSecret.reveal(), stage.app.clientSecret, 'auth_token='];
    for (const secret of secrets) expect(JSON.stringify(relay.logged)).not.toContain(secret);
    await relay.stop();
    await stage.stop();
  });
});
