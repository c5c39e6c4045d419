import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AttemptedDelivery, type Decision, decide, type RetryPolicy } from '../src/delivery/decide.ts';
import { IntakeTally } from '../src/delivery/intake-tally.ts';
import { consumerOff, intakeOff, sumOf } from '../src/delivery/ledger.ts';
import {
  type AppKey,
  type ConsumerKey,
  notificationIdOf,
  parseAppKey,
  queueNameOf,
  recallConsumer,
} from '../src/delivery/names.ts';
import { maxRetryAfterMs, type Outcome, outcomeOfResponse, parseRetryAfter } from '../src/delivery/outcome.ts';
import { bodyMatchesId, decodeDelivery, encodeDelivery } from '../src/delivery/stored-delivery.ts';
import { rejections } from '../src/zoom/verify.ts';
import { trickyBodies } from './support/bodies.ts';

const bytes = fc.uint8Array({ maxLength: 300 });
const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

describe('decide', () => {
  const policy: RetryPolicy = { scheduleMs: [1000, 60_000], deadlineMs: hourMs };
  const first: AttemptedDelivery = { attempt: 1, receivedAtMs: 0 };
  const last: AttemptedDelivery = { attempt: 3, receivedAtMs: 0 };
  const failures: readonly Outcome[] = [
    { kind: 'refused', status: 401 },
    { kind: 'unavailable', status: 500 },
    { kind: 'unavailable', error: 'ECONNREFUSED' },
    { kind: 'throttled', status: 429 },
  ];
  const retry = (delayMs: number): Decision => ({ kind: 'retry', delayMs });
  const dead = (reason: 'corrupt' | 'unreadable' | 'attempts_exhausted' | 'deadline_passed'): Decision => ({
    kind: 'dead',
    reason,
  });

  test.each([first, last])('a delivered notification is done, whatever attempt it was and however late', (delivery) => {
    expect(decide(delivery, { kind: 'delivered', status: 204 }, policy, 99 * dayMs, 0.5)).toEqual({ kind: 'done' });
  });

  test.each<Outcome>([{ kind: 'corrupt' }, { kind: 'unreadable', reason: 'job data is not an object' }])(
    'what is $kind is dead at once, and the reason says so',
    (outcome) => {
      expect(decide(first, outcome, policy, 0, 0.5)).toEqual({ kind: 'dead', reason: outcome.kind });
    },
  );

  test.each(failures)('$kind $status $error is tried again by the schedule, then no more', (outcome) => {
    expect(decide(first, outcome, policy, 0, 0.5)).toEqual(retry(1000));
    expect(decide({ ...first, attempt: 2 }, outcome, policy, 0, 0.5)).toEqual(retry(60_000));
    expect(decide(last, outcome, policy, 0, 0.5)).toEqual(dead('attempts_exhausted'));
  });

  test.each(failures)('without a schedule there is exactly one attempt: $kind $status $error', (outcome) => {
    expect(decide(first, outcome, { ...policy, scheduleMs: [] }, 0, 0.5)).toEqual(dead('attempts_exhausted'));
  });

  test('a schedule of n steps makes n retries', () => {
    const schedules = fc.array(fc.integer({ min: 1000, max: dayMs }), { maxLength: 50 });
    fc.assert(
      fc.property(schedules, randoms, fc.constantFrom(...failures), (scheduleMs, random, outcome) => {
        const patient: RetryPolicy = { scheduleMs, deadlineMs: Number.MAX_SAFE_INTEGER };
        const decisions = Array.from({ length: scheduleMs.length + 2 }, (_, index) =>
          decide({ attempt: index + 1, receivedAtMs: 0 }, outcome, patient, 0, random),
        );
        const retries = decisions.filter(({ kind }) => kind === 'retry');
        expect(retries.length).toBe(scheduleMs.length);
        expect(decisions.slice(scheduleMs.length)).toEqual([dead('attempts_exhausted'), dead('attempts_exhausted')]);
      }),
    );
  });

  test('a delay lies within a fifth of its step, both ways, in whole milliseconds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: dayMs }), randoms, (stepMs, random) => {
        const patient: RetryPolicy = { scheduleMs: [stepMs], deadlineMs: 2 * dayMs };
        const decision = decide(first, { kind: 'refused', status: 400 }, patient, 0, random);
        if (decision.kind !== 'retry') return expect.unreachable(decision.kind);
        expect(Number.isInteger(decision.delayMs)).toBe(true);
        expect(decision.delayMs).toBeGreaterThanOrEqual(Math.floor(stepMs * 0.8));
        expect(decision.delayMs).toBeLessThanOrEqual(Math.ceil(stepMs * 1.2));
      }),
    );
  });

  test.each([
    [0, 48_000],
    [0.25, 54_000],
    [0.5, 60_000],
    [0.75, 66_000],
    [1 - 2 ** -53, 72_000],
  ])('chance %d makes a minute %d ms: the whole band is used', (random, delayMs) => {
    expect(decide({ ...first, attempt: 2 }, { kind: 'refused', status: 400 }, policy, 0, random)).toEqual(
      retry(delayMs),
    );
  });

  test.each(failures)('a retry at the deadline is made, one that would start after it is not: $kind', (outcome) => {
    const delivery = { attempt: 1, receivedAtMs: 5_000_000 };
    const latestMs = delivery.receivedAtMs + policy.deadlineMs - 1000;
    expect(decide(delivery, outcome, policy, latestMs, 0.5)).toEqual(retry(1000));
    expect(decide(delivery, outcome, policy, latestMs + 1, 0.5)).toEqual(dead('deadline_passed'));
  });

  test('Retry-After only ever lengthens a delay', () => {
    const waits = fc.integer({ min: 1, max: maxRetryAfterMs });
    fc.assert(
      fc.property(waits, fc.integer({ min: 1000, max: dayMs }), randoms, (retryAfterMs, stepMs, random) => {
        const patient: RetryPolicy = { scheduleMs: [stepMs], deadlineMs: 2 * dayMs };
        const unasked = decide(first, { kind: 'throttled', status: 429 }, patient, 0, random);
        const asked = decide(first, { kind: 'throttled', status: 429, retryAfterMs }, patient, 0, random);
        if (unasked.kind !== 'retry' || asked.kind !== 'retry') return expect.unreachable('it is tried again');
        expect(asked.delayMs).toBe(Math.max(unasked.delayMs, retryAfterMs));
      }),
    );
  });

  test('a wait that a consumer asks for beyond the deadline makes the delivery dead', () => {
    const outcome: Outcome = { kind: 'throttled', status: 429, retryAfterMs: hourMs };
    expect(decide(first, outcome, policy, 0, 0.5)).toEqual(retry(hourMs));
    expect(decide(first, outcome, policy, 1, 0.5)).toEqual(dead('deadline_passed'));
  });
});

