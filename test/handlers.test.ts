import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConsumerKey, notificationIdOf, recallConsumer } from '../src/delivery/names.ts';
import { startRecallStandIn } from '../src/demo/recall-stand-in.ts';
import { readSample, type SampleName } from '../src/demo/samples.ts';
import { postAsZoom, zoomHeaders } from '../src/demo/zoom-stand-in.ts';
import { Secret } from '../src/secret.ts';
import { writeAppsFile } from './support/apps-file.ts';
import { type Answer, startEndpoint } from './support/endpoint.ts';
import { engines, type TestStore } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { stopAfterEach } from './support/keep.ts';
import { type RelayProcess, spawnRelay } from './support/relay-process.ts';
import {
  defaultApp,
  oauthAppId,
  startTestRelay,
  type TestRelay,
  testEnvironment,
  testSecret,
} from './support/test-relay.ts';

const pathOf = (name: string): string => fileURLToPath(new URL(`fixtures/handlers/${name}.ts`, import.meta.url));
const modulePath = pathOf('reporting');
const keep = stopAfterEach();

/** What a handler told the endpoint it was given. */
interface Handled {
  readonly name: string;
  readonly event: { readonly event: string };
  readonly app: string;
  readonly notificationId: string;
  readonly attempt: number;
  readonly receivedAt: string;
  readonly sha256: string;
}

/** Where the handlers of the fixture report; `decide` says what each is to do. */
async function startHandlerEndpoint(decide: (handled: Handled) => number | 'hang' = () => 200) {
  const handled: Handled[] = [];
  const answer: Answer = ({ body }, response) => {
    const report: Handled = JSON.parse(body.toString());
    handled.push(report);
    const status = decide(report);
    if (status !== 'hang') response.writeHead(status).end('the endpoint said so');
  };
  const endpoint = await startEndpoint(answer);
  process.env.HANDLER_REPORT_URL = endpoint.url;
  return {
    ...endpoint,
    handled,
    of: (name: string, body?: Uint8Array) => {
      const id = body && notificationIdOf(body);
      return handled.filter((report) => report.name === name && (id === undefined || report.notificationId === id));
    },
  };
}

let serial = Date.now();
function sample(name: SampleName): Uint8Array {
  serial += 1;
  return readSample(name, serial);
}

