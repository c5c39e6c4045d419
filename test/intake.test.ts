import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { publishedSecret, readCapturedChallenge, readCapturedMeetingStarted } from '../src/demo/samples.ts';
import { postAsZoom, zoomHeaders } from '../src/demo/zoom-stand-in.ts';
import { signBody } from '../src/zoom/signature.ts';
import { uniqueBody } from './support/bodies.ts';
import { createRedisDatabase } from './support/engines.ts';
import { defaultApp, startTestRelay, type TestRelay, testSecret } from './support/test-relay.ts';

const maxBodyBytes = 4096;
let relay: TestRelay;
let withOldVectors: TestRelay;

beforeAll(async () => {
  const [store, otherStore] = [await createRedisDatabase(), await createRedisDatabase()];
  relay = await startTestRelay(store.url, { env: { MAX_BODY_BYTES: String(maxBodyBytes) } });
  withOldVectors = await startTestRelay(otherStore.url, { env: { SIGNATURE_TOLERANCE_SEC: '1000000000' } });
});
afterAll(async () => {
  await relay.stop();
  await withOldVectors.stop();
});

function challenge(plainToken: unknown): Buffer {
  return Buffer.from(JSON.stringify({ payload: { plainToken }, event_ts: 1, event: 'endpoint.url_validation' }));
}

function codeOf(answer: { text: string }): string {
  return JSON.parse(answer.text).error.code;
}

