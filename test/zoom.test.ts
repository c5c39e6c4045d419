import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Secret } from '../src/secret.ts';
import { answerChallenge, challengeEvent, encryptToken } from '../src/zoom/challenge.ts';
import { lookAtEvent } from '../src/zoom/event.ts';
import { forwardedHeaders, pickForwardedHeaders } from '../src/zoom/headers.ts';
import { type SecretTokens, secretIdOf } from '../src/zoom/secret-token.ts';
import { signatureMatches, signBody } from '../src/zoom/signature.ts';
import { readSignatureClaim, verifyNotification } from '../src/zoom/verify.ts';
import { trickyBodies } from './support/bodies.ts';

const toleranceSec = 300;

/** The whole way of a request, as intake goes it. */
function receive(input: {
  readonly signature: string;
  readonly timestamp: string;
  readonly body: Uint8Array;
  readonly secrets: SecretTokens;
  readonly nowMs?: number;
}): string {
  const { signature, timestamp, body, secrets } = input;
  const headers = { 'x-zm-signature': signature, 'x-zm-request-timestamp': timestamp };
  const nowMs = input.nowMs ?? Number(timestamp) * 1000;
  const read = readSignatureClaim(headers, nowMs, toleranceSec);
  if (read.kind === 'rejected') return read.reason;
  const result = verifyNotification({ claim: read.claim, body, headers, receivedAtMs: nowMs, secrets });
  return result.kind === 'rejected' ? result.reason : result.kind;
}

const fixture = (path: string): Buffer => readFileSync(new URL(`fixtures/zoom/${path}`, import.meta.url));
const secretText = z.string().transform((text) => new Secret(text));
const signedVector = z
  .object({
    name: z.string(),
    secret: secretText,
    timestamp: z.string(),
    signature: z.string(),
    bodyFile: z.string().optional(),
    body: z.string().optional(),
  })
  .transform(({ bodyFile, body = '', ...rest }) => ({
    ...rest,
    bytes: bodyFile === undefined ? utf8(body) : fixture(bodyFile),
  }));
const challengeVector = z.object({ secret: secretText, plainToken: z.string(), encryptedToken: z.string() });
const vectors = z.array(z.union([signedVector, challengeVector])).parse(JSON.parse(fixture('vectors.json').toString()));
const signedVectors = vectors.filter((vector) => 'signature' in vector);
const challengeVectors = vectors.filter((vector) => 'plainToken' in vector);
const realVectors = signedVectors.filter(({ name }) => name.includes('REAL Zoom signature'));

const anySecret = fc.string({ unit: 'binary' }).map((text) => new Secret(text));
const printable = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code));
const token = fc.string({ unit: printable, minLength: 16, maxLength: 80 });
const timestamps = fc.integer({ min: 0, max: 999_999_999_999 }).map(String);
const bytes = fc.uint8Array({ maxLength: 300 });

describe('published vectors', () => {
  test('all of them are read', () => {
    expect([signedVectors.length, challengeVectors.length, realVectors.length]).toEqual([4, 1, 2]);
  });

  test.each(signedVectors)('the signature of $name at $timestamp is what is computed', (vector) => {
    expect(signBody(vector.secret, vector.timestamp, vector.bytes)).toBe(vector.signature);
    expect(signatureMatches(vector.secret, vector.timestamp, vector.bytes, vector.signature)).toBe(true);
  });

  test.each(realVectors)('a request that Zoom really sent is verified: $name', (vector) => {
    expect(receive({ ...vector, body: vector.bytes, secrets: [vector.secret] })).toBe('verified');
  });

  test('a body that was parsed and printed again no longer verifies when it has emoji', () => {
    const [vector] = realVectors.filter(({ name }) => name.includes('emoji'));
    if (vector === undefined) return expect.unreachable('the emoji vector is missing');
    const reprinted = Buffer.from(JSON.stringify(JSON.parse(vector.bytes.toString('utf8'))));
    expect(receive({ ...vector, body: reprinted, secrets: [vector.secret] })).toBe('signature_mismatch');
  });

  test('white space in the body is signed: two bodies of the same meaning have different signatures', () => {
    const synthetic = signedVectors.filter(({ name }) => name === 'synthetic');
    expect(new Set(synthetic.map(({ bytes: body }) => JSON.stringify(JSON.parse(body.toString())))).size).toBe(1);
    expect(new Set(synthetic.map(({ signature }) => signature)).size).toBe(2);
  });

  test.each(challengeVectors)('the challenge of the published secret has the published answer', (vector) => {
    const { secret, plainToken, encryptedToken } = vector;
    const look = lookAtEvent(fixture('endpoint.url_validation.captured.json'));
    expect(look.name).toBe(challengeEvent);
    expect(answerChallenge(look, secret)).toEqual({ plainToken, encryptedToken });
  });
});

