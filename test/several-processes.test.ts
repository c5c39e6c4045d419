import { afterEach, describe, expect, test } from 'vitest';
import { recallConsumer } from '../src/delivery/names.ts';
import { uniqueBody } from './support/bodies.ts';
import { engines } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { defaultApp, startTestRelay, type TestRelay } from './support/test-relay.ts';

const running: TestRelay[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((relay) => relay.stop()));
});

async function start(url: string, role: 'edge' | 'worker', recallBaseUrl?: string): Promise<TestRelay> {
  const env = recallBaseUrl === undefined ? {} : { env: { RECALL_BASE_URL: recallBaseUrl } };
  const relay = await startTestRelay(url, { role: [role], ...env });
  running.push(relay);
  return relay;
}

const shared = engines.filter(({ engine }) => engine !== 'embedded');

describe.each(shared)('several edges and workers on one $engine', ({ createStore }) => {
  test('an edge has no worker, a worker no public listener, and together they deliver', async () => {
    const store = await createStore();
    const worker = await start(store.url, 'worker');
    const edge = await start(store.url, 'edge', worker.recall.baseUrl);
    expect(worker.relay.publicUrl).toBeUndefined();
    const body = uniqueBody();
    expect((await edge.post(body)).status).toBe(204);
    await worker.recall.seen((request) => request.body.equals(body));
  });

  test('the same notifications at two edges at the same instant are one delivery each, called new exactly once', async () => {
    const store = await createStore();
    const worker = await start(store.url, 'worker');
    const edges = await Promise.all([start(store.url, 'edge'), start(store.url, 'edge')]);
    const bodies = Array.from({ length: 100 }, () => uniqueBody());
    await Promise.all(bodies.flatMap((body) => edges.map((edge) => edge.post(body))));
    const counts = edges.map((edge) => edge.relay.intakeCounts(defaultApp));
    expect(counts.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(100);
    expect(counts.reduce((sum, { duplicate }) => sum + duplicate, 0)).toBe(100);
    await eventually('all delivered', async () => {
      const { delivered, pending } = await worker.relay.consumerCounts(defaultApp, recallConsumer);
      return delivered === 100 && pending === 0;
    });
    expect(worker.recall.requests).toHaveLength(100);
  });
});