describe('outcome', () => {
  const nowMs = Date.parse('2026-11-21T00:00:00.000Z');
  const httpDate = (ms: number): string => new Date(ms).toUTCString();

  test.each([200, 201, 202, 204, 206, 299])('%d is delivered', (status) => {
    expect(outcomeOfResponse(status, undefined, nowMs)).toEqual({ kind: 'delivered', status });
    expect(outcomeOfResponse(status, '60', nowMs)).toEqual({ kind: 'delivered', status });
  });

  test.each([300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 451, 499])(
    '%d is refused, and its Retry-After means nothing',
    (status) => {
      expect(outcomeOfResponse(status, undefined, nowMs)).toEqual({ kind: 'refused', status });
      expect(outcomeOfResponse(status, '60', nowMs)).toEqual({ kind: 'refused', status });
    },
  );

  test.each([408, 500, 501, 502, 504, 520, 599])('%d is unavailable, and its Retry-After means nothing', (status) => {
    expect(outcomeOfResponse(status, undefined, nowMs)).toEqual({ kind: 'unavailable', status });
    expect(outcomeOfResponse(status, '60', nowMs)).toEqual({ kind: 'unavailable', status });
  });

  test('429 is throttled, with or without a wait', () => {
    expect(outcomeOfResponse(429, undefined, nowMs)).toEqual({ kind: 'throttled', status: 429 });
    expect(outcomeOfResponse(429, '60', nowMs)).toEqual({ kind: 'throttled', status: 429, retryAfterMs: 60_000 });
  });

  test('503 is throttled when it says for how long, else unavailable', () => {
    expect(outcomeOfResponse(503, undefined, nowMs)).toEqual({ kind: 'unavailable', status: 503 });
    expect(outcomeOfResponse(503, 'soon', nowMs)).toEqual({ kind: 'unavailable', status: 503 });
    expect(outcomeOfResponse(503, '60', nowMs)).toEqual({ kind: 'throttled', status: 503, retryAfterMs: 60_000 });
    expect(outcomeOfResponse(503, httpDate(nowMs + 90_000), nowMs)).toEqual({
      kind: 'throttled',
      status: 503,
      retryAfterMs: 90_000,
    });
  });

  test.each([
    ['1', 1000],
    ['120', 120_000],
    ['  120 ', 120_000],
    ['007', 7000],
    ['3599', 3_599_000],
    ['3600', maxRetryAfterMs],
  ])('Retry-After %j is %d ms', (value, waitMs) => {
    expect(parseRetryAfter(value, nowMs)).toBe(waitMs);
  });

  test.each(['3601', '86400', '9007199254740993', '9'.repeat(400)])('Retry-After %s is cut to an hour', (value) => {
    expect(parseRetryAfter(value, nowMs)).toBe(hourMs);
  });

  test('Retry-After as a date is the time until then, cut to an hour', () => {
    expect(parseRetryAfter('Sat, 21 Nov 2026 00:01:30 GMT', nowMs)).toBe(90_000);
    expect(parseRetryAfter(httpDate(nowMs + 1000), nowMs + 1)).toBe(999);
    expect(parseRetryAfter(httpDate(nowMs + hourMs + 1000), nowMs)).toBe(hourMs);
    expect(parseRetryAfter('Fri, 31 Dec 9999 23:59:59 GMT', nowMs)).toBe(hourMs);
  });

  test('Retry-After as a date that is past, or now, means nothing', () => {
    for (const ms of [0, nowMs - dayMs, nowMs - 1000, nowMs]) {
      expect(parseRetryAfter(httpDate(ms), nowMs)).toBeUndefined();
    }
  });

  test.each([
    ...[undefined, '', ' ', '0', '-1', '-3600', '+5', '1.5', '1e3', '0x10', '5s', '5, 10', '٥', 'soon', 'NaN'],
    ...['Infinity', '2027-01-01T00:00:00Z', 'Sat, 99 Foo 2027 00:00:00 GMT', 'Fri, 01 Jan 2027 00:00:00 PST'],
    'Fri, 01 Jan 2027 25:61:00 GMT',
  ])('an invalid Retry-After falls back to the schedule: %j', (value) => {
    expect(parseRetryAfter(value, nowMs)).toBeUndefined();
    expect(outcomeOfResponse(429, value, nowMs)).toEqual({ kind: 'throttled', status: 429 });
  });

  test('whatever a consumer says, it never makes a retry sooner, nor later than by an hour', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.bigInt().map(String),
      fc.integer({ min: -100, max: 10_000 }).map(String),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
      fc.integer({ min: -7200, max: 7200 }).map((sec) => httpDate(nowMs + sec * 1000)),
    );
    const policy: RetryPolicy = { scheduleMs: [30_000], deadlineMs: dayMs };
    const delayOf = (status: number, retryAfter: string | undefined, random: number): number => {
      const outcome = outcomeOfResponse(status, retryAfter, nowMs);
      const decision = decide({ attempt: 1, receivedAtMs: nowMs }, outcome, policy, nowMs, random);
      return decision.kind === 'retry' ? decision.delayMs : expect.unreachable(decision.kind);
    };
    fc.assert(
      fc.property(fc.constantFrom(429, 503, 500, 401), texts, randoms, (status, text, random) => {
        const scheduledMs = delayOf(status, undefined, random);
        expect(delayOf(status, text, random)).toBeGreaterThanOrEqual(scheduledMs);
        expect(delayOf(status, text, random)).toBeLessThanOrEqual(Math.max(scheduledMs, maxRetryAfterMs));
      }),
    );
  });
});