describe('signature', () => {
  test('what is signed verifies, whatever the bytes and the secret', () => {
    fc.assert(
      fc.property(anySecret, timestamps, bytes, (secret, timestamp, body) => {
        expect(receive({ signature: signBody(secret, timestamp, body), timestamp, body, secrets: [secret] })).toBe(
          'verified',
        );
      }),
    );
  });

  test.each(Object.entries(trickyBodies))('a body with %s verifies as it came', (_name, body) => {
    const secret = new Secret('0123456789abcdef');
    expect(receive({ signature: signBody(secret, '1', body), timestamp: '1', body, secrets: [secret] })).toBe(
      'verified',
    );
  });

  test('any changed byte is refused', () => {
    const change = fc.tuple(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
    );
    fc.assert(
      fc.property(anySecret, timestamps, change, (secret, timestamp, [body, at, flip]) => {
        const changed = body.map((byte, index) => (index === at % body.length ? byte ^ flip : byte));
        const signature = signBody(secret, timestamp, body);
        expect(receive({ signature, timestamp, body: changed, secrets: [secret] })).toBe('signature_mismatch');
      }),
    );
  });

  test('a byte added or taken away is refused', () => {
    fc.assert(
      fc.property(anySecret, timestamps, bytes, fc.nat({ max: 255 }), (secret, timestamp, body, extra) => {
        const signature = signBody(secret, timestamp, body);
        const refusal = { signature, timestamp, secrets: [secret] } as const;
        expect(receive({ ...refusal, body: Uint8Array.of(...body, extra) })).toBe('signature_mismatch');
        expect(receive({ ...refusal, body: Uint8Array.of(extra, ...body) })).toBe('signature_mismatch');
        if (body.length > 0) expect(receive({ ...refusal, body: body.subarray(1) })).toBe('signature_mismatch');
      }),
    );
  });

  test('a changed timestamp is refused', () => {
    fc.assert(
      fc.property(anySecret, timestamps, timestamps, bytes, (secret, timestamp, other, body) => {
        fc.pre(timestamp !== other);
        const signature = signBody(secret, timestamp, body);
        expect(receive({ signature, timestamp: other, body, secrets: [secret] })).toBe('signature_mismatch');
      }),
    );
  });

  test('the timestamp is signed as text: the same number written differently is refused', () => {
    const secret = new Secret('0123456789abcdef');
    const body = Buffer.from('{}');
    const signature = signBody(secret, '1720707175', body);
    expect(receive({ signature, timestamp: '01720707175', body, secrets: [secret] })).toBe('signature_mismatch');
  });

  test('any changed, added or missing character of the signature is refused', () => {
    const character = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      fc.constantFrom('', 'A', 'f'),
    );
    fc.assert(
      fc.property(anySecret, bytes, fc.nat({ max: 66 }), character, (secret, body, at, replacement) => {
        const signature = signBody(secret, '1', body);
        const changed = signature.slice(0, at) + replacement + signature.slice(at + 1);
        fc.pre(changed !== signature);
        const answer = receive({ signature: changed, timestamp: '1', body, secrets: [secret] });
        expect(['signature_malformed', 'signature_mismatch']).toContain(answer);
      }),
    );
  });

  test('a signature of another length never matches and never throws', () => {
    const secret = new Secret('0123456789abcdef');
    const body = Buffer.from('{}');
    const signature = signBody(secret, '1', body);
    for (const other of ['', 'v0=', signature.slice(0, -1), `${signature}0`, signature.slice(3)]) {
      expect(signatureMatches(secret, '1', body, other)).toBe(false);
    }
  });

  test('another secret is refused', () => {
    fc.assert(
      fc.property(token, token, timestamps, bytes, (text, other, timestamp, body) => {
        fc.pre(text !== other);
        const signature = signBody(new Secret(text), timestamp, body);
        expect(receive({ signature, timestamp, body, secrets: [new Secret(other)] })).toBe('signature_mismatch');
      }),
    );
  });

  test('while rotating, both secrets are accepted and the one that matched is named', () => {
    fc.assert(
      fc.property(token, token, fc.boolean(), bytes, (first, second, useSecond, body) => {
        fc.pre(first !== second);
        const secrets = [new Secret(first), new Secret(second)] as const;
        const used = secrets[useSecond ? 1 : 0];
        const claim = { signature: signBody(used, '1', body), timestamp: '1' };
        const result = verifyNotification({ claim, body, headers: {}, receivedAtMs: 5, secrets });
        expect(result).toEqual({
          kind: 'verified',
          notification: { body, headers: {}, receivedAtMs: 5, secret: used, secretId: secretIdOf(used) },
        });
        if (result.kind === 'verified') expect(result.notification.secret).toBe(used);
      }),
    );
  });

  test('a verified notification holds the very bytes and headers that came', () => {
    const secret = new Secret('0123456789abcdef');
    const body = Buffer.from('{ "event" : "x" }');
    const headers = { 'x-zm-request-id': 'abc' };
    const claim = { signature: signBody(secret, '1', body), timestamp: '1' };
    const result = verifyNotification({ claim, body, headers, receivedAtMs: 1, secrets: [secret] });
    if (result.kind !== 'verified') return expect.unreachable(result.reason);
    expect(result.notification.body).toBe(body);
    expect(result.notification.headers).toBe(headers);
  });
});

