import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import { answering, type RecallStandIn, startRecallStandIn } from '../src/demo/recall-stand-in.ts';
import { publishedSecret } from '../src/demo/samples.ts';
import { postAsZoom, zoomHeaders } from '../src/demo/zoom-stand-in.ts';
import { uniqueBody } from './support/bodies.ts';
import { createRedisDatabase, engines } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { startRedis } from './support/redis-server.ts';
import { type RelayProcess, spawnRelay } from './support/relay-process.ts';
import { oauthAppId, testEnvironment, testSecret } from './support/test-relay.ts';

const processes: RelayProcess[] = [];
const standIns: RecallStandIn[] = [];
afterEach(async () => {
  for (const { child, ended } of processes.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
  await Promise.all(standIns.splice(0).map((recall) => recall.close()));
});

function run(args: string[], env: Readonly<Record<string, string | undefined>> = {}): RelayProcess {
  const started = spawnRelay(args, env);
  processes.push(started);
  return started;
}

async function startRecall(): Promise<RecallStandIn> {
  const recall = await startRecallStandIn(oauthAppId, [testSecret, publishedSecret]);
  standIns.push(recall);
  return recall;
}

/** Starts the relay and waits until it takes notifications. */
async function startReady(storeUrl: string, recall: RecallStandIn, extra: Readonly<Record<string, string>> = {}) {
  const relay = run(['start'], { ...testEnvironment(storeUrl, recall.baseUrl), ...extra });
  const listening = await relay.logged('listening');
  await relay.logged('store_ready');
  return { relay, endpoint: new URL('/webhooks/zoom', String(listening.public)), listening };
}

function post(endpoint: URL, body: Uint8Array) {
  return postAsZoom(endpoint, zoomHeaders(testSecret, body, Date.now()), body);
}

describe('zoom-relay start', () => {
  test('all problems of the configuration in one message, exit code 78', async () => {
    const { ended, errors } = run(['start'], { PORT: 'abc', RECALL_REGION: 'the-moon', STORE_URL: 'mysql://x' });
    expect(await ended).toBe(78);
    const message = errors.join('\n');
    const named = [
      'PORT',
      'RECALL_REGION',
      'STORE_URL',
      'ZOOM_APP_SECRET_TOKEN',
      'RECALL_ZOOM_OAUTH_APP_ID',
      'OPERATOR_TOKEN',
    ];
    for (const name of named) expect(message).toContain(`  ${name}: `);
    expect(message).not.toMatch(/abc|the-moon|mysql/);
  });

  test('a port that is taken is a clear error, exit code 1', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const env = { ...testEnvironment((await createRedisDatabase()).url, 'http://127.0.0.1:9'), PORT: String(port) };
    const { ended, errors } = run(['start'], env);
    expect(await ended).toBe(1);
    expect(errors.join('\n')).toMatch(/cannot listen on 127\.0\.0\.1 port \d+ \(EADDRINUSE\): set HOST and PORT/);
    taken.close();
  });

  test('an embedded store that another process has open is refused, naming the folder and what to do', async () => {
    const recall = await startRecall();
    const store = await engines[0].createStore();
    await startReady(store.url, recall);
    const second = run(['start'], testEnvironment(store.url, recall.baseUrl));
    expect(await second.ended).toBe(1);
    expect(second.errors.join('\n')).toMatch(/is open in process \d+; an embedded store takes one process/);
  });

  test('an embedded store survives kill -9 of the process: what was acknowledged is delivered by the next one', async () => {
    const recall = await startRecall();
    const store = await engines[0].createStore();
    const { relay, endpoint } = await startReady(store.url, recall, {
      RETRY_SCHEDULE: '500ms,500ms',
      DELIVERY_TIMEOUT_MS: '1000',
    });
    const bodies = Array.from({ length: 20 }, () => uniqueBody());
    recall.misbehaveAlways(answering(503));
    const answers = await Promise.all(bodies.map((body) => post(endpoint, body)));
    expect(answers.every(({ status }) => status === 204)).toBe(true);
    relay.child.kill('SIGKILL');
    await relay.ended;
    recall.misbehaveAlways();
    await startReady(store.url, recall);
    const arrivals = bodies.map((body) =>
      recall.seen((request) => request.body.equals(body) && request.status === 200),
    );
    expect(await Promise.all(arrivals)).toHaveLength(20);
    await store.remove();
  });
});