describe.each(engines)('on $engine', ({ createStore }) => {
  let store: TestStore;
  beforeAll(async () => {
    store = await createStore();
  });
  afterAll(() => store.remove());

  const startRelayWithHandlers = (env: Record<string, string> = {}): Promise<TestRelay> =>
    startTestRelay(store.url, { env: { HANDLERS: modulePath, ...env } });
  const countsOf = (relay: TestRelay, key: string) => relay.relay.consumerCounts(defaultApp, key as ConsumerKey);

  test('every handler whose name, prefix or wildcard fits runs once, with the event, the bytes and its ids', async () => {
    const endpoint = await keep(startHandlerEndpoint());
    const relay = await keep(startRelayWithHandlers());
    const created = sample('meeting.created');
    const recording = sample('recording.completed');
    for (const body of [created, created, recording, Buffer.from('not JSON')]) {
      expect((await relay.post(body)).status).toBe(204);
    }
    await eventually('all ran', () => endpoint.handled.length >= 5);
    await relay.recall.seen((request) => request.body.equals(Buffer.from('not JSON')));
    const ran = endpoint.handled.map(({ name, event }) => `${name} ${event.event}`);
    expect(ran.toSorted()).toEqual([
      'created meeting.created',
      'created-again meeting.created',
      'everything meeting.created',
      'everything recording.completed',
      'recording recording.completed',
    ]);
    const [first] = endpoint.of('created');
    expect(first).toMatchObject({
      app: 'default',
      attempt: 1,
      notificationId: notificationIdOf(created),
      sha256: createHash('sha256').update(created).digest('hex'),
      event: JSON.parse(Buffer.from(created).toString()),
    });
    expect(Math.abs(Date.parse(first?.receivedAt ?? '') - Date.now())).toBeLessThan(60_000);
    await eventually('its log line has the ids', () => {
      return relay.logged.find(({ msg, handler, consumer, app, notificationId }) => {
        const isOurs = msg === 'handling' && handler === 'created' && app === 'default';
        return isOurs && consumer === 'on-meeting-created' && notificationId === first?.notificationId;
      });
    });
  });

  test('ten copies at the same instant run a handler once', async () => {
    const endpoint = await keep(startHandlerEndpoint());
    const relay = await keep(startRelayWithHandlers());
    const body = sample('meeting.created');
    await Promise.all(Array.from({ length: 10 }, () => relay.post(body)));
    await eventually('done', async () => (await countsOf(relay, 'on-meeting-created')).pending === 0);
    expect(endpoint.of('created', body)).toHaveLength(1);
  });

  test('a handler that throws ten times runs by its own schedule and neither delays nor repeats the delivery to Recall', async () => {
    const endpoint = await keep(startHandlerEndpoint(({ name }) => (name === 'ended' ? 500 : 200)));
    const relay = await keep(startRelayWithHandlers());
    const body = Buffer.from(sample('meeting.ended'));
    const before = await countsOf(relay, 'on-meeting-ended');
    await relay.post(body);
    await relay.recall.seen((request) => request.body.equals(body));
    expect(endpoint.of('ended', body).length).toBeLessThan(10); // Recall has it while the handler still fails
    await eventually('dead', async () => (await countsOf(relay, 'on-meeting-ended')).dead === before.dead + 1);
    expect(endpoint.of('ended', body).map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(relay.recall.requests.filter((request) => request.body.equals(body))).toHaveLength(1);
    const dead = relay.logged.find(({ event, consumer }) => event === 'dead' && consumer === 'on-meeting-ended');
    expect(dead).toMatchObject({ outcome: 'failed', error: 'TypeError', reason: 'attempts_exhausted', attempt: 10 });
    expect(JSON.stringify(relay.logged)).not.toContain('the endpoint said so');
  });

  test('a handler that gives up is dead at once, and the log says why', async () => {
    const endpoint = await keep(startHandlerEndpoint(({ name }) => (name === 'created-again' ? 410 : 200)));
    const relay = await keep(startRelayWithHandlers());
    const body = sample('meeting.created');
    await relay.post(body);
    const line = await eventually('dead', () => {
      return relay.logged.find(({ event, consumer }) => event === 'dead' && consumer === 'created-again');
    });
    expect(line).toMatchObject({ reason: 'gave_up', detail: 'the endpoint said so', attempt: 1 });
    expect(endpoint.of('created-again', body)).toHaveLength(1);
    expect(relay.logged.find(({ event, consumer }) => event === 'dead' && consumer === 'everything')).toBeUndefined();
  });

  test('a handler that takes too long is aborted by its signal and runs again', async () => {
    let hangs = 2;
    const endpoint = await keep(
      startHandlerEndpoint(({ name }) => {
        if (name !== 'user') return 200;
        hangs -= 1;
        return hangs >= 0 ? 'hang' : 200;
      }),
    );
    const relay = await keep(startRelayWithHandlers());
    const body = sample('user.updated');
    await relay.post(body);
    await eventually('third attempt', () => endpoint.of('user', body).length === 3);
    const failed = relay.logged.filter(
      ({ event, consumer }) => event === 'attempt_failed' && consumer === 'on-user-updated',
    );
    expect(failed.map(({ outcome, error }) => [outcome, error])).toEqual([
      ['unavailable', 'timeout'],
      ['unavailable', 'timeout'],
    ]);
  });

  test('a handler of one app does not run for another', async () => {
    const endpoint = await keep(startHandlerEndpoint());
    const secrets = { acme: 'the-secret-of-acme-corporation', umbrella: 'the-secret-of-umbrella-inc' };
    const relay = await keep(
      startTestRelay(store.url, {
        env: async (recallBaseUrl) => {
          const entry = (secret: string) => ({ secret, zoomOauthAppId: oauthAppId, recallBaseUrl });
          const file = await writeAppsFile({ acme: entry(secrets.acme), umbrella: entry(secrets.umbrella) });
          return { ...file.env, HANDLERS: pathOf('of-one-app') };
        },
      }),
    );
    for (const [key, secret] of Object.entries(secrets)) {
      const body = sample('meeting.created');
      await relay.post(body, { path: `/webhooks/zoom/${key}`, secret: new Secret(secret) });
    }
    await eventually('all ran', () => endpoint.handled.length === 3);
    expect(endpoint.of('created-acme').map(({ app }) => app)).toEqual(['acme']);
    expect(
      endpoint
        .of('created')
        .map(({ app }) => app)
        .toSorted(),
    ).toEqual(['acme', 'umbrella']);
  });

  test('a handler killed while it runs runs again with the same notificationId', async () => {
    let hangs = true;
    const endpoint = await keep(startHandlerEndpoint(({ name }) => (name === 'created' && hangs ? 'hang' : 200)));
    const recall = await startRecallStandIn(oauthAppId, [testSecret]);
    const own = await createStore();
    const env = {
      ...testEnvironment(own.url, recall.baseUrl),
      HANDLERS: modulePath,
      HANDLER_REPORT_URL: endpoint.url,
    };
    const body = sample('meeting.created');
    const first = spawnRelay(['start'], env);
    await first.logged('store_ready');
    await postTo(first, body);
    await eventually('it runs', () => endpoint.of('created', body).length === 1);
    first.child.kill('SIGKILL');
    await first.ended;
    hangs = false;
    const second = spawnRelay(['start'], env);
    await eventually('it runs again', () => endpoint.of('created', body).length === 2);
    expect(endpoint.of('created', body).map(({ attempt }) => attempt)).toEqual([1, 1]);
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
    await recall.close();
    await own.remove();
  });
});

async function postTo(relay: RelayProcess, body: Uint8Array): Promise<void> {
  const { public: url } = await relay.logged('listening');
  const answer = await postAsZoom(
    new URL('/webhooks/zoom', String(url)),
    zoomHeaders(testSecret, body, Date.now()),
    body,
  );
  expect(answer.status).toBe(204);
}

describe('with roles split', () => {
  test('a handler that blocks its worker delays no acknowledgement', async () => {
    const { engine: _engine, createStore } = engines[1];
    const store = await createStore();
    const recall = await startRecallStandIn(oauthAppId, [testSecret]);
    const blocking = pathOf('blocking');
    const env = { ...testEnvironment(store.url, recall.baseUrl), HANDLERS: blocking };
    const [edge, worker] = [
      spawnRelay(['start', '--role', 'edge'], env),
      spawnRelay(['start', '--role', 'worker'], env),
    ];
    await Promise.all([edge.logged('store_ready'), worker.logged('store_ready')]);
    await postTo(edge, sample('meeting.created'));
    await worker.logged('handler'); // from here on its thread is taken
    for (const _ of Array.from({ length: 20 })) await postTo(edge, sample('meeting.ended'));
    expect(worker.lines.some((line) => line.includes('the thread is free again'))).toBe(false);
    for (const relay of [edge, worker]) relay.child.kill('SIGKILL');
    await Promise.all([edge.ended, worker.ended]);
    await recall.close();
    await store.remove();
  });
});

test('a rejection that a handler forgot is logged, and the relay goes on', async () => {
  const { createStore } = engines[1];
  const store = await createStore();
  const recall = await startRecallStandIn(oauthAppId, [testSecret]);
  const relay = spawnRelay(['start'], { ...testEnvironment(store.url, recall.baseUrl), HANDLERS: pathOf('forgetful') });
  await relay.logged('store_ready');
  await postTo(relay, sample('meeting.created'));
  expect(await relay.logged('unhandled_rejection')).toMatchObject({ err: { type: 'TypeError', message: 'forgotten' } });
  await postTo(relay, sample('meeting.ended'));
  relay.child.kill('SIGTERM');
  expect(await relay.ended).toBe(0);
  await recall.close();
  await store.remove();
});

test('deliveries to Recall are counted apart from those to handlers', async () => {
  const { createStore } = engines[1];
  const store = await createStore();
  await keep(startHandlerEndpoint(({ name }) => (name === 'ended' ? 500 : 200)));
  const relay = await keep(startTestRelay(store.url, { env: { HANDLERS: modulePath } }));
  const body = Buffer.from(sample('meeting.ended'));
  await relay.post(body);
  await relay.recall.seen((request) => request.body.equals(body));
  await eventually('delivered', async () => {
    return (await relay.relay.consumerCounts(defaultApp, recallConsumer)).delivered === 1;
  });
  expect(await relay.relay.consumerCounts(defaultApp, 'on-meeting-ended' as ConsumerKey)).toMatchObject({
    delivered: 0,
    accepted: 1,
  });
});