describe('claim', () => {
  const signature = `v0=${'0a'.repeat(32)}`;
  const read = (headers: Readonly<Record<string, string>>, nowMs = 0, tolerance = toleranceSec): string => {
    const result = readSignatureClaim(headers, nowMs, tolerance);
    return result.kind === 'claim' ? 'claim' : result.reason;
  };

  test.each([
    ['no headers', {}],
    ['no signature', { 'x-zm-request-timestamp': '1' }],
    ['no timestamp', { 'x-zm-signature': signature }],
  ])('%s: the signature is missing', (_name, headers) => {
    expect(read(headers)).toBe('signature_missing');
  });

  test.each([
    ['', 'empty'],
    [signature.slice(3), 'without its version'],
    [signature.replace('v0', 'v1'), 'of another version'],
    [signature.replaceAll('a', 'A'), 'in upper case'],
    [signature.slice(0, -1), 'one digit short'],
    [`${signature}0`, 'one digit long'],
    [`${signature}\n`, 'with a line break at its end'],
    [`${signature}, ${signature}`, 'sent twice'],
    [`v0=${'0g'.repeat(32)}`, 'not hexadecimal'],
    [`\u0176${signature.slice(1)}`, 'with a character whose low byte is the right one'],
  ])('a signature %j, %s, is malformed', (given) => {
    expect(read({ 'x-zm-signature': given, 'x-zm-request-timestamp': '0' })).toBe('signature_malformed');
  });

  test.each(['', ' ', '-1', '+1', '1.0', '1e3', '0x1', '1 ', ' 1', '1\n', '1697204592920', 'now', '١', '1, 1'])(
    'a timestamp %j is malformed',
    (timestamp) => {
      expect(read({ 'x-zm-signature': signature, 'x-zm-request-timestamp': timestamp })).toBe('timestamp_malformed');
    },
  );

  test('the claim gives back signature and timestamp as received', () => {
    const headers = { 'x-zm-signature': signature, 'x-zm-request-timestamp': '0017' };
    expect(readSignatureClaim(headers, 17_000, 1)).toEqual({ kind: 'claim', claim: { signature, timestamp: '0017' } });
  });

  test('the tolerance is exact to the millisecond, both ways', () => {
    fc.assert(
      fc.property(timestamps, fc.integer({ min: 1, max: 1_000_000_000 }), (timestamp, tolerance) => {
        const headers = { 'x-zm-signature': signature, 'x-zm-request-timestamp': timestamp };
        const [signedAtMs, toleranceMs] = [Number(timestamp) * 1000, tolerance * 1000];
        expect(read(headers, signedAtMs + toleranceMs, tolerance)).toBe('claim');
        expect(read(headers, signedAtMs + toleranceMs + 1, tolerance)).toBe('timestamp_stale');
        expect(read(headers, signedAtMs - toleranceMs, tolerance)).toBe('claim');
        expect(read(headers, signedAtMs - toleranceMs - 1, tolerance)).toBe('timestamp_in_future');
      }),
    );
  });
});

