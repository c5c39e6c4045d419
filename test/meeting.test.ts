import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConsumerKey, notificationIdOf } from '../src/delivery/names.ts';
import { answering } from '../src/demo/misbehaviour.ts';
import { type ConnectStage, startConnectStage } from './support/connect-stage.ts';
import { connectThrough } from './support/connect-through.ts';
import { createRedisDatabase, engines, type TestStore } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { ask } from './support/operator-client.ts';
import { runCommand } from './support/run-command.ts';
import { defaultApp, startTestRelay, type TestRelay } from './support/test-relay.ts';

describe.each(engines)('on $engine', ({ createStore }) => {
  let store: TestStore;
  let stage: ConnectStage;
  let relay: TestRelay;
  let credential: string;
  let nextId = 81_000_000_000;

  beforeAll(async () => {
    store = await createStore();
    stage = await startConnectStage({ storeUrl: store.url, mode: 'customer-managed' });
    relay = await startTestRelay(store.url, { env: { ...stage.env, RETAIN_DIRECTORY: '90d', RETRY_SCHEDULE: 'none' } });
    stage.reachAt(relay.endpoint);
    ({ credential } = await connectThrough(stage, relay.endpoint));
    await stage.recall.api.settled();
  });
  afterAll(async () => {
    await relay.stop();
    await stage.stop();
    await store.remove();
  });

  interface Made {
    readonly id: string;
    readonly notificationId: string;
  }

  /** A meeting is created at Zoom, and the relay has dealt with it. */
  async function create(host: string, createdAtMs = Date.now()): Promise<Made> {
    nextId += 1;
    const object = { id: nextId, uuid: 'abc/+==', host_id: host, topic: 'Review', type: 2, duration: 60 };
    const payload = { account_id: stage.users[0].accountId, operator_id: host, object };
    const body = JSON.stringify({ event: 'meeting.created', event_ts: createdAtMs, payload });
    expect((await relay.post(body)).status).toBe(204);
    await eventually('dealt with', async () => {
      const counts = await Promise.all(
        ['recall', 'directory'].map((key) => relay.relay.consumerCounts(defaultApp, key as ConsumerKey)),
      );
      return counts.every(({ pending }) => pending === 0);
    });
    return { id: String(nextId), notificationId: notificationIdOf(Buffer.from(body)) };
  }

  async function read(id: string) {
    const { status, json } = await ask(relay, `/api/meetings/${encodeURIComponent(id)}`);
    expect(status).toBe(200);
    return { meeting: json.meetings[0], app: json.apps[0] };
  }

  test('a meeting of somebody who is connected: heard of, forwarded, known to Recall, with which credential', async () => {
    const [host] = stage.users;
    const { id, notificationId } = await create(host.id);
    const { meeting, app } = await read(id);
    expect(meeting).toMatchObject({ app: 'default', id, hostId: host.id, topic: 'Review' });
    expect(app).toMatchObject({
      app: 'default',
      deliveries: [{ notificationId, event: 'meeting.created', state: 'delivered', attempts: 1 }],
      isPartial: false,
      recall: { state: 'known', credentials: [{ credential, connection: expect.stringMatching(/^[0-9a-f]{24}$/) }] },
      verdict: { code: 'known' },
    });
    expect(app.recall.credentials[0].delayMs).toBeGreaterThanOrEqual(0);
    expect(Date.parse(app.deliveries[0].endedAt)).toBeGreaterThan(0);
  });

  test('the id may have spaces and dashes, also on the command line', async () => {
    const { id } = await create(stage.users[0].id);
    const [a, b, c] = [id.slice(0, 3), id.slice(3, 7), id.slice(7)];
    expect((await read(`${a} ${b} ${c}`)).app.verdict.code).toBe('known');
    const { out, exitCode } = await runCommand(relay, 'meeting', a, b, c);
    expect(out).toMatch(/^✓ app default: Recall knows it since/);
    expect(out).toMatch(/directory +"Review", host /);
    expect(out).toMatch(/meeting\.created +delivered +1 /);
    expect(exitCode).toBe(0);
    const { out: json } = await runCommand(relay, 'meeting', `${a}-${b}-${c}`, '--json');
    expect(JSON.parse(json).apps[0].verdict.code).toBe('known');
  });

  test('of a host who has not connected: nobody can give Recall access', async () => {
    const { id } = await create('a-host-who-has-not-connected');
    const { app } = await read(id);
    expect(app.recall).toEqual({ state: 'unknown', credentials: [] });
    expect(app.verdict).toMatchObject({
      code: 'nobody_connected',
      text: expect.stringContaining('a-host-who-has-not-connected'),
      remedy: expect.stringContaining('connections link --app default'),
    });
    const { out, exitCode } = await runCommand(relay, 'meeting', id);
    expect([out.slice(0, 1), exitCode]).toEqual(['✗', 1]);
  });

  test('created before its host connected: what has Recall read their meetings anew', async () => {
    const [host] = stage.users;
    stage.recall.misbehave(answering(200)); // it took the notification when it did not know the host
    const { id } = await create(host.id, Date.now() - 3_600_000);
    const { app } = await read(id);
    expect(app.verdict).toMatchObject({
      code: 'created_before_connecting',
      remedy: expect.stringMatching(/connections sync [0-9a-f]{24}/),
    });
  });

  test('whose delivery died: the command that sends it again, and what it does', async () => {
    const [host] = stage.users;
    stage.recall.misbehave(answering(400));
    const { id, notificationId } = await create(host.id);
    const { app } = await read(id);
    expect(app.deliveries).toMatchObject([{ notificationId, state: 'dead', attempts: 1 }]);
    expect(app.verdict).toMatchObject({
      code: 'delivery_dead',
      remedy: expect.stringContaining(`zoom-relay replay ${notificationId} --app default`),
    });
    await runCommand(relay, 'replay', notificationId, '--app', 'default');
    expect((await read(id)).app.verdict.code).toBe('known');
  });

  test('of a connection that is unhealthy at Recall: a new link for the person', async () => {
    const [, bob] = stage.users;
    const { credential: ofBob } = await connectThrough(stage, relay.endpoint, bob.id);
    await stage.recall.api.settled();
    stage.recall.api.markUnhealthy(ofBob);
    stage.recall.misbehave(answering(200));
    const { id } = await create(bob.id);
    expect((await read(id)).app.verdict).toMatchObject({
      code: 'connection_broken',
      text: expect.stringMatching(/^connection [0-9a-f]{24} does not work any more: unhealthy at Recall/),
      remedy: expect.stringMatching(/connections link --connection [0-9a-f]{24}/),
    });
  });

  test('a meeting that Recall knows of another app of the workspace is not known for this one', async () => {
    const { id } = await create('a-host-of-another-app');
    const elsewhere = await fetch(new URL('/api/v2/zoom-oauth-apps/', stage.recall.baseUrl), {
      method: 'POST',
      headers: { authorization: `Token ${stage.recall.api.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'user_level', client_id: 'another', client_secret: 'x', webhook_secret: 'y' }),
    });
    expect(elsewhere.status).toBe(201);
    const foreign = '11111111-1111-4111-8111-111111111111';
    stage.recall.api.misbehave(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ results: [{ meeting_id: Number(id), credential: foreign, synced_at: null }] }));
      },
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ id: foreign, oauth_app: foreign, status: 'healthy' }));
      },
    );
    expect((await read(id)).app.verdict.code).toBe('nobody_connected');
  });

  test("no character of a stranger's text steers the terminal", async () => {
    const { id } = await create('host-\u001b[2J\u202e');
    const { out } = await runCommand(relay, 'meeting', id);
    expect(out).toContain('host-\\u001b[2J\\u202e');
    expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
  });

  test('a notification that only mentions the number is none of the meeting', async () => {
    const { id } = await create(stage.users[0].id);
    await create(`host-${id}`);
    expect((await read(id)).app.deliveries).toHaveLength(1);
  });

  test('Recall that does not answer is told, and the rest all the same', async () => {
    const [host] = stage.users;
    const { id } = await create(host.id);
    stage.recall.api.misbehaveAlways(answering(400));
    const { app } = await read(id);
    stage.recall.api.misbehaveAlways();
    expect(app).toMatchObject({ recall: { state: 'no_answer' }, verdict: { code: 'forwarded' } });
  });

  test('404 only when nothing at all is known, and then with what to look at', async () => {
    for (const id of ['99999999999', 'no-number']) {
      const { status, json } = await ask(relay, `/api/meetings/${id}`);
      expect([status, json.error.code]).toEqual([404, 'meeting_unknown']);
    }
    await expect(runCommand(relay, 'meeting', '99999999999')).rejects.toThrow(
      /no notification has told of it, and Recall does not know it.*meeting\.created subscribed/,
    );
    stage.recall.api.mapMeeting(99_999_999_998, credential); // by a sync: no notification told
    expect((await read('99999999998')).app).toMatchObject({ deliveries: [], verdict: { code: 'known' } });
  });
});

test('without an API key and a directory, it says what it can', async () => {
  const store = await createRedisDatabase();
  const relay = await startTestRelay(store.url);
  const body = JSON.stringify({
    event: 'meeting.created',
    event_ts: Date.now(),
    payload: { object: { id: 85746065432 } },
  });
  await relay.post(body);
  await relay.recall.seen((request) => request.body.equals(Buffer.from(body)));
  const app = await eventually('delivered', async () => {
    const { json } = await ask(relay, '/api/meetings/85746065432');
    return json.apps?.[0]?.verdict.code === 'forwarded' && json.apps[0];
  });
  expect(app).toMatchObject({ recall: { state: 'not_asked', credentials: [] } });
  expect(app.verdict.text).toMatch(/RECALL_API_KEY is not set/);
  await relay.stop();
  await store.remove();
});
