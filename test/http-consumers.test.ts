import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { privateAddressCode } from '../src/consumers/public-connector.ts';
import { type ConsumerKey, recallConsumer } from '../src/delivery/names.ts';
import { zoomHeaders } from '../src/demo/zoom-stand-in.ts';
import { writeAppsFile } from './support/apps-file.ts';
import { trickyBodies, uniqueBody } from './support/bodies.ts';
import { startEndpoint, type TestEndpoint } from './support/endpoint.ts';
import { engines, type TestStore } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { stopAfterEach } from './support/keep.ts';
import { defaultApp, oauthAppId, startTestRelay, type TestRelay, testSecret } from './support/test-relay.ts';

const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;
const keep = stopAfterEach();

/** A relay whose app `default` has these consumers besides Recall, which may all be on loopback. */
async function startWith(
  storeUrl: string,
  consumers: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string>> = {},
): Promise<TestRelay> {
  return startTestRelay(storeUrl, {
    env: async (recallBaseUrl) => {
      const entry = { secret: testSecret.reveal(), zoomOauthAppId: oauthAppId, recallBaseUrl };
      const file = await writeAppsFile({
        default: { ...entry, consumers, allowPrivateHosts: ['127.0.0.1'] },
      });
      return { ...file.env, ...env };
    },
  });
}