describe('stored delivery', () => {
  const content = {
    headers: { 'x-zm-signature': 'v0=00', 'x-zm-request-timestamp': '1', 'user-agent': 'Zoom "é" \\u0000' },
    receivedAtMs: 1_795_219_200_123,
    secretId: 'a2503ddb',
  };
  const v1 = { v: 1, ...content };
  /** What comes back from a store that keeps JSON. */
  const throughStore = (body: Uint8Array): Uint8Array => {
    const decoded = decodeDelivery(JSON.parse(JSON.stringify(encodeDelivery({ ...content, body }))));
    if (decoded.kind !== 'content') return expect.unreachable(decoded.reason);
    const { body: back, ...rest } = decoded.content;
    expect(rest).toEqual(content);
    return back;
  };
  const anyBody = fc.oneof(
    bytes,
    fc.string({ unit: 'binary', maxLength: 300 }).map((text) => Buffer.from(text)),
    fc.json().map((text) => Buffer.from(text)),
    bytes.map((tail) => Uint8Array.of(0xef, 0xbb, 0xbf, ...tail)),
  );

  test('any bytes come back from JSON as they went in', () => {
    fc.assert(
      fc.property(anyBody, (body) => {
        expect(Buffer.compare(throughStore(body), body)).toBe(0);
      }),
      { numRuns: 1000 },
    );
  });

  test.each(Object.entries({ ...trickyBodies, nothing: Buffer.alloc(0) }))('a body with %s comes back', (_, body) => {
    expect(Buffer.compare(throughStore(body), body)).toBe(0);
  });

  test('a body that is a part of a larger buffer comes back alone', () => {
    for (const larger of [Buffer.from('<<{"a":1}>>'), Buffer.from([9, 9, 0, 0xff, 0, 1, 2, 3, 4, 9, 9])]) {
      const part = new Uint8Array(larger.buffer, larger.byteOffset + 2, 7);
      expect(Buffer.compare(throughStore(part), larger.subarray(2, 9))).toBe(0);
    }
  });

  test('no NUL is ever in the JSON, escaped or raw: jsonb refuses it', () => {
    const escapedNul = /(?<!\\)(?:\\\\)*\\u0000/;
    expect(JSON.stringify({ text: 'a\0' })).toMatch(escapedNul);
    expect(JSON.stringify({ text: '\\u0000' })).not.toMatch(escapedNul);
    fc.assert(
      fc.property(fc.oneof(anyBody, fc.constantFrom(...Object.values(trickyBodies))), (body) => {
        const json = JSON.stringify(encodeDelivery({ ...content, body }));
        expect(json).not.toMatch(escapedNul);
        expect(json).not.toContain('\0');
      }),
    );
  });

  test('a text is kept readable, anything else as base64', () => {
    expect(encodeDelivery({ ...content, body: Buffer.from('{"topic":"🚒"}') })).toEqual({
      ...v1,
      text: '{"topic":"🚒"}',
    });
    expect(encodeDelivery({ ...content, body: Uint8Array.of(0, 0xff) })).toEqual({ ...v1, base64: 'AP8=' });
  });

  test.each([
    [{ ...v1, text: '\ufeff{"a":"é"}' }, Buffer.from('\ufeff{"a":"é"}')],
    [{ ...v1, base64: 'AP8=' }, Buffer.from([0, 0xff])],
    [{ ...v1, text: '' }, Buffer.alloc(0)],
    [{ ...v1, text: 'a', aFieldOfALaterRelease: true }, Buffer.from('a')],
  ])('version 1 as it was written once is read for ever: %j', (data, body) => {
    expect(decodeDelivery(data)).toEqual({ kind: 'content', content: { ...content, body } });
  });

  test.each([
    ['null', null],
    ['undefined', undefined],
    ['a string', '{"v":1}'],
    ['a number', 1],
    ['an array', []],
    ['an empty object', {}],
    ['no version', { ...v1, v: undefined, text: 'a' }],
    ['a version of a later release', { ...v1, v: 2, text: 'a' }],
    ['a version that is text', { ...v1, v: '1', text: 'a' }],
    ['no time of receipt', { ...v1, receivedAtMs: undefined, text: 'a' }],
    ['a time of receipt that is text', { ...v1, receivedAtMs: '1', text: 'a' }],
    ['no secret id', { ...v1, secretId: undefined, text: 'a' }],
    ['no headers', { ...v1, headers: undefined, text: 'a' }],
    ['headers that are null', { ...v1, headers: null, text: 'a' }],
    ['a header that is no text', { ...v1, headers: { 'content-type': 1 }, text: 'a' }],
    ['no body', v1],
    ['a body that is no text', { ...v1, text: 1 }],
    ['a body that is null', { ...v1, base64: null }],
  ])('job data that is or has %s is unreadable and says why', (_name, data) => {
    expect(decodeDelivery(data)).toEqual({ kind: 'unreadable', reason: expect.stringMatching(/^job data .{5}/) });
  });

  test('the version that cannot be read is named', () => {
    const decoded = decodeDelivery({ ...v1, v: 2 });
    expect(decoded).toEqual({ kind: 'unreadable', reason: 'job data has version 2, this release reads 1' });
  });

  test('reading job data never throws, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc.jsonValue().map((v) => ({ ...v1, v })),
        ),
        (data) => {
          expect(['content', 'unreadable']).toContain(decodeDelivery(data).kind);
        },
      ),
    );
  });

  test('a body matches the id made from it, and no other', () => {
    fc.assert(
      fc.property(bytes, bytes, (body, other) => {
        expect(bodyMatchesId(body, notificationIdOf(body))).toBe(true);
        fc.pre(Buffer.compare(body, other) !== 0);
        expect(bodyMatchesId(other, notificationIdOf(body))).toBe(false);
      }),
    );
  });

  test('an id that is too short, too long or in upper case matches nothing', () => {
    const body = Buffer.from('{}');
    const sha256 = createHash('sha256').update(body).digest('hex');
    for (const id of ['', sha256.slice(0, 31), sha256.slice(0, 33), sha256, sha256.slice(0, 32).toUpperCase()]) {
      expect(bodyMatchesId(body, id)).toBe(false);
    }
  });
});