describe('look at an event', () => {
  test('it never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.oneof(bytes, fc.json().map(utf8), fc.string({ unit: 'binary' }).map(utf8)), (body) => {
        const look = lookAtEvent(body);
        expect(look.name === undefined || /^[a-z0-9_.]{1,100}$/.test(look.name)).toBe(true);
      }),
    );
  });

  test('JSON nested a million deep does not bring it down', () => {
    expect(lookAtEvent(utf8('['.repeat(1_000_000))).name).toBeUndefined();
    expect(lookAtEvent(utf8(`{"a":`.repeat(100_000))).name).toBeUndefined();
  });

  test('any JSON value is parsed, and only an object has a name', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(lookAtEvent(utf8(text)).parsed).toEqual(JSON.parse(text));
      }),
    );
    for (const text of ['null', '1', '"event"', '[]', '["event"]', '{}']) {
      expect(lookAtEvent(utf8(text)).name).toBeUndefined();
    }
  });

  test.each(['meeting.created', 'app_deauthorized', 'endpoint.url_validation', 'a', 'x.y_2.z', 'a'.repeat(100)])(
    'the event name %s is seen',
    (event) => {
      expect(lookAtEvent(utf8(JSON.stringify({ event }))).name).toBe(event);
    },
  );

  test.each([
    ...['', '.', 'a.', '.a', 'a..b', 'Meeting.Created', 'meeting created', 'meeting.created\n', 'meeting-created', 'é'],
    ...[1, null, true, { name: 'meeting.created' }, 'a'.repeat(101)],
  ])('%j is no event name', (event) => {
    expect(lookAtEvent(utf8(JSON.stringify({ event }))).name).toBeUndefined();
  });

  test('a name inherited by a __proto__ key is none', () => {
    expect(lookAtEvent(utf8('{"__proto__":{"event":"meeting.created"}}')).name).toBeUndefined();
  });

  test('a body that is no UTF-8 says nothing and does not spoil the next look', () => {
    const bom = Buffer.from([0xef, 0xbb, 0xbf]);
    const event = utf8('{"event":"meeting.created"}');
    const inJson = Buffer.from('{"event":"meeting.created","topic":"\xff"}', 'latin1');
    for (const broken of [inJson, Buffer.concat([bom, Buffer.from([0xff])]), Buffer.from([0xe2, 0x82]), bom]) {
      expect(lookAtEvent(broken)).toEqual({ name: undefined, parsed: undefined });
      expect(lookAtEvent(event).name).toBe('meeting.created');
      expect(lookAtEvent(Buffer.concat([bom, event])).name).toBe('meeting.created');
    }
  });
});