describe.each(engines)('on $engine', ({ createStore }) => {
  let store: TestStore;
  beforeAll(async () => {
    store = await createStore();
  });
  afterAll(() => store.remove());

  test("a consumer gets what its filter names, Recall gets everything, and each app's own log says who", async () => {
    const [all, exact, prefix] = await Promise.all([1, 2, 3].map(() => keep(startEndpoint())));
    const relay = await keep(
      startWith(store.url, {
        all: { url: `${all?.url}/all?key=1` },
        exact: { url: exact?.url, events: ['user.updated'] },
        prefix: { url: prefix?.url, events: ['meeting.*'] },
      }),
    );
    const created = uniqueBody('meeting.created');
    const updated = uniqueBody('user.updated');
    const unnamed = Buffer.from(trickyBodies['invalid UTF-8'] ?? '');
    const last = [uniqueBody('meeting.ended'), uniqueBody('user.updated')];
    for (const body of [created, updated, unnamed, ...last]) expect((await relay.post(body)).status).toBe(204);
    await Promise.all([...last, unnamed].map((body) => relay.recall.seen((request) => request.body.equals(body))));
    await Promise.all([created, updated, unnamed, ...last].map((body) => all?.got(body)));
    await Promise.all([exact?.got(last[1] as Buffer), prefix?.got(last[0] as Buffer)]);
    const idle = (key: string) => relay.relay.consumerCounts(defaultApp, key as ConsumerKey);
    await eventually('all done', async () => (await idle('all')).delivered === 5);
    expect(all?.requests.map(({ path }) => path)).toEqual(Array.from({ length: 5 }, () => '/all?key=1'));
    expect(exact?.requests.map(({ body }) => body.toString()).toSorted()).toEqual(
      [updated, last[1]].map(String).toSorted(),
    );
    expect(prefix?.requests.map(({ body }) => body.toString()).toSorted()).toEqual(
      [created, last[0]].map(String).toSorted(),
    );
  });

  test("bytes and Zoom's headers are the same at a consumer as at Recall", async () => {
    const endpoint = await keep(startEndpoint());
    const relay = await keep(startWith(store.url, { crm: { url: endpoint.url } }));
    for (const bytes of Object.values(trickyBodies)) {
      const body = Buffer.concat([bytes, Buffer.from(' ')]); // others of this file have sent them too
      const headers = zoomHeaders(testSecret, body, Date.now());
      await relay.post(body, { headers });
      const [atRecall, here] = await Promise.all([
        relay.recall.seen((request) => request.body.equals(body)),
        endpoint.got(body),
      ]);
      const { host: _a, ...forRecall } = atRecall.headers;
      const { host: _b, ...forUs } = here.headers;
      expect(forUs).toEqual(forRecall);
      expect(here.headers['x-zm-signature']).toBe(headers['x-zm-signature']);
    }
  });

  test('the official Standard Webhooks package accepts what is sent, each attempt freshly signed, Zoom’s signature stays here', async () => {
    const [current, previous] = [newSecret(), newSecret()];
    let failures = 1;
    const endpoint = await keep(
      startEndpoint((_request, response) => {
        failures -= 1;
        response.writeHead(failures >= 0 ? 500 : 200).end();
      }),
    );
    const relay = await keep(
      startWith(
        store.url,
        {
          crm: {
            url: endpoint.url,
            signature: { standardWebhooks: [{ env: 'CRM_SECRET' }, { env: 'CRM_SECRET_BEFORE' }] },
            retrySchedule: ['1500ms'],
          },
        },
        { CRM_SECRET: current, CRM_SECRET_BEFORE: previous },
      ),
    );
    const body = uniqueBody('meeting.created');
    await relay.post(body);
    await eventually('second attempt', () => endpoint.requests.length === 2);
    const [first, second] = endpoint.requests;
    for (const request of [first, second]) {
      const headers = request?.headers as Record<string, string>;
      for (const secret of [current, previous]) {
        expect(new Webhook(secret).verify(request?.body ?? '', headers)).toEqual(JSON.parse(body.toString()));
      }
      expect(() => new Webhook(newSecret()).verify(request?.body ?? '', headers)).toThrow();
      expect(() => new Webhook(current).verify(Buffer.from('{}'), headers)).toThrow();
      expect(request?.headers['webhook-id']).toMatch(/^[0-9a-f]{32}$/);
      expect(request?.headers).not.toHaveProperty('x-zm-signature');
      expect(request?.headers).not.toHaveProperty('x-zm-request-timestamp');
    }
    expect(first?.headers['webhook-id']).toBe(second?.headers['webhook-id']);
    expect(Number(second?.headers['webhook-timestamp'])).toBeGreaterThan(Number(first?.headers['webhook-timestamp']));
  });

  test('a consumer that takes for ever, with one attempt at a time, does not hold up Recall', async () => {
    const releases: (() => void)[] = [];
    const slow = await keep(startEndpoint((_request, response) => void releases.push(() => response.end())));
    const relay = await keep(startWith(store.url, { slow: { url: slow.url, concurrency: 1, timeout: '2m' } }));
    const bodies = Array.from({ length: 15 }, () => uniqueBody());
    await Promise.all(bodies.map((body) => relay.post(body)));
    await Promise.all(bodies.map((body) => relay.recall.seen((request) => request.body.equals(body))));
    await eventually('the slow one has begun', () => slow.requests.length === 1);
    expect(slow.requests).toHaveLength(1); // all of them are at Recall and it has not answered once
    await eventually('all answered', async () => {
      for (const release of releases.splice(0)) release();
      const counts = await relay.relay.consumerCounts(defaultApp, 'slow' as ConsumerKey);
      return counts.delivered === bodies.length;
    });
  });

  test('a name that leads to a private address is not connected to, and Recall gets its own all the same', async () => {
    const inside = await keep(startEndpoint());
    const { port } = new URL(inside.url);
    const relay = await keep(
      startWith(store.url, { inside: { url: `https://localhost:${port}/`, retrySchedule: ['100ms', '24h'] } }),
    );
    const body = uniqueBody();
    await relay.post(body);
    await relay.recall.seen((request) => request.body.equals(body));
    await eventually('two attempts failed', () => {
      const failed = relay.logged.filter(({ event, consumer }) => event === 'attempt_failed' && consumer === 'inside');
      return failed.length >= 2 && failed.every(({ error }) => error === privateAddressCode);
    });
    expect(inside.connections()).toBe(0);
  });

  test('a rate limit holds the consumer and nobody else', async () => {
    const limited = await keep(startEndpoint());
    const relay = await keep(startWith(store.url, { limited: { url: limited.url, rateLimit: { max: 2, per: '1h' } } }));
    const bodies = Array.from({ length: 6 }, () => uniqueBody());
    await Promise.all(bodies.map((body) => relay.post(body)));
    await Promise.all(bodies.map((body) => relay.recall.seen((request) => request.body.equals(body))));
    await eventually('two delivered', async () => {
      const { delivered } = await relay.relay.consumerCounts(defaultApp, 'limited' as ConsumerKey);
      return delivered === 2;
    });
    expect(limited.requests).toHaveLength(2);
    expect(await relay.relay.consumerCounts(defaultApp, 'limited' as ConsumerKey)).toMatchObject({ pending: 4 });
  });

  test('a copy of a notification brings a new consumer what it lacks and repeats nothing at Recall', async () => {
    const own = await createStore();
    const before = await startWith(own.url, {});
    const body = uniqueBody();
    await before.post(body);
    await before.recall.seen((request) => request.body.equals(body));
    await eventually(
      'done',
      async () => (await before.relay.consumerCounts(defaultApp, recallConsumer)).delivered === 1,
    );
    await before.stop();
    const added = await keep<TestEndpoint>(startEndpoint());
    const relay = await startWith(own.url, { added: { url: added.url } });
    for (const _copy of [1, 2]) expect((await relay.post(body)).status).toBe(204);
    await added.got(body);
    await eventually('done', async () => {
      return (await relay.relay.consumerCounts(defaultApp, 'added' as ConsumerKey)).delivered === 1;
    });
    expect(relay.logged.filter(({ event }) => event === 'received').map(({ result }) => result)).toEqual([
      'accepted',
      'duplicate',
    ]);
    expect(added.requests).toHaveLength(1);
    expect(relay.recall.requests).toHaveLength(0);
    await relay.stop();
    await own.remove();
  });
});