test('a Redis database that does not exist is refused, not replaced by another', async () => {
  const { url } = await createRedisDatabase();
  const wrong = run(['start'], testEnvironment(url.replace(/\d+$/, '4711'), 'http://127.0.0.1:9'));
  expect(await wrong.ended).toBe(1);
  expect(wrong.errors.join('\n')).toContain('Redis has no database 4711');
});

test('a Redis that is away at start is said to be, with the reason', async () => {
  const relay = run(['start'], testEnvironment('redis://127.0.0.1:1', 'http://127.0.0.1:9'));
  expect(await relay.logged('store_away')).toMatchObject({ reason: expect.stringContaining('ECONNREFUSED') });
});

test('the demo that is interrupted before its end removes its folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'zoom-relay-test-'));
  const demo = spawnRelay(['demo'], { TMPDIR: folder });
  processes.push(demo);
  await eventually('it has begun', () => demo.lines.length > 0);
  expect(readdirSync(folder)).toHaveLength(1);
  demo.child.kill('SIGINT');
  expect(await demo.ended).toBe(0);
  expect(readdirSync(folder)).toEqual([]);
  rmSync(folder, { recursive: true });
});

describe('SIGTERM', () => {
  test.each(engines)(
    'on $engine: answers what is in flight, refuses what is new, finishes active attempts, exits 0',
    async ({ createStore }) => {
      const recall = await startRecall();
      const store = await createStore();
      const { relay, endpoint } = await startReady(store.url, recall);
      const active = uniqueBody();
      const held = Promise.withResolvers<() => void>();
      recall.misbehave((_request, response) => held.resolve(() => response.writeHead(200).end()));
      await post(endpoint, active);
      const finishActive = await held.promise;

      // One request whose headers are in but whose body is not yet.
      const body = uniqueBody();
      const head = Object.entries(zoomHeaders(testSecret, body, Date.now())).map(
        ([name, value]) => `${name}: ${value}\r\n`,
      );
      const inFlight = connect(Number(endpoint.port), '127.0.0.1');
      inFlight.write(
        `POST /webhooks/zoom HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n${head.join('')}\r\n`,
      );
      // A second connection is served after the first one's headers have been read.
      expect((await post(endpoint, uniqueBody())).status).toBe(204);

      relay.child.kill('SIGTERM');
      await relay.logged('stopping');
      const refused = await post(endpoint, uniqueBody());
      expect(refused.status).toBe(503);
      expect(refused.text).toContain('shutting_down');
      expect((await fetch(new URL('/readyz', endpoint))).status).toBe(503);
      inFlight.write(body);
      expect(await text(inFlight)).toMatch(/^HTTP\/1.1 204 /);

      finishActive();
      expect(await relay.ended).toBe(0);
      expect(recall.requests.filter((request) => request.body.equals(active))).toHaveLength(1);
      expect(relay.errors).toEqual([]);
      await store.remove();
    },
  );

  test('while Redis is away it still exits 0', async () => {
    const relay = run(['start'], testEnvironment('redis://127.0.0.1:1', 'http://127.0.0.1:9'));
    await relay.logged('listening');
    relay.child.kill('SIGTERM');
    expect(await relay.ended).toBe(0);
  });
});

test('no body, secret, signature, token or client id is in any log line, whatever happens', async () => {
  const recall = await startRecall();
  const { url } = await createRedisDatabase();
  const { relay, endpoint, listening } = await startReady(url, recall, { LOG_LEVEL: 'debug', RETRY_SCHEDULE: '100ms' });
  const secretive = Buffer.from('{"event":"meeting.created","payload":{"object":{"password":"PaSsWoRd-in-body"}}}');
  const headers = zoomHeaders(testSecret, secretive, Date.now());
  recall.misbehave(answering(500), answering(500)); // dies
  await postAsZoom(endpoint, headers, secretive);
  await relay.logged('dead');
  await postAsZoom(endpoint, headers, secretive); // duplicate
  await postAsZoom(endpoint, { ...headers, 'x-zm-signature': `v0=${'ab'.repeat(32)}` }, secretive);
  await postAsZoom(endpoint, headers, Buffer.from(`${secretive}x`));
  const challenge = Buffer.from('{"event":"endpoint.url_validation","payload":{"plainToken":"plain-token-in-body"}}');
  await post(endpoint, challenge);
  await post(endpoint, uniqueBody());
  await relay.logged('delivered');
  const metrics = await (await fetch(new URL('/metrics', String(listening.private)))).text();
  relay.child.kill('SIGTERM');
  await relay.ended;
  const printed = [...relay.lines, ...relay.errors, metrics].join('\n');
  expect(printed).toContain('"event":"rejected"');
  const never = [
    'PaSsWoRd-in-body',
    'plain-token-in-body',
    testSecret.reveal(),
    publishedSecret.reveal(),
    'operator-token-for-tests',
    'zoom-app-client-id',
    'legacy-verification-token',
    String(headers['x-zm-signature']).slice(3, 30),
    'abababab',
  ];
  for (const word of never) expect(printed).not.toContain(word);
});