describe('challenge', () => {
  const secret = new Secret('0123456789abcdef');
  const challenge = (payload: unknown) => lookAtEvent(utf8(JSON.stringify({ event: challengeEvent, payload })));

  test('a token is answered with its lower-case hex HMAC-SHA-256', () => {
    const alphabet = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');
    fc.assert(
      fc.property(token, fc.string({ unit: alphabet, minLength: 1, maxLength: 256 }), (key, plainToken) => {
        const encryptedToken = createHmac('sha256', key).update(plainToken).digest('hex');
        expect(encryptToken(new Secret(key), plainToken)).toBe(encryptedToken);
        expect(answerChallenge(challenge({ plainToken }), new Secret(key))).toEqual({ plainToken, encryptedToken });
      }),
    );
  });

  test.each([
    undefined,
    null,
    'token',
    [],
    {},
    { plainToken: null },
    { plainToken: 1 },
    { plainToken: ['abc'] },
    { plainToken: '' },
    { plainToken: 'a'.repeat(257) },
    { plainToken: 'abc\n' },
    { plainToken: 'a b' },
    { plainToken: 'YWJj=' },
    { plainToken: 'a+b/c' },
    { plainToken: 'é' },
    { plainToken: 'v0:1700000000:{"event":"app_deauthorized"}' },
  ])('a payload %j gets no answer', (payload) => {
    expect(answerChallenge(challenge(payload), secret)).toBeUndefined();
  });

  test('a body that is no object gets no answer', () => {
    for (const body of ['', 'no JSON', 'null', '[]', '"payload"']) {
      expect(answerChallenge(lookAtEvent(utf8(body)), secret)).toBeUndefined();
    }
  });

  test('no answer is ever the signature of an event', () => {
    fc.assert(
      fc.property(timestamps, bytes, (timestamp, body) => {
        const plainToken = `v0:${timestamp}:${Buffer.from(body).toString('latin1')}`;
        expect(answerChallenge(challenge({ plainToken }), secret)).toBeUndefined();
      }),
    );
  });
});

describe('headers', () => {
  test("credentials, cookies and the hop's own headers are not kept", () => {
    const received = {
      authorization: 'Bearer abc',
      clientid: 'abc',
      cookie: 'a=b',
      host: 'relay.example',
      connection: 'keep-alive',
      'content-length': '2',
      'transfer-encoding': 'chunked',
      'x-forwarded-for': '192.0.2.1',
      via: '1.1 proxy',
      'zm-trace-upstream': 'x',
    };
    expect(pickForwardedHeaders(received)).toEqual({});
  });

  test('the kept headers keep their values untouched, and an absent one has no entry', () => {
    const values = fc.dictionary(fc.constantFrom(...forwardedHeaders), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(values, (received) => {
        expect(pickForwardedHeaders({ ...received, authorization: 'Bearer abc' })).toEqual(received);
      }),
    );
  });

  test('exactly the headers of the contract are kept', () => {
    expect([...forwardedHeaders].sort()).toEqual([
      'content-type',
      'traceparent',
      'user-agent',
      'x-zm-request-id',
      'x-zm-request-timestamp',
      'x-zm-signature',
      'x-zm-trackingid',
    ]);
  });
});

describe('secret id', () => {
  test('it never changes between releases, because queued deliveries hold it', () => {
    expect(secretIdOf(new Secret('0123456789abcdef'))).toBe('a2503ddb');
  });

  test('it is 8 hex digits, the same for the same secret', () => {
    fc.assert(
      fc.property(token, (text) => {
        const id = secretIdOf(new Secret(text));
        expect(id).toMatch(/^[0-9a-f]{8}$/);
        expect(secretIdOf(new Secret(text))).toBe(id);
      }),
    );
  });

  test('different secrets have different ids', () => {
    const ids = Array.from({ length: 100 }, (_, index) => secretIdOf(new Secret(`secret-token-number-${index}`)));
    expect(new Set(ids).size).toBe(ids.length);
  });
});

function utf8(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}
