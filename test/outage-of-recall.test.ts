import { afterEach, describe, expect, test } from 'vitest';
import { recallConsumer } from '../src/delivery/names.ts';
import { answering, startRecallStandIn } from '../src/demo/recall-stand-in.ts';
import { writeAppsFile } from './support/apps-file.ts';
import { uniqueBody } from './support/bodies.ts';
import { engines } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { defaultApp, oauthAppId, startTestRelay, type TestRelay, testSecret } from './support/test-relay.ts';

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of running.splice(0).toReversed()) await part.stop();
});

async function start(
  createStore: (typeof engines)[number]['createStore'],
  env: Record<string, string>,
): Promise<TestRelay> {
  const store = await createStore();
  running.push({ stop: store.remove });
  const relay = await startTestRelay(store.url, { env });
  running.push(relay);
  return relay;
}

/** The log lines of that event. */
function linesOf(relay: TestRelay, event: string): Record<string, unknown>[] {
  return relay.logged.filter((line) => line.event === event);
}

async function allDelivered(relay: TestRelay, count: number): Promise<void> {
  await eventually('all delivered', async () => {
    const counts = await relay.relay.consumerCounts(defaultApp, recallConsumer);
    return counts.delivered === count && counts.pending === 0;
  });
}

describe.each(engines)('on $engine', ({ createStore }) => {
  test('an outage opens the circuit after five, costs no attempts, and drains by itself in order of arrival', async () => {
    const relay = await start(createStore, { DELIVERY_CONCURRENCY: '1', RETRY_SCHEDULE: '4s,24h' });
    relay.recall.misbehaveAlways((request) => request.socket.destroy());
    const during = Array.from({ length: 20 }, () => uniqueBody());
    for (const body of during) expect((await relay.post(body)).status).toBe(204);
    await eventually('open', () => linesOf(relay, 'circuit_open').length === 1);
    expect(linesOf(relay, 'attempt_failed')).toHaveLength(5);

    const whileOpen = Array.from({ length: 10 }, () => uniqueBody());
    for (const body of whileOpen) expect((await relay.post(body)).status).toBe(204);
    const requestsWhenOpen = relay.recall.requests.length;
    const probe = Promise.withResolvers<() => void>();
    relay.recall.misbehaveAlways((_request, response) => probe.resolve(() => response.writeHead(200).end()));
    const answerProbe = await probe.promise;
    expect(linesOf(relay, 'circuit_half_open')).toHaveLength(1);
    expect(relay.recall.requests).toHaveLength(requestsWhenOpen + 1);
    relay.recall.misbehaveAlways();
    answerProbe();

    await eventually('closed', () => linesOf(relay, 'circuit_closed').length === 1);
    await allDelivered(relay, 30);
    // Nobody was charged twice: the schedule has its next step in 24 hours.
    expect(linesOf(relay, 'dead')).toEqual([]);
    for (const line of linesOf(relay, 'delivered')) expect(line.attempt).toBeLessThanOrEqual(2);
    const positions = whileOpen.map((body) => relay.recall.requests.findIndex((request) => request.body.equals(body)));
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
  });

  test('429 with Retry-After: the whole queue waits that long and no attempt is spent', async () => {
    const relay = await start(createStore, { RETRY_SCHEDULE: '100ms' });
    relay.recall.misbehave(answering(429, { 'retry-after': '2' }));
    const first = uniqueBody();
    await relay.post(first);
    await eventually('throttled', () => linesOf(relay, 'circuit_throttled').length === 1);
    const throttledAtMs = Date.now();
    const second = uniqueBody();
    await relay.post(second);
    await allDelivered(relay, 2);
    const later = relay.recall.requests.slice(1);
    expect(later).toHaveLength(2);
    for (const request of later) expect(request.atMs - throttledAtMs).toBeGreaterThan(1500);
    expect(linesOf(relay, 'delivered').map(({ attempt }) => attempt)).toEqual([1, 1]);
  });

  test('a delivery past its deadline is dead without being sent', async () => {
    const relay = await start(createStore, {
      RETRY_SCHEDULE: '2s',
      DELIVERY_DEADLINE: '3s',
      DELIVERY_CONCURRENCY: '1',
    });
    relay.recall.misbehaveAlways(answering(429, { 'retry-after': '4' }));
    await relay.post(uniqueBody());
    const line = await eventually('dead', () => linesOf(relay, 'dead')[0]);
    expect(line).toMatchObject({ reason: 'deadline_passed', error: 'not sent' });
    expect(relay.recall.requests).toHaveLength(1);
    await eventually('counted', async () => {
      const { dead, pending } = await relay.relay.consumerCounts(defaultApp, recallConsumer);
      return dead === 1 && pending === 0;
    });
  });

  test('refused because it is old, it goes out once more with a fresh signature; both are on record', async () => {
    const relay = await start(createStore, { SIGNATURE_TOLERANCE_SEC: '1', RETRY_SCHEDULE: '2s,100ms' });
    relay.recall.misbehave(answering(500), answering(401));
    const body = uniqueBody();
    await relay.post(body);
    await allDelivered(relay, 1);
    const sent = relay.recall.requests.map(({ headers }) => headers['x-zm-signature']);
    expect(sent).toHaveLength(3);
    expect(sent[0]).toBe(sent[1]);
    expect(sent[2]).not.toBe(sent[1]);
    expect(relay.recall.requests[2]?.status).toBe(200); // the stand-in verified it
    expect(linesOf(relay, 'delivered')[0]).toMatchObject({ resigned: true, attempt: 3 });
  });
});

test('a dead or slow consumer changes neither the deliveries of another app nor intake', async () => {
  const [slow, well] = [
    await startRecallStandIn(oauthAppId, [testSecret]),
    await startRecallStandIn(oauthAppId, [testSecret]),
  ];
  running.push({ stop: slow.close }, { stop: well.close });
  const entry = (recallBaseUrl: string) => ({ secret: testSecret.reveal(), zoomOauthAppId: oauthAppId, recallBaseUrl });
  const apps = await writeAppsFile({ slow: entry(slow.baseUrl), well: entry(well.baseUrl) });
  running.push({ stop: apps.remove });
  const store = await engines[1].createStore();
  const relay = await startTestRelay(store.url, {
    env: { ...apps.env, DELIVERY_TIMEOUT_MS: '2000', DELIVERY_CONCURRENCY: '2' },
  });
  running.push(relay);
  slow.misbehaveAlways(() => {}); // accepts connections, never answers
  const bodies = Array.from({ length: 50 }, () => uniqueBody());
  for (const body of bodies) expect((await relay.post(body, { path: '/webhooks/zoom/slow' })).status).toBe(204);
  await slow.seen(() => true);
  for (const body of bodies) expect((await relay.post(body, { path: '/webhooks/zoom/well' })).status).toBe(204);
  await Promise.all(bodies.map((body) => well.seen((request) => request.body.equals(body))));
  // All of the well one's are there while the slow one's first two are still waited for.
  expect(linesOf(relay, 'attempt_failed')).toEqual([]);
});