describe('names', () => {
  const keyCharacter = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789-_');
  const validKey = fc
    .string({ unit: keyCharacter, minLength: 1, maxLength: 40 })
    .filter((key) => /^[a-z0-9]/.test(key));

  test('an app key is 1 to 40 of a-z 0-9 - _, the first a letter or digit', () => {
    fc.assert(
      fc.property(validKey, (key) => {
        expect(parseAppKey(key)).toBe(key);
      }),
    );
    for (const key of ['default', 'acme', 'a', '0', 'a-b_c', 'a'.repeat(40)]) expect(parseAppKey(key)).toBe(key);
  });

  test.each(['', '-a', '_a', 'A', 'aB', 'a.b', 'a b', ' a', 'a\n', 'a/b', 'a{b', 'a}b', 'a:b', 'é', 'a'.repeat(41)])(
    '%j is no app key',
    (text) => {
      expect(parseAppKey(text)).toBeUndefined();
    },
  );

  test('two queues have the same name only when app and consumer are the same', () => {
    const pair = fc.tuple(validKey, validKey);
    const nameOf = ([app, consumer]: [string, string]) => queueNameOf(app as AppKey, consumer as ConsumerKey);
    fc.assert(
      fc.property(pair, pair, (one, other) => {
        expect(nameOf(one) === nameOf(other)).toBe(one[0] === other[0] && one[1] === other[1]);
      }),
    );
    expect(nameOf(['a-b', 'c'])).not.toBe(nameOf(['a', 'b-c']));
  });

  test('a queue name never changes between releases, and the whole of it is a Redis Cluster hash tag', () => {
    expect(queueNameOf('acme' as AppKey, recallConsumer)).toBe('{acme.recall}');
    fc.assert(
      fc.property(validKey, (app) => {
        expect(queueNameOf(app as AppKey, recallConsumer)).toMatch(/^\{[^{}:]+\}$/);
      }),
    );
  });

  test('a notification id never changes between releases: the first 32 hex digits of SHA-256 over the body', () => {
    expect(notificationIdOf(Buffer.alloc(0))).toBe('e3b0c44298fc1c149afbf4c8996fb924');
    expect(notificationIdOf(Buffer.from('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223');
  });
});

describe('ledger', () => {
  const intake = {
    received: 21,
    challenge: 1,
    accepted: 2,
    duplicate: 3,
    rejected: { signature_mismatch: 4, timestamp_stale: 5 },
    turnedAway: 6,
  };

  test('intake adds up when everything received is one of challenge, accepted, duplicate, rejected, turned away', () => {
    expect(intakeOff(intake)).toBe(0);
    expect(intakeOff({ received: 0, challenge: 0, accepted: 0, duplicate: 0, rejected: {}, turnedAway: 0 })).toBe(0);
  });

  test.each(['challenge', 'accepted', 'duplicate', 'turnedAway'] as const)(
    'one %s too few is one notification unaccounted for, one too many is minus one',
    (line) => {
      expect(intakeOff({ ...intake, [line]: intake[line] - 1 })).toBe(1);
      expect(intakeOff({ ...intake, [line]: intake[line] + 1 })).toBe(-1);
    },
  );

  test('every reason of rejection counts', () => {
    expect(intakeOff({ ...intake, rejected: { signature_mismatch: 4 } })).toBe(5);
    expect(sumOf(intake.rejected)).toBe(9);
    expect(sumOf({})).toBe(0);
  });

  test('a consumer adds up when everything accepted is delivered, pending or dead', () => {
    expect(consumerOff(6, { delivered: 1, pending: 2, dead: 3 })).toBe(0);
    expect(consumerOff(7, { delivered: 1, pending: 2, dead: 3 })).toBe(1);
    expect(consumerOff(6, { delivered: 2, pending: 2, dead: 3 })).toBe(-1);
    expect(consumerOff(6, { delivered: 1, pending: 3, dead: 3 })).toBe(-1);
    expect(consumerOff(6, { delivered: 1, pending: 2, dead: 4 })).toBe(-1);
  });
});

describe('intake tally', () => {
  const nothing = { challenge: 0, accepted: 0, duplicate: 0, turnedAway: 0, rejected: {} };

  test('an app nobody has sent anything to has nothing', () => {
    expect(new IntakeTally().of('acme')).toEqual(nothing);
  });

  test('each app is counted by itself', () => {
    const tally = new IntakeTally();
    tally.count('acme', 'accepted');
    tally.count('acme', 'accepted');
    tally.count('other', 'duplicate');
    tally.countRejected('other', 'timestamp_stale');
    expect(tally.of('acme')).toEqual({ ...nothing, accepted: 2 });
    expect(tally.of('other')).toEqual({ ...nothing, duplicate: 1, rejected: { timestamp_stale: 1 } });
  });

  test('what was read once does not change when more is counted', () => {
    const tally = new IntakeTally();
    tally.countRejected('acme', 'timestamp_stale');
    const before = tally.of('acme');
    tally.count('acme', 'accepted');
    tally.countRejected('acme', 'timestamp_stale');
    expect(before).toEqual({ ...nothing, rejected: { timestamp_stale: 1 } });
  });

  test('everything that is counted adds up in the ledger', () => {
    const results = fc.array(fc.constantFrom('challenge', 'accepted', 'duplicate', 'turnedAway'));
    fc.assert(
      fc.property(results, fc.array(fc.constantFrom(...rejections)), (kept, rejected) => {
        const tally = new IntakeTally();
        for (const result of kept) tally.count('acme', result);
        for (const reason of rejected) tally.countRejected('acme', reason);
        expect(intakeOff({ received: kept.length + rejected.length, ...tally.of('acme') })).toBe(0);
      }),
    );
  });
});
