import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Environment, loadConfig, roles } from '../src/config.ts';
import { answering } from '../src/demo/recall-stand-in.ts';
import { createLog } from '../src/log.ts';
import { parseTraceparent } from '../src/parse-traceparent.ts';
import { openTracing } from '../src/tracing.ts';
import { uniqueBody } from './support/bodies.ts';
import { createRedisDatabase } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { stopAfterEach } from './support/keep.ts';
import { type RelayProcess, spawnRelay } from './support/relay-process.ts';
import { startTestRelay, testEnvironment, testSecret } from './support/test-relay.ts';

const keep = stopAfterEach();
const processes: RelayProcess[] = [];
afterEach(async () => {
  for (const { child, ended } of processes.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
});

const anyValue = z.object({ stringValue: z.string().optional(), intValue: z.number().optional() });
const attributes = z
  .array(z.object({ key: z.string(), value: anyValue }))
  .transform((list) => Object.fromEntries(list.map(({ key, value }) => [key, value.stringValue ?? value.intValue])));
const span = z.object({
  name: z.string(),
  kind: z.int(),
  traceId: z.string(),
  parentSpanId: z.string().optional(),
  attributes,
  status: z.object({ code: z.int(), message: z.string().optional() }),
});
type Span = z.infer<typeof span>;
const request = z.object({
  resourceSpans: z.array(
    z.object({ resource: z.object({ attributes }), scopeSpans: z.array(z.object({ spans: z.array(span) })) }),
  ),
});
/** As OTLP numbers them. */
const [server, consumer, isError] = [2, 5, 2];

interface Collector {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string;
  readonly paths: readonly string[];
  /** All that came, as text. */
  text(): string;
  spans(name: string): Span[];
  services(): unknown[];
  stop(): Promise<void>;
}

/** An OpenTelemetry collector: takes OTLP over HTTP as JSON. */
async function startCollector(status = 200): Promise<Collector> {
  const received: unknown[] = [];
  const paths: string[] = [];
  const listener = createServer(async (incoming, response) => {
    paths.push(incoming.url ?? '');
    received.push(await json(incoming));
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const resources = () => received.flatMap((body) => request.parse(body).resourceSpans);
  return {
    url: `http://127.0.0.1:${port}`,
    paths,
    text: () => JSON.stringify(received),
    spans: (name) =>
      resources().flatMap(({ scopeSpans }) =>
        scopeSpans.flatMap(({ spans }) => spans.filter((one) => one.name === name)),
      ),
    services: () => resources().map(({ resource }) => resource.attributes['service.name']),
    async stop() {
      listener.closeAllConnections();
      listener.close();
      await once(listener, 'close');
    },
  };
}

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parentSpanId = 'b7ad6b7169203331';
/** Flags as Zoom sends them: not sampled. */
const traceparent = `00-${traceId}-${parentSpanId}-02`;

async function startTraced(collector: Collector, env: Environment = {}) {
  const { url } = await createRedisDatabase();
  return keep(startTestRelay(url, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...env } }));
}

describe('a notification with a traceparent', () => {
  test('and the attempts to deliver it are spans of that trace, whether it is sampled or not', async () => {
    const collector = await keep(startCollector());
    const relay = await startTraced(collector, { OTEL_SERVICE_NAME: 'relay-of-acme' });
    relay.recall.misbehave(answering(503));
    await relay.post(uniqueBody('meeting.created'), { headers: { traceparent } });
    const delivered = await eventually('delivered', () => relay.logged.find(({ event }) => event === 'delivered'));
    await eventually('both attempts have been sent', () => collector.spans('delivery.attempt').length === 2);
    const about = { 'zoom_relay.app': 'default', 'zoom_relay.notification_id': delivered.notificationId };
    expect(collector.spans('zoom.notification')).toEqual([
      {
        name: 'zoom.notification',
        kind: server,
        traceId,
        parentSpanId,
        attributes: { ...about, 'zoom_relay.event': 'meeting.created', 'zoom_relay.result': 'accepted' },
        status: { code: 0 },
      },
    ]);
    const attempt = { name: 'delivery.attempt', kind: consumer, traceId, parentSpanId };
    const of = { ...about, 'zoom_relay.consumer': 'recall' };
    expect(collector.spans('delivery.attempt')).toEqual([
      {
        ...attempt,
        attributes: {
          ...of,
          'zoom_relay.attempt': 1,
          'zoom_relay.outcome': 'unavailable',
          'http.response.status_code': 503,
        },
        status: { code: isError, message: 'unavailable' },
      },
      {
        ...attempt,
        attributes: {
          ...of,
          'zoom_relay.attempt': 2,
          'zoom_relay.outcome': 'delivered',
          'http.response.status_code': 200,
        },
        status: { code: 0 },
      },
    ]);
    expect(new Set(collector.services())).toEqual(new Set(['relay-of-acme']));
    expect(new Set(collector.paths)).toEqual(new Set(['/v1/traces']));
  });

  test('is forwarded with the traceparent as it came, and nothing of tracing besides', async () => {
    const collector = await keep(startCollector());
    const relay = await startTraced(collector);
    const body = uniqueBody();
    await relay.post(body, { headers: { traceparent } });
    const { headers } = await relay.recall.seen((seen) => seen.body.equals(body));
    expect(headers).toMatchObject({ traceparent });
    expect(
      Object.keys(headers)
        .filter((name) => /trace|baggage|b3/.test(name))
        .toSorted(),
    ).toEqual(['traceparent']);
  });
});

test.each([
  ['in capitals', traceparent.toUpperCase()],
  ['of zeros', `00-${'0'.repeat(32)}-${parentSpanId}-01`],
  ['with something appended', `${traceparent}-00`],
  ['of version ff', traceparent.replace('00', 'ff')],
])('a traceparent %s starts a new trace, and is forwarded untouched', async (_what, malformed) => {
  const collector = await keep(startCollector());
  const relay = await startTraced(collector);
  const body = uniqueBody();
  await relay.post(body, { headers: { traceparent: malformed } });
  const { headers } = await relay.recall.seen((seen) => seen.body.equals(body));
  expect(headers.traceparent).toBe(malformed);
  const [notification] = await eventually('sent', () => {
    const spans = collector.spans('zoom.notification');
    return spans.length > 0 && spans;
  });
  expect(notification?.traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
  expect(notification?.traceId).not.toBe(traceId);
  expect(notification?.parentSpanId).toBeUndefined();
});

describe('parsing a traceparent', () => {
  test('flags are read as they are', () => {
    expect(parseTraceparent(traceparent)).toEqual({ traceId, spanId: parentSpanId, traceFlags: 2 });
  });

  test('a later version may append', () => {
    const ids = { traceId, spanId: parentSpanId };
    expect(parseTraceparent(`01-${traceId}-${parentSpanId}-01-what-comes`)).toEqual({ ...ids, traceFlags: 1 });
    expect(parseTraceparent(`01-${traceId}-${parentSpanId}-01.what-comes`)).toBeUndefined();
  });

  test.each([
    '',
    ' ',
    traceId,
    ` ${traceparent}`,
    `${traceparent}\n`,
    traceparent.slice(1),
    `00-${traceId}-${'0'.repeat(16)}-01`,
  ])('%j is none', (text) => expect(parseTraceparent(text)).toBeUndefined());
});

test('what is refused is a span with its code, and no span holds a body, a token or a signature', async () => {
  const collector = await keep(startCollector());
  const relay = await startTraced(collector);
  const body = Buffer.from('{"event":"user.updated","payload":{"password":"in-the-body"}}');
  await relay.post(body);
  const signature = `v0=${'ab'.repeat(32)}`;
  await relay.post(body, { headers: { 'x-zm-signature': signature, authorization: 'legacy-token' } });
  await relay.post('{"event":"endpoint.url_validation","payload":{"plainToken":"plain-token-in-body"}}');
  await eventually('all is sent', () => collector.spans('zoom.notification').length === 3);
  await eventually('and delivered', () => collector.spans('delivery.attempt').length === 1);
  const ends = collector.spans('zoom.notification').map((one) => [one.attributes['zoom_relay.result'], one.status]);
  expect(ends.toSorted()).toEqual([
    ['accepted', { code: 0 }],
    ['challenge', { code: 0 }],
    ['signature_mismatch', { code: isError, message: 'signature_mismatch' }],
  ]);
  const sent = relay.recall.requests.find((seen) => seen.body.equals(body));
  const never = [
    ...['in-the-body', 'plain-token', 'legacy-token', 'v0=', signature.slice(3), testSecret.reveal()],
    String(sent?.headers['x-zm-signature']).slice(3),
  ];
  for (const secret of never) expect(collector.text()).not.toContain(secret);
});

describe('a collector', () => {
  test('gets what is left when the relay stops', async () => {
    const collector = await keep(startCollector());
    const { url } = await createRedisDatabase();
    const relay = await startTestRelay(url, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/` } });
    await relay.post(uniqueBody());
    await eventually('delivered', () => relay.logged.some(({ event }) => event === 'delivered'));
    await relay.stop();
    expect(collector.spans('zoom.notification')).toHaveLength(1);
    expect(collector.spans('delivery.attempt')).toHaveLength(1);
  });

  test('that refuses or is away holds nothing up, and is complained of', async () => {
    const collector = await keep(startCollector(400));
    const away = 'http://127.0.0.1:1/';
    for (const OTEL_EXPORTER_OTLP_ENDPOINT of [collector.url, away]) {
      const { url } = await createRedisDatabase();
      const relay = await startTestRelay(url, { env: { OTEL_EXPORTER_OTLP_ENDPOINT } });
      expect((await relay.post(uniqueBody())).status).toBe(204);
      await eventually('delivered', () => relay.logged.some(({ event }) => event === 'delivered'));
      const startedAtMs = performance.now();
      await relay.stop();
      expect(performance.now() - startedAtMs).toBeLessThan(6000);
      const lost = relay.logged.filter(({ event }) => event === 'traces_lost');
      expect(lost.reduce((sum, { spans }) => sum + Number(spans), 0)).toBe(2);
      expect(lost[0]).toMatchObject({ level: 'warn', err: { message: expect.any(String) } });
    }
  });
});

test('a span ends, and tells the kind of error only, when what it watches throws', async () => {
  const collector = await keep(startCollector());
  const settings = { endpoint: new URL('/custom', collector.url), serviceName: 'x' };
  const tracing = await openTracing(settings, createLog('silent'));
  const failure = new TypeError('with a secret in it');
  await expect(tracing.attempt(undefined, { attempt: 1 }, () => Promise.reject(failure))).rejects.toBe(failure);
  await tracing.close();
  expect(collector.spans('delivery.attempt')).toMatchObject([{ status: { code: isError, message: 'TypeError' } }]);
  expect(collector.text()).not.toContain('secret');
  expect(collector.paths).toEqual(['/custom']);
});

describe('configuration', () => {
  const endpointOf = (env: Environment): string | undefined => {
    const needed = testEnvironment('redis://cache', 'http://127.0.0.1:9');
    return loadConfig({ ...needed, ...env }, roles).tracing?.endpoint.href;
  };

  test('the base URL gets /v1/traces appended, the whole URL comes first and stays as it is', () => {
    const base = 'https://collector.example.com/otlp/';
    expect(endpointOf({ OTEL_EXPORTER_OTLP_ENDPOINT: base })).toBe(`${base}v1/traces`);
    expect(endpointOf({ OTEL_EXPORTER_OTLP_ENDPOINT: base.slice(0, -1) })).toBe(`${base}v1/traces`);
    const own = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:4318/traces' };
    expect(endpointOf({ OTEL_EXPORTER_OTLP_ENDPOINT: base, ...own })).toBe('http://127.0.0.1:4318/traces');
    expect(endpointOf({ OTEL_EXPORTER_OTLP_ENDPOINT: ' ', OTEL_SERVICE_NAME: 'x' })).toBeUndefined();
  });

  test.each(['collector:4318', 'grpc://collector', 'https://key:secret@collector', 'https://collector?key=secret'])(
    '%s is refused without being repeated',
    (url) => {
      const message = /^(?!.*secret).*OTEL_EXPORTER_OTLP_ENDPOINT: must be an http: or https: URL without user/s;
      expect(() => endpointOf({ OTEL_EXPORTER_OTLP_ENDPOINT: url })).toThrow(message);
    },
  );
});

describe('the SDK of OpenTelemetry', () => {
  /** Starts a relay that prints a line for each module of OpenTelemetry's that it loads; prom-client needs the API. */
  async function loadedModules(env: Environment): Promise<number> {
    const hooks = `import { registerHooks } from 'node:module';
      registerHooks({ load(url, context, next) {
        if (/@opentelemetry\\/(?!api\\/)/.test(url)) process.stdout.write(JSON.stringify({ event: 'module', url }) + '\\n');
        return next(url, context);
      } });`;
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(hooks)}`;
    const { url } = await createRedisDatabase();
    const relay = spawnRelay(['start'], { ...testEnvironment(url, 'http://127.0.0.1:9'), NODE_OPTIONS, ...env });
    processes.push(relay);
    await relay.logged('listening');
    await relay.logged('store_ready');
    return relay.lines.filter((line) => line.includes('"event":"module"')).length;
  }

  test('is not loaded unless there is an endpoint', async () => {
    expect(await loadedModules({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' })).toBeGreaterThan(10);
    expect(await loadedModules({})).toBe(0);
  });
});