/** Writes raw bytes to the relay's port and reads until it closes the connection. */
async function rawExchange(bytes: string): Promise<string> {
  const socket = connect(Number(relay.endpoint.port), '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}

describe("Zoom's published requests", () => {
  test('the emoji notification passes over real HTTP and reaches Recall as it came', async () => {
    const { body, timestamp, signature } = readCapturedMeetingStarted();
    const headers = zoomHeaders(publishedSecret, body, 0, { timestamp, signature });
    expect((await postAsZoom(withOldVectors.endpoint, headers, body)).status).toBe(204);
    const arrived = await withOldVectors.recall.seen((request) => request.body.equals(body));
    expect(arrived).toMatchObject({ status: 200, headers: { 'x-zm-signature': signature } });
  });

  test('the challenge is answered with the token the published secret gives, and is not queued', async () => {
    const { body, timestamp, signature } = readCapturedChallenge();
    const headers = zoomHeaders(publishedSecret, body, 0, { timestamp, signature });
    const answer = await postAsZoom(withOldVectors.endpoint, headers, body);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(JSON.parse(answer.text)).toEqual({
      plainToken: 'xys8n8PGS7mAU0m5-YJjRA',
      encryptedToken: '2fffc6a967dde4f68024025a5bd991c5ae1e5313b4e6365be4883e3e81d479b3',
    });
    expect(withOldVectors.recall.requests.some((request) => request.body.equals(body))).toBe(false);
  });
});

describe('the challenge oracle is closed', () => {
  test('an unsigned challenge gets no token', async () => {
    const body = challenge('v0:1700000000:{"event":"meeting.created"}');
    const { 'x-zm-signature': _dropped, ...headers } = zoomHeaders(testSecret, body, Date.now());
    const answer = await postAsZoom(relay.endpoint, headers, body);
    expect(answer.status).toBe(401);
    expect(answer.text).not.toContain('encryptedToken');
  });

  test('a challenge signed with another secret gets no token', async () => {
    const body = challenge('abc');
    const answer = await relay.post(body, { headers: { 'x-zm-signature': `v0=${'0'.repeat(64)}` } });
    expect(answer.status).toBe(401);
    expect(answer.text).not.toContain('encryptedToken');
  });

  test.each([
    ['a colon', 'v0:1700000000:{}'],
    ['nothing', ''],
    ['257 characters', 'a'.repeat(257)],
    ['a number', 7],
    ['no token', undefined],
    ['an object', { toString: 'x' }],
    ['a line break', 'abc\n'],
  ])('a signed challenge whose plainToken is %s gets no token', async (_what, plainToken) => {
    const answer = await relay.post(challenge(plainToken));
    expect(answer.status).toBe(400);
    expect(codeOf(answer)).toBe('challenge_malformed');
    expect(answer.text).not.toContain('encryptedToken');
  });
});

describe('what a request is told', () => {
  test('a signed notification, known or unknown, JSON or not, is accepted', async () => {
    for (const body of ['{"event":"meeting.created"}', '{"event":"nobody.knows_this"}', 'not JSON', '']) {
      expect((await relay.post(`${body}`)).status).toBe(204);
    }
  });

  test('both secrets are good while rotating, and the challenge is answered with the one that signed it', async () => {
    const body = challenge('abc');
    const answers = await Promise.all(
      [testSecret, publishedSecret].map((secret) =>
        postAsZoom(relay.endpoint, zoomHeaders(secret, body, Date.now()), body),
      ),
    );
    const [first, second] = answers.map((answer) => JSON.parse(answer.text).encryptedToken);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(first).not.toBe(second);
  });

  test.each([
    ['no signature', { 'x-zm-signature': '' }, 'signature_malformed'],
    ['a signature in upper case', { 'x-zm-signature': `v0=${'AB'.repeat(32)}` }, 'signature_malformed'],
    ['a signature of another version', { 'x-zm-signature': `v1=${'ab'.repeat(32)}` }, 'signature_malformed'],
    ['a truncated signature', { 'x-zm-signature': `v0=${'ab'.repeat(31)}` }, 'signature_malformed'],
    ['a forged signature', { 'x-zm-signature': `v0=${'ab'.repeat(32)}` }, 'signature_mismatch'],
    ['a timestamp that is no number', { 'x-zm-request-timestamp': 'now' }, 'timestamp_malformed'],
    ['a timestamp with a sign', { 'x-zm-request-timestamp': '+1700000000' }, 'timestamp_malformed'],
    ['a timestamp in milliseconds', { 'x-zm-request-timestamp': String(Date.now()) }, 'timestamp_malformed'],
  ])('%s: 401', async (_what, overrides, code) => {
    const answer = await relay.post(uniqueBody(), { headers: overrides });
    expect(answer.status).toBe(401);
    expect(codeOf(answer)).toBe(code);
  });

  test.each([
    [-310, 401, 'timestamp_stale'],
    [-290, 204, undefined],
    [290, 204, undefined],
    [310, 401, 'timestamp_in_future'],
  ])('a timestamp %i s from now: %i', async (offsetSec, status, code) => {
    const body = uniqueBody();
    const headers = zoomHeaders(testSecret, body, Date.now() + offsetSec * 1000);
    const answer = await postAsZoom(relay.endpoint, headers, body);
    expect(answer.status).toBe(status);
    if (code !== undefined) expect(codeOf(answer)).toBe(code);
  });

  test.each([
    '/webhooks/zoom/nobody',
    '/webhooks/zoom/__proto__',
    '/webhooks/zoom/%ff',
    '/webhooks/zoom/default/x',
    '/metrics',
    '/api',
  ])('POST %s: 404', async (path) => {
    const body = uniqueBody();
    const url = new URL(path, relay.endpoint);
    expect((await postAsZoom(url, zoomHeaders(testSecret, body, Date.now()), body)).status).toBe(404);
  });

  test('a path with no such app is logged with its key, so that a wrong URL in Zoom is found', async () => {
    await relay.post(uniqueBody(), { path: '/webhooks/zoom/akme' });
    expect(relay.logged).toContainEqual(
      expect.objectContaining({ event: 'rejected', reason: 'app_unknown', key: 'akme' }),
    );
  });

  test('the key of the one app from variables is default', async () => {
    const body = uniqueBody();
    const url = new URL('/webhooks/zoom/default', relay.endpoint);
    expect((await postAsZoom(url, zoomHeaders(testSecret, body, Date.now()), body)).status).toBe(204);
  });

  test('GET: 405 that says what to do', async () => {
    const answer = await fetch(relay.endpoint);
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
  });

  test('the operator routes are not on the public listener', async () => {
    expect((await fetch(new URL('/metrics', relay.endpoint))).status).toBe(404);
    expect((await fetch(new URL('/metrics', relay.relay.privateUrl))).status).toBe(200);
  });
});

describe('the body limit', () => {
  const signed = (body: Buffer): string =>
    Object.entries(zoomHeaders(testSecret, body, Date.now()))
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');

  test('a body of exactly the limit is accepted, one byte more is not', async () => {
    expect((await relay.post('x'.repeat(maxBodyBytes))).status).toBe(204);
    expect((await relay.post('x'.repeat(maxBodyBytes + 1))).status).toBe(413);
  });

  test('a chunked body over the limit is refused too, and one within it is accepted', async () => {
    const send = (body: Buffer): Promise<string> =>
      rawExchange(
        `POST /webhooks/zoom HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n${signed(body)}\r\n` +
          `${body.length.toString(16)}\r\n${body.toString('latin1')}\r\n0\r\n\r\n`,
      );
    expect(await send(Buffer.alloc(maxBodyBytes, 'y'))).toMatch(/^HTTP\/1.1 204 /);
    expect(await send(Buffer.alloc(maxBodyBytes + 1, 'y'))).toMatch(/^HTTP\/1.1 413 /);
  });

  test('a Content-Length over the limit is refused before the body comes', async () => {
    const answer = await rawExchange(
      `POST /webhooks/zoom HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 999999999\r\n${signed(uniqueBody())}\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
  });

  test('a stranger is refused before the body comes', async () => {
    const answer = await rawExchange(
      'POST /webhooks/zoom HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4000\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1.1 401 /);
  });

  test('a sender that goes away in the middle is counted and harms nobody', async () => {
    const before = relay.relay.intakeCounts(defaultApp).rejected.body_incomplete ?? 0;
    const body = uniqueBody();
    const socket = connect(Number(relay.endpoint.port), '127.0.0.1');
    socket.write(`POST /webhooks/zoom HTTP/1.1\r\nhost: x\r\ncontent-length: 4000\r\n${signed(body)}\r\nhalf`, () => {
      socket.destroy();
    });
    await expect.poll(() => relay.relay.intakeCounts(defaultApp).rejected.body_incomplete).toBe(before + 1);
    expect((await relay.post(uniqueBody())).status).toBe(204);
  });
});

describe('properties over HTTP', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });

  test('any bytes signed by Zoom are accepted or answered as a challenge; any changed byte is refused', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.nat(), async (body, at) => {
        const headers = zoomHeaders(testSecret, body, Date.now());
        expect((await postAsZoom(relay.endpoint, headers, body)).status).toBe(204);
        const changed = Buffer.from(body.length === 0 ? [0] : body);
        const index = at % changed.length;
        if (body.length > 0) changed[index] = (changed[index] ?? 0) ^ 1;
        const answer = await postAsZoom(relay.endpoint, headers, changed);
        expect(answer.status).toBe(401);
      }),
      { numRuns: 150 },
    );
  });

  test('no signed body makes intake answer 5xx', async () => {
    const hostile = fc.oneof(
      fc.json().map((json) => Buffer.from(json)),
      fc
        .record({ event: fc.constantFrom('endpoint.url_validation', 'x'), payload: fc.jsonValue() })
        .map((value) => Buffer.from(JSON.stringify(value))),
      bytes.map((array) => Buffer.from(array)),
    );
    await fc.assert(
      fc.asyncProperty(hostile, async (body) => {
        const answer = await relay.post(body);
        expect(answer.status).toBeLessThan(500);
      }),
      { numRuns: 200 },
    );
  });

  test('no header value makes intake answer 5xx', async () => {
    const value = fc
      .string({ unit: fc.constantFrom(...'v0=:;-_ aZ9%"\\\u00e9'), maxLength: 100 })
      .map((text) => text.trim());
    await fc.assert(
      fc.asyncProperty(value, value, value, async (signature, timestamp, contentType) => {
        const headers = {
          'x-zm-signature': signature,
          'x-zm-request-timestamp': timestamp,
          'content-type': contentType,
        };
        const answer = await relay.post(uniqueBody(), { headers });
        expect(answer.status).toBe(401);
      }),
      { numRuns: 100 },
    );
  });

  test('no request line and no framing makes intake answer 5xx', async () => {
    const piece = fc.constantFrom(
      'POST',
      'GET',
      ' ',
      '/webhooks/zoom',
      '//',
      '%',
      'HTTP/1.1',
      '\r\n',
      'content-length: -1',
      'transfer-encoding: chunked',
      ':',
      '\0',
      'ÿ',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        const answer = await rawExchange(`${pieces.join('')}\r\nconnection: close\r\n\r\n`);
        expect(answer).not.toMatch(/^HTTP\/1\.1 5/);
      }),
      { numRuns: 100 },
    );
  });
});

test('a signature does not depend on how the bytes are held', () => {
  const whole = Buffer.from('xxabcxx');
  expect(signBody(testSecret, '1', whole.subarray(2, 5))).toBe(signBody(testSecret, '1', Buffer.from('abc')));
});
