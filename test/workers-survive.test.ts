import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { recallConsumer } from '../src/delivery/names.ts';
import { answering, type RecallStandIn, startRecallStandIn } from '../src/demo/recall-stand-in.ts';
import { publishedSecret } from '../src/demo/samples.ts';
import { postAsZoom, zoomHeaders } from '../src/demo/zoom-stand-in.ts';
import { uniqueBody } from './support/bodies.ts';
import { createRedisDatabase, engines } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { type RelayProcess, spawnRelay } from './support/relay-process.ts';
import { defaultApp, oauthAppId, startTestRelay, testEnvironment, testSecret } from './support/test-relay.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanups.splice(0).toReversed()) await cleanUp();
});

async function startRecall(): Promise<RecallStandIn> {
  const recall = await startRecallStandIn(oauthAppId, [testSecret, publishedSecret]);
  cleanups.push(recall.close);
  return recall;
}

async function startProcess(role: string, storeUrl: string, recall: RecallStandIn): Promise<RelayProcess> {
  const env = { ...testEnvironment(storeUrl, recall.baseUrl), DELIVERY_TIMEOUT_MS: '2000' };
  const relay = spawnRelay(['start', '--role', role], env);
  cleanups.push(async () => {
    relay.child.kill('SIGKILL');
    await relay.ended;
  });
  await relay.logged('store_ready');
  return relay;
}

const post = (endpoint: URL, body: Uint8Array) => postAsZoom(endpoint, zoomHeaders(testSecret, body, Date.now()), body);
const shared = engines.filter(({ engine }) => engine !== 'embedded');

describe.each(shared)('on $engine', ({ createStore }) => {
  test('a worker killed in the middle of a POST: another takes the delivery over', async () => {
    const [recall, store] = [await startRecall(), await createStore()];
    const edge = await startTestRelay(store.url, { role: ['edge'] });
    cleanups.push(edge.stop);
    const first = await startProcess('worker', store.url, recall);
    recall.misbehaveAlways(() => {}); // takes the request and says nothing
    const body = uniqueBody();
    await edge.post(body);
    await recall.seen((request) => request.body.equals(body));
    first.child.kill('SIGKILL');
    recall.misbehaveAlways();
    await startProcess('worker', store.url, recall);
    await recall.seen((request) => request.body.equals(body) && request.status === 200);
  });

  test('a rolling restart of edges and workers under load: nothing acknowledged is lost, every process exits 0', async () => {
    const [recall, store] = [await startRecall(), await createStore()];
    const edges = [await startProcess('edge', store.url, recall), await startProcess('edge', store.url, recall)];
    const workers = [await startProcess('worker', store.url, recall), await startProcess('worker', store.url, recall)];
    const acknowledged: Buffer[] = [];
    let isOver = false;
    const endpointOf = async (edge: RelayProcess) =>
      new URL('/webhooks/zoom', String((await edge.logged('listening')).public));
    const load = (async () => {
      while (!isOver) {
        const body = uniqueBody();
        for (const edge of edges) {
          // A load balancer asks the next one when one refuses or is gone.
          const status = await post(await endpointOf(edge), body).then(
            (answer) => answer.status,
            () => 0,
          );
          if (status === 204) {
            acknowledged.push(body);
            break;
          }
          expect([0, 503]).toContain(status);
        }
      }
    })();
    for (const group of [edges, workers]) {
      for (const index of [0, 1]) {
        const old = group[index];
        old?.child.kill('SIGTERM');
        expect(await old?.ended).toBe(0);
        group[index] = await startProcess(group === edges ? 'edge' : 'worker', store.url, recall);
      }
    }
    isOver = true;
    await load;
    expect(acknowledged.length).toBeGreaterThan(50);
    await Promise.all(acknowledged.map((body) => recall.seen((request) => request.body.equals(body))));
  });
});

test('a lost LISTEN connection of PostgreSQL: deliveries go on within seconds', async () => {
  const store = await engines[2].createStore();
  const relay = await startTestRelay(store.url);
  cleanups.push(relay.stop);
  const client = new Client({ connectionString: store.url });
  await client.connect();
  await client.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()',
  );
  await client.end();
  const body = await eventually('a notification is accepted', async () => {
    const candidate = uniqueBody();
    return (await relay.post(candidate)).status === 204 && candidate;
  });
  await relay.recall.seen((request) => request.body.equals(body));
});

test('20 producers with 200 notifications each, several workers: exactly 4,000 deliveries, none starved', async () => {
  const store = await createRedisDatabase();
  const recall = await startRecall();
  const env = { RECALL_BASE_URL: recall.baseUrl };
  const relays = await Promise.all(Array.from({ length: 4 }, () => startTestRelay(store.url, { env })));
  cleanups.push(...relays.map((relay) => relay.stop));
  const producers = Array.from({ length: 20 }, async (_nothing, index) => {
    for (let sent = 0; sent < 200; sent += 1) {
      expect((await relays[index % relays.length]?.post(uniqueBody()))?.status).toBe(204);
    }
  });
  await Promise.all(producers);
  await eventually('all delivered', async () => {
    const counts = await relays[0]?.relay.consumerCounts(defaultApp, recallConsumer);
    return counts?.delivered === 4000 && counts.pending === 0;
  });
  expect(new Set(recall.requests.map(({ sha256 }) => sha256)).size).toBe(4000);
  expect(recall.requests).toHaveLength(4000);
  for (const relay of relays)
    expect(relay.logged.filter(({ event }) => event === 'delivered').length).toBeGreaterThan(0);
});

test('an empty schedule is exactly one attempt', async () => {
  const relay = await startTestRelay((await createRedisDatabase()).url, { env: { RETRY_SCHEDULE: 'none' } });
  cleanups.push(relay.stop);
  relay.recall.misbehave(answering(500));
  await relay.post(uniqueBody());
  const dead = await eventually('dead', () => relay.logged.find(({ event }) => event === 'dead'));
  expect(dead).toMatchObject({ attempt: 1, reason: 'attempts_exhausted' });
  expect(relay.recall.requests).toHaveLength(1);
});

test('every attempt is kept with its delivery: when, how long, outcome, status, answer, which process', async () => {
  const store = await createRedisDatabase();
  const relay = await startTestRelay(store.url);
  cleanups.push(relay.stop);
  relay.recall.misbehave(answering(500), (request) => request.socket.destroy());
  await relay.post(uniqueBody());
  const line = await eventually('delivered', () => relay.logged.find(({ event }) => event === 'delivered'));
  const client = new Redis(store.url);
  const key = `zoom-relay:{default.recall}:${line.notificationId}`;
  const job = await eventually('noted', async () => {
    const hash = await client.hgetall(key);
    return hash.returnvalue === undefined ? undefined : hash;
  });
  client.disconnect();
  const failed = JSON.parse(job.stacktrace ?? '[]').map((text: string) => JSON.parse(text));
  expect(failed).toMatchObject([
    { attempt: 1, outcome: 'unavailable', status: 500, response: 'the stand-in was told to answer 500' },
    { attempt: 2, outcome: 'unavailable', error: 'UND_ERR_SOCKET' },
  ]);
  const delivered = JSON.parse(job.returnvalue ?? '{}');
  expect(delivered).toMatchObject({
    attempt: 3,
    outcome: 'delivered',
    status: 200,
    worker: expect.stringContaining(`:${process.pid}`),
  });
  for (const record of [...failed, delivered]) {
    expect(record.startedAtMs).toBeGreaterThan(Date.now() - 60_000);
    expect(record.durationMs).toBeGreaterThanOrEqual(0);
  }
});