describe('zoom-relay send', () => {
  test('signs a sample, posts it and shows the answer', async () => {
    const recall = await startRecall();
    const { endpoint } = await startReady((await createRedisDatabase()).url, recall);
    const sent = run(['send', 'meeting.created', '--to', endpoint.href], {
      ZOOM_APP_SECRET_TOKEN: testSecret.reveal(),
    });
    expect(await sent.ended).toBe(0);
    expect(sent.lines.join('\n')).toMatch(/204 in \d+ ms/);
    await recall.seen((request) => request.body.toString().includes('"event":"meeting.created"'));
  });

  test('a refused one is shown and exits 1; --json prints one object', async () => {
    const recall = await startRecall();
    const { endpoint } = await startReady((await createRedisDatabase()).url, recall);
    const args = ['send', 'endpoint.url_validation', '--json', '--to', endpoint.href];
    const refused = run(args, { ZOOM_APP_SECRET_TOKEN: 'another-secret-token' });
    expect(await refused.ended).toBe(1);
    expect(JSON.parse(refused.lines.join(''))).toMatchObject({ status: 401 });
    const answered = run(args, { ZOOM_APP_SECRET_TOKEN: testSecret.reveal() });
    expect(await answered.ended).toBe(0);
    expect(JSON.parse(JSON.parse(answered.lines.join('')).answer)).toHaveProperty('encryptedToken');
  });

  test.each([
    [['send'], /say what to send: endpoint\.url_validation, meeting\.created/],
    [['send', 'no-such-thing'], /neither a readable file nor a sample/],
    [['send', 'meeting.created', '--to', 'nonsense'], /--to takes an http: or https: URL/],
    [['send', 'meeting.created', '--to', 'https://example.invalid/'], /ZOOM_APP_SECRET_TOKEN is not set/],
    [['send', 'meeting.created', '--to', 'http://127.0.0.1:1/'], /is a relay running there\?/],
    [['start', '--role', 'everything'], /--role takes edge, worker, operator/],
    [['send', 'meeting.created', '--secret-env', 'NO_SUCH_SECRET'], /NO_SUCH_SECRET is not set/],
    [['frobnicate'], /unknown command/],
  ])('%j: a clear error', async (args, message) => {
    const { ended, errors } = run(args);
    expect(await ended).not.toBe(0);
    expect(errors.join('\n')).toMatch(message);
  });
});

describe('zoom-relay ledger', () => {
  test('prints what became of every notification and exits 0 while it adds up, 1 when it is off', async () => {
    const recall = await startRecall();
    const { url } = await createRedisDatabase();
    const { endpoint, listening } = await startReady(url, recall);
    const body = uniqueBody();
    await post(endpoint, body);
    await post(endpoint, body);
    await recall.seen((request) => request.body.equals(body));
    const env = { ZOOM_RELAY_URL: String(listening.private), OPERATOR_TOKEN: 'operator-token-for-tests' };
    const printed = run(['ledger'], env);
    expect(await printed.ended).toBe(0);
    expect(printed.lines.join('\n')).toMatch(/recall +1 +[01] +[01] +0 {2}adds up ✓/);

    const client = new Redis(url);
    await client.hincrby('zoom-relay:{default.recall}:ledger', 'accepted', 3);
    client.disconnect();
    const off = run(['ledger'], env);
    expect(await off.ended).toBe(1);
    expect(off.lines.join('\n')).toContain('✗ off by 3');
    const json = run(['ledger', '--json'], env);
    expect(await json.ended).toBe(1);
    expect(JSON.parse(json.lines.join(''))).toMatchObject({ addsUp: false, apps: [{ app: 'default' }] });
  });

  test.each([
    [{}, 78, /OPERATOR_TOKEN is not set/],
    [
      { OPERATOR_TOKEN: 'x', ZOOM_RELAY_URL: 'http://127.0.0.1:1' },
      1,
      /is a relay with the operator role running there/,
    ],
    [{ OPERATOR_TOKEN: 'x', ZOOM_RELAY_URL: 'nonsense' }, 78, /ZOOM_RELAY_URL must be/],
  ])('%j: a clear error, exit code %i', async (env, exitCode, message) => {
    const { ended, errors } = run(['ledger'], env);
    expect(await ended).toBe(exitCode);
    expect(errors.join('\n')).toMatch(message);
  });
});

