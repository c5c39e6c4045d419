import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recallConsumer } from '../src/delivery/names.ts';
import { answering, type RecallRequest } from '../src/demo/recall-stand-in.ts';
import { postAsZoom, zoomHeaders } from '../src/demo/zoom-stand-in.ts';
import { uniqueBody } from './support/bodies.ts';
import { engines, type TestStore } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { defaultApp, oauthAppId, startTestRelay, type TestRelay, testSecret } from './support/test-relay.ts';

describe.each(engines)('on $engine', ({ createStore }) => {
  let store: TestStore;
  let relay: TestRelay;

  beforeAll(async () => {
    store = await createStore();
    relay = await startTestRelay(store.url, { env: { DELIVERY_TIMEOUT_MS: '500' } });
  });
  afterAll(async () => {
    await relay.stop();
    await store.remove();
  });

  const arrivalsOf = (body: Buffer): RecallRequest[] =>
    relay.recall.requests.filter((request) => request.body.equals(body));
  const delivered = (body: Buffer): Promise<RecallRequest> =>
    relay.recall.seen((request) => request.body.equals(body) && request.status === 200);
  const logOf = (event: string, id: string) =>
    relay.logged.find((line) => line.event === event && line.notificationId === id);

  test('the path is exactly the documented one, without a trailing slash', async () => {
    const body = uniqueBody();
    await relay.post(body);
    expect((await delivered(body)).path).toBe(`/api/v2/zoom-oauth-apps/${oauthAppId}/webhook`);
  });

  test('the same body again is one delivery, with a new signature and after it was delivered too', async () => {
    const body = uniqueBody();
    const before = relay.relay.intakeCounts(defaultApp);
    expect((await relay.post(body)).status).toBe(204);
    await delivered(body);
    const later = zoomHeaders(testSecret, body, Date.now() + 60_000);
    expect((await postAsZoom(relay.endpoint, later, body)).status).toBe(204);
    const after = relay.relay.intakeCounts(defaultApp);
    expect([after.accepted - before.accepted, after.duplicate - before.duplicate]).toEqual([1, 1]);
    expect(arrivalsOf(body)).toHaveLength(1);
  });

  test('many copies at the same instant are one delivery, and exactly one is called new', async () => {
    const body = uniqueBody();
    const before = relay.relay.intakeCounts(defaultApp);
    const answers = await Promise.all(Array.from({ length: 30 }, () => relay.post(body)));
    expect(answers.every(({ status }) => status === 204)).toBe(true);
    await delivered(body);
    const after = relay.relay.intakeCounts(defaultApp);
    expect([after.accepted - before.accepted, after.duplicate - before.duplicate]).toEqual([1, 29]);
    const last = uniqueBody();
    await relay.post(last);
    await delivered(last);
    expect(arrivalsOf(body)).toHaveLength(1);
  });

  test('every kind of failure is tried again by the schedule until Recall has it', async () => {
    const body = uniqueBody();
    relay.recall.misbehave(
      answering(500),
      (request) => request.socket.destroy(),
      () => {}, // never answers
    );
    await relay.post(body);
    await delivered(body);
    expect(arrivalsOf(body).map(({ status }) => status)).toEqual([500, 0, 0, 200]);
    const signatures = arrivalsOf(body).map(({ headers }) => headers['x-zm-signature']);
    expect(new Set(signatures).size).toBe(1);
  });

  test('a redirect is not followed: it is a refusal, and tried again', async () => {
    const elsewhere = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const contacted = once(elsewhere, 'connection').then(() => 'contacted');
    const { port } = elsewhere.address() as AddressInfo;
    const body = uniqueBody();
    relay.recall.misbehave(answering(308, { location: `http://127.0.0.1:${port}/` }));
    await relay.post(body);
    const done = delivered(body).then(() => 'delivered');
    expect(await Promise.race([contacted, done])).toBe('delivered');
    expect(arrivalsOf(body).map(({ status }) => status)).toEqual([308, 200]);
    elsewhere.close();
  });

  test('an endless answer is read to a bound only; its status counts', async () => {
    const body = uniqueBody();
    relay.recall.misbehave((_request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(Buffer.alloc(64 * 1024)), 1);
      response.on('close', () => clearInterval(timer));
    });
    await relay.post(body);
    await relay.recall.seen((request) => request.body.equals(body));
    await eventually('noted as delivered', async () => {
      return (await relay.relay.consumerCounts(defaultApp, recallConsumer)).pending === 0;
    });
    expect(arrivalsOf(body)).toHaveLength(1);
  });

  test('out of attempts it is dead, kept and counted; the log says so with its id', async () => {
    const body = uniqueBody();
    const before = await relay.relay.consumerCounts(defaultApp, recallConsumer);
    relay.recall.misbehave(...Array.from({ length: 4 }, () => answering(404)));
    await relay.post(body);
    const line = await eventually('logged as dead', () =>
      relay.logged.find(({ event, status }) => event === 'dead' && status === 404),
    );
    expect(line).toMatchObject({ app: 'default', consumer: 'recall', attempt: 4, reason: 'attempts_exhausted' });
    await eventually('counted as dead', async () => {
      const after = await relay.relay.consumerCounts(defaultApp, recallConsumer);
      return after.dead === before.dead + 1 && after.pending === 0;
    });
  });

  test('each business event is one log line with its ids', async () => {
    const body = uniqueBody();
    relay.recall.misbehave(answering(502));
    const headers = zoomHeaders(testSecret, body, Date.now());
    await relay.post(body, { headers });
    await delivered(body);
    const received = relay.logged.findLast(({ event }) => event === 'received');
    const id = String(received?.notificationId);
    expect(received).toMatchObject({
      app: 'default',
      result: 'accepted',
      zoomEvent: 'meeting.created',
      bytes: body.length,
    });
    expect(received?.requestId).toBe(headers['x-zm-request-id']);
    expect(logOf('attempt_failed', id)).toMatchObject({ attempt: 1, outcome: 'unavailable', status: 502 });
    await eventually('logged as delivered', () => logOf('delivered', id));
    expect(logOf('delivered', id)).toMatchObject({ attempt: 2, status: 200, consumer: 'recall' });
  });

  test('what is queued when the relay stops is delivered by the next one', async () => {
    const own = await createStore();
    const first = await startTestRelay(own.url, { env: { RETRY_SCHEDULE: '500ms' } });
    const body = uniqueBody();
    first.recall.misbehave(answering(503));
    expect((await first.post(body)).status).toBe(204);
    await first.recall.seen((request) => request.body.equals(body));
    await first.stop();
    const second = await startTestRelay(own.url);
    await second.recall.seen((request) => request.body.equals(body) && request.status === 200);
    await second.stop();
    await own.remove();
  });
});