describe('zoom-relay doctor', () => {
  const env = (listening: Record<string, unknown>) => {
    return { ZOOM_RELAY_URL: String(listening.private), OPERATOR_TOKEN: 'operator-token-for-tests' };
  };

  test('a sound relay is all ✓ and ? and exits 0', async () => {
    const { listening } = await startReady((await createRedisDatabase()).url, await startRecall());
    const doctor = run(['doctor'], env(listening));
    expect(await doctor.ended).toBe(0);
    expect(doctor.lines).toEqual([
      expect.stringMatching(/^\? configuration +not checked: this environment has none/),
      expect.stringMatching(/^✓ relay +zoom-relay \d.* on Node \d+\..*, edge, worker, operator, notifications at http/),
      expect.stringMatching(/^✓ clock +the relay and this machine agree$/),
      expect.stringMatching(/^\? clock of Zoom +cannot tell: no notification of the last day is kept$/),
      expect.stringMatching(/^✓ store +redis, ready$/),
      expect.stringMatching(/^\? public URL +not looked at: PUBLIC_URL is not set; Zoom has not reached it yet$/),
      expect.stringMatching(/^ +→ set PUBLIC_URL/),
      expect.stringMatching(/^✓ secret agreement +Recall answered our signed challenge/),
      expect.stringMatching(/^\? Recall app +not looked at: RECALL_API_KEY is not set$/),
      expect.stringMatching(/^ +→ set RECALL_API_KEY/),
    ]);
  });

  test("a relay's environment is checked without a relay, and all that is wrong with it is told", async () => {
    const recall = await startRecall();
    const sound = testEnvironment('file:./data', recall.baseUrl);
    const away = { ZOOM_RELAY_URL: 'http://127.0.0.1:1' };
    const well = run(['doctor'], { ...sound, ...away });
    expect(await well.ended).toBe(1);
    expect(well.lines[0]).toMatch(/^✓ configuration +1 app: default → 127\.0\.0\.1:/);
    expect(well.lines[1]).toMatch(/^✗ relay +no answer from http:\/\/127\.0\.0\.1:1 /);
    const wrong = run(['doctor', '--json'], { ...sound, ...away, PORT: 'abc', RETRY_SCHEDULE: 'soon' });
    expect(await wrong.ended).toBe(1);
    const [line] = JSON.parse(wrong.lines.join('\n'));
    expect(line).toMatchObject({ mark: '✗', subject: 'configuration' });
    expect(line.text).toMatch(/2 problems:\n {2}PORT: .*\n {2}RETRY_SCHEDULE: /);
  });

  test('a Redis without persistence is a ✗ with the fix, and exits 1', async () => {
    const redis = await startRedis('--appendonly', 'no');
    const { listening } = await startReady(redis.url, await startRecall());
    const doctor = run(['doctor'], env(listening));
    expect(await doctor.ended).toBe(1);
    expect(doctor.lines.join('\n')).toMatch(/✗ store +Redis keeps no append-only file.*Set appendonly yes/);
    await redis.stop();
  });
});

test('zoom-relay schema prints the JSON Schema of the apps file', async () => {
  const { ended, lines } = run(['schema']);
  expect(await ended).toBe(0);
  expect(JSON.parse(lines.join('\n'))).toMatchObject({
    type: 'object',
    required: ['apps'],
    additionalProperties: false,
  });
});

test('zoom-relay demo --once goes through all steps and exits 0', async () => {
  const { ended, lines } = run(['demo', '--once']);
  expect(await ended, lines.join('\n')).toBe(0);
  expect(lines.join('\n')).toContain('adds up ✓');
  expect(lines.join('\n')).not.toContain('✗');
});

test('zoom-relay demo stays up until a signal and takes what is sent to it', async () => {
  const demo = run(['demo']);
  const line = await eventually('invites', () =>
    demo.lines.find((printed) => printed.includes('send meeting.created')),
  );
  const to = /--to (\S+)/.exec(line)?.[1] ?? 'http://127.0.0.1:8080/webhooks/zoom';
  const sent = run(['send', 'meeting.ended', '--to', to]);
  expect(await sent.ended).toBe(0);
  await eventually('shows it', () => demo.lines.some((printed) => printed.includes('"delivered"')));
  demo.child.kill('SIGINT');
  expect(await demo.ended).toBe(0);
});
