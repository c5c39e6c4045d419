import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Circuit, closedCircuit } from '../src/delivery/circuit.ts';
import {
  type AttemptedDelivery,
  type DeathReason,
  type Decision,
  deathByAge,
  decide,
  type RetryPolicy,
  type Verdict,
} from '../src/delivery/decide.ts';
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
import { forwardedHeaders } from '../src/zoom/headers.ts';
import { trickyBodies } from './support/bodies.ts';

const bytes = fc.uint8Array({ maxLength: 300 });
const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

describe('decide', () => {
  const policy: RetryPolicy = { scheduleMs: [10_000, 60_000], deadlineMs: hourMs };
  const nowMs = 5_000_000;
  const first: AttemptedDelivery = { attempt: 1, receivedAtMs: nowMs, isProbe: false };
  const last: AttemptedDelivery = { ...first, attempt: 3 };
  const delivered: Outcome = { kind: 'delivered', status: 204 };
  const refused: Outcome = { kind: 'refused', status: 401 };
  const unavailable: Outcome = { kind: 'unavailable', status: 500 };
  const throttled: Outcome = { kind: 'throttled', status: 429, retryAfterMs: 40_000 };
  /** What goes by the schedule while the consumer is not known to be down. */
  const failures: readonly Outcome[] = [
    refused,
    unavailable,
    { kind: 'unavailable', error: 'ECONNREFUSED' },
    { kind: 'throttled', status: 429 },
  ];
  const notSent: readonly Outcome[] = [
    { kind: 'corrupt' },
    { kind: 'unreadable', reason: 'job data is not an object' },
  ];
  const retry = (delayMs: number): Decision => ({ kind: 'retry', delayMs });
  const hold = (delayMs: number): Decision => ({ kind: 'hold', delayMs });
  const defer = (delayMs: number): Decision => ({ kind: 'defer', delayMs });
  const dead = (reason: DeathReason): Decision => ({ kind: 'dead', reason });

  const closed = closedCircuit;
  const failing: Circuit = { kind: 'closed', failures: 4, lastFailureAtMs: nowMs - 1000 };
  const pausing: Circuit = { kind: 'throttled', untilMs: nowMs + 90_000 };
  const pausedBriefly: Circuit = { kind: 'throttled', untilMs: nowMs + 30_000 };
  const paused: Circuit = { kind: 'throttled', untilMs: nowMs - 1 };
  const down = { openings: 3, sinceMs: nowMs - 50_000 };
  const open: Circuit = { kind: 'open', untilMs: nowMs + 20_000, ...down };
  const openAndDue: Circuit = { kind: 'open', untilMs: nowMs, ...down };
  const probing: Circuit = { kind: 'half_open', probeUntilMs: nowMs + 15_000, ...down };
  const probeLost: Circuit = { kind: 'half_open', probeUntilMs: nowMs - 1, ...down };

  const untilAsked: Circuit = { kind: 'throttled', untilMs: nowMs + 40_000 };
  const oneFailure: Circuit = { kind: 'closed', failures: 1, lastFailureAtMs: nowMs };
  const opened: Circuit = { kind: 'open', untilMs: nowMs + 5000, openings: 1, sinceMs: nowMs };
  const reopened: Circuit = { kind: 'open', untilMs: nowMs + 40_000, openings: 4, sinceMs: down.sinceMs };

  /** Whether it spends no attempt. */
  const isFree = ({ kind }: Decision): boolean => kind === 'hold' || kind === 'defer';

  /** Every circuit an attempt can end in, as a probe or not, and what follows from each outcome. */
  const situations: readonly {
    readonly name: string;
    readonly circuit: Circuit;
    readonly isProbe: boolean;
    /** The circuit after an answer. */
    readonly answered: Circuit;
    readonly onThrottled: readonly [Decision, Circuit];
    readonly onUnavailable: readonly [Decision, Circuit];
  }[] = [
    {
      name: 'a healthy circuit',
      circuit: closed,
      isProbe: false,
      answered: closed,
      onThrottled: [hold(40_000), untilAsked],
      onUnavailable: [retry(10_000), oneFailure],
    },
    {
      name: 'a circuit one failure short of opening',
      circuit: failing,
      isProbe: false,
      answered: closed,
      onThrottled: [hold(40_000), untilAsked],
      onUnavailable: [retry(10_000), opened],
    },
    {
      name: 'a pause longer than the one asked for',
      circuit: pausing,
      isProbe: false,
      answered: pausing,
      onThrottled: [hold(90_000), pausing],
      onUnavailable: [hold(90_000), pausing],
    },
    {
      name: 'a pause shorter than the one asked for',
      circuit: pausedBriefly,
      isProbe: false,
      answered: pausedBriefly,
      onThrottled: [hold(40_000), untilAsked],
      onUnavailable: [hold(30_000), pausedBriefly],
    },
    {
      name: 'a pause that is over',
      circuit: paused,
      isProbe: false,
      answered: closed,
      onThrottled: [hold(40_000), untilAsked],
      onUnavailable: [retry(10_000), oneFailure],
    },
    {
      name: 'an open circuit',
      circuit: open,
      isProbe: false,
      answered: open,
      onThrottled: [hold(20_000), open],
      onUnavailable: [hold(20_000), open],
    },
    {
      name: 'an open circuit due for a probe',
      circuit: openAndDue,
      isProbe: false,
      answered: openAndDue,
      onThrottled: [hold(1000), openAndDue],
      onUnavailable: [hold(1000), openAndDue],
    },
    {
      name: 'a half-open circuit',
      circuit: probing,
      isProbe: false,
      answered: probing,
      onThrottled: [hold(1000), probing],
      onUnavailable: [hold(1000), probing],
    },
    {
      name: 'a half-open circuit, as its probe',
      circuit: probing,
      isProbe: true,
      answered: closed,
      onThrottled: [hold(40_000), untilAsked],
      onUnavailable: [defer(41_000), reopened],
    },
    {
      name: 'a half-open circuit, as its probe that was believed lost',
      circuit: probeLost,
      isProbe: true,
      answered: closed,
      onThrottled: [hold(40_000), untilAsked],
      onUnavailable: [defer(41_000), reopened],
    },
    {
      name: 'a circuit reopened by the next probe, as a probe that was believed lost',
      circuit: open,
      isProbe: true,
      answered: closed,
      onThrottled: [hold(40_000), untilAsked],
      onUnavailable: [defer(21_000), open],
    },
    {
      name: 'a circuit closed by the next probe, as a probe that was believed lost',
      circuit: closed,
      isProbe: true,
      answered: closed,
      onThrottled: [hold(40_000), untilAsked],
      onUnavailable: [retry(10_000), oneFailure],
    },
    {
      name: 'a pause the next probe was asked for, as a probe that was believed lost',
      circuit: pausing,
      isProbe: true,
      answered: pausing,
      onThrottled: [hold(90_000), pausing],
      onUnavailable: [defer(91_000), pausing],
    },
  ];

  describe.each(situations)('against $name', ({ circuit, isProbe, answered, onThrottled, onUnavailable }) => {
    const judge = (outcome: Outcome): Verdict => decide({ ...first, isProbe }, outcome, circuit, policy, nowMs, 0.5);

    test('delivered is done', () => {
      expect(judge(delivered)).toEqual({ decision: { kind: 'done' }, circuit: answered });
    });

    test('refused goes by the schedule, and counts as an answer', () => {
      expect(judge(refused)).toEqual({ decision: retry(10_000), circuit: answered });
    });

    test('throttled with a Retry-After holds, unless the queue waits for longer or for a probe', () => {
      const [decision, after] = onThrottled;
      expect(judge(throttled)).toEqual({ decision, circuit: after });
    });

    test('throttled without a valid Retry-After goes by the schedule', () => {
      expect(judge({ kind: 'throttled', status: 429 }).decision).toEqual(retry(10_000));
    });

    test.each([unavailable, { kind: 'unavailable', error: 'ETIMEDOUT' } as const])(
      'unavailable goes by the schedule and is counted, unless that is known: then it holds, a probe aside: $status $error',
      (outcome) => {
        const [decision, after] = onUnavailable;
        expect(judge(outcome)).toEqual({ decision, circuit: after });
      },
    );

    test.each(notSent)('what is $kind is dead at once, and says nothing of the consumer', (outcome) => {
      const verdict = judge(outcome);
      expect(verdict.decision).toEqual(dead(outcome.kind === 'corrupt' ? 'corrupt' : 'unreadable'));
      expect(verdict.circuit.kind).toBe(circuit.kind);
    });

    test('a hold spends no attempt: on the last attempt it is the same hold', () => {
      for (const outcome of [throttled, unavailable]) {
        const held = judge(outcome).decision;
        const atLast = decide({ ...last, isProbe }, outcome, circuit, policy, nowMs, 0.5).decision;
        expect(atLast).toEqual(isFree(held) ? held : dead('attempts_exhausted'));
      }
    });

    test('a hold does not end at the deadline: that is seen before the next attempt', () => {
      const old = { ...first, isProbe, receivedAtMs: nowMs - policy.deadlineMs };
      for (const outcome of [throttled, unavailable]) {
        const held = judge(outcome).decision;
        const late = decide(old, outcome, circuit, policy, nowMs, 0.5).decision;
        expect(late).toEqual(isFree(held) ? held : dead('deadline_passed'));
      }
    });
  });

  test('a delivered notification is done, whatever attempt it was and however late', () => {
    for (const delivery of [first, last]) {
      expect(decide(delivery, delivered, closed, policy, nowMs + 99 * dayMs, 0.5).decision).toEqual({ kind: 'done' });
    }
  });

  test('the fifth failure in a row opens the circuit, by whichever deliveries, and those after it hold', () => {
    let circuit: Circuit = closed;
    const decisions = Array.from({ length: 7 }, () => {
      const verdict = decide(first, unavailable, circuit, policy, nowMs, 0.5);
      circuit = verdict.circuit;
      return `${verdict.decision.kind}, ${circuit.kind}`;
    });
    expect(decisions).toEqual([
      ...Array<string>(4).fill('retry, closed'),
      'retry, open',
      ...Array<string>(2).fill('hold, open'),
    ]);
  });

  test.each(failures)('$kind $status $error is tried again by the schedule, then no more', (outcome) => {
    expect(decide(first, outcome, closed, policy, nowMs, 0.5).decision).toEqual(retry(10_000));
    expect(decide({ ...first, attempt: 2 }, outcome, closed, policy, nowMs, 0.5).decision).toEqual(retry(60_000));
    expect(decide(last, outcome, closed, policy, nowMs, 0.5).decision).toEqual(dead('attempts_exhausted'));
  });

  test.each(failures)('without a schedule there is exactly one attempt: $kind $status $error', (outcome) => {
    const once = { ...policy, scheduleMs: [] };
    expect(decide(first, outcome, closed, once, nowMs, 0.5).decision).toEqual(dead('attempts_exhausted'));
  });

  test('a schedule of n steps makes n retries', () => {
    const schedules = fc.array(fc.integer({ min: 1000, max: dayMs }), { maxLength: 50 });
    fc.assert(
      fc.property(schedules, randoms, fc.constantFrom(...failures), (scheduleMs, random, outcome) => {
        const patient: RetryPolicy = { scheduleMs, deadlineMs: Number.MAX_SAFE_INTEGER };
        const decisions = Array.from(
          { length: scheduleMs.length + 2 },
          (_, index) => decide({ ...first, attempt: index + 1 }, outcome, closed, patient, nowMs, random).decision,
        );
        const retries = decisions.filter(({ kind }) => kind === 'retry');
        expect(retries.length).toBe(scheduleMs.length);
        expect(decisions.slice(scheduleMs.length)).toEqual([dead('attempts_exhausted'), dead('attempts_exhausted')]);
      }),
    );
  });

  test('a delay lies within a fifth of its step, both ways, in whole milliseconds', () => {
    const steps = fc.integer({ min: 1000, max: dayMs });
    fc.assert(
      fc.property(steps, randoms, fc.constantFrom(...failures), (stepMs, random, outcome) => {
        const patient: RetryPolicy = { scheduleMs: [stepMs], deadlineMs: 2 * dayMs };
        const { decision } = decide(first, outcome, closed, patient, nowMs, random);
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
    const { decision } = decide({ ...first, attempt: 2 }, refused, closed, policy, nowMs, random);
    expect(decision).toEqual(retry(delayMs));
  });

  test.each(failures)('a retry at the deadline is made, one that would start after it is not: $kind', (outcome) => {
    const latestMs = nowMs + policy.deadlineMs - 10_000;
    expect(decide(first, outcome, closed, policy, latestMs, 0.5).decision).toEqual(retry(10_000));
    expect(decide(first, outcome, closed, policy, latestMs + 1, 0.5).decision).toEqual(dead('deadline_passed'));
  });

  test('a delivery is too old once its deadline has passed, and not at it', () => {
    expect(deathByAge(nowMs, policy, nowMs)).toBeUndefined();
    expect(deathByAge(nowMs, policy, nowMs + policy.deadlineMs)).toBeUndefined();
    expect(deathByAge(nowMs, policy, nowMs + policy.deadlineMs + 1)).toEqual(dead('deadline_passed'));
  });

  test('a retry that is granted is never too old when it is due', () => {
    const ages = fc.integer({ min: 0, max: 2 * hourMs });
    fc.assert(
      fc.property(ages, fc.integer({ min: 1, max: 2 }), randoms, (ageMs, attempt, random) => {
        const delivery = { ...first, attempt, receivedAtMs: nowMs - ageMs };
        const { decision } = decide(delivery, refused, closed, policy, nowMs, random);
        if (decision.kind === 'retry') {
          expect(deathByAge(delivery.receivedAtMs, policy, nowMs + decision.delayMs)).toBeUndefined();
        } else expect(decision).toEqual(dead('deadline_passed'));
      }),
    );
  });

  test('Retry-After only ever lengthens: no hold is shorter than the first step, nor than a second', () => {
    const waits = fc.integer({ min: 0, max: maxRetryAfterMs });
    const schedules = fc.array(fc.integer({ min: 1, max: dayMs }), { maxLength: 3 });
    fc.assert(
      fc.property(waits, schedules, randoms, (retryAfterMs, scheduleMs, random) => {
        const outcome: Outcome = { kind: 'throttled', status: 429, retryAfterMs };
        const waitMs = Math.max(retryAfterMs, scheduleMs[0] ?? 0, 1000);
        expect(decide(first, outcome, closed, { ...policy, scheduleMs }, nowMs, random)).toEqual({
          decision: hold(waitMs),
          circuit: { kind: 'throttled', untilMs: nowMs + waitMs },
        });
      }),
    );
  });

  test('no hold is shorter than a second, so that a queue that waits is not asked all the time', () => {
    const circuits = fc
      .tuple(fc.constantFrom('open' as const, 'throttled' as const), fc.integer({ min: -5000, max: 5000 }))
      .map(([kind, inMs]): Circuit => ({ ...down, kind, untilMs: nowMs + inMs }));
    fc.assert(
      fc.property(fc.oneof(circuits, fc.constant(probing)), fc.boolean(), randoms, (circuit, isProbe, random) => {
        const { decision } = decide({ ...first, isProbe }, unavailable, circuit, policy, nowMs, random);
        expect(decision.kind === 'dead' || decision.kind === 'done' || decision.delayMs >= 1000).toBe(true);
      }),
    );
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
    ['0', 0],
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

  test('Retry-After as a date that is past means nothing, one that is now is no wait', () => {
    for (const ms of [0, nowMs - dayMs, nowMs - 1000]) {
      expect(parseRetryAfter(httpDate(ms), nowMs)).toBeUndefined();
    }
    expect(parseRetryAfter(httpDate(nowMs), nowMs + 1)).toBeUndefined();
    expect(parseRetryAfter(httpDate(nowMs), nowMs)).toBe(0);
  });

  test.each([
    ...[undefined, '', ' ', '-0', '-1', '-3600', '+5', '1.5', '1e3', '0x10', '5s', '5, 10', '٥', 'soon', 'NaN'],
    ...['Infinity', '2027-01-01T00:00:00Z', 'Sat, 99 Foo 2027 00:00:00 GMT', 'Fri, 01 Jan 2027 00:00:00 PST'],
    'Fri, 01 Jan 2027 25:61:00 GMT',
  ])('an invalid Retry-After falls back to the schedule: %j', (value) => {
    expect(parseRetryAfter(value, nowMs)).toBeUndefined();
    expect(outcomeOfResponse(429, value, nowMs)).toEqual({ kind: 'throttled', status: 429 });
  });

  test('whatever a consumer says, it makes it wait no less than the first step of the schedule, nor over an hour', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.bigInt().map(String),
      fc.integer({ min: -100, max: 10_000 }).map(String),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
      fc.integer({ min: -7200, max: 7200 }).map((sec) => httpDate(nowMs + sec * 1000)),
    );
    const policy: RetryPolicy = { scheduleMs: [30_000], deadlineMs: dayMs };
    fc.assert(
      fc.property(fc.constantFrom(429, 503, 500, 401), texts, randoms, (status, text, random) => {
        const judge = (retryAfter: string | undefined): Decision => {
          const outcome = outcomeOfResponse(status, retryAfter, nowMs);
          const delivery = { attempt: 1, receivedAtMs: nowMs, isProbe: false };
          return decide(delivery, outcome, closedCircuit, policy, nowMs, random).decision;
        };
        const asked = judge(text);
        if (asked.kind === 'hold') {
          expect(asked.delayMs).toBeGreaterThanOrEqual(30_000);
          expect(asked.delayMs).toBeLessThanOrEqual(maxRetryAfterMs);
        } else expect(asked).toEqual(judge(undefined));
      }),
    );
  });
});

describe('stored delivery', () => {
  const content = {
    headers: { 'user-agent': 'Zoom "é" \\u0000', 'x-zm-signature': 'v0=00', 'x-zm-request-timestamp': '1' },
    receivedAtMs: 1_795_219_200_123,
    secretId: 'a2503ddb',
  };
  const v1 = { v: 1, ...content };
  const { receivedAtMs, secretId } = content;
  const stored = [0, 'Zoom "é" \\u0000', 'v0=00', '1', 0, 0, 0];
  const v2 = (form: number, text: unknown) => [2, form, receivedAtMs, secretId, stored, text];
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

  test('any headers come back from JSON as they went in, in the order in which they are passed on', () => {
    const hex = fc.stringMatching(/^[0-9a-f]{14,67}$/);
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      hex,
      fc.array(fc.oneof(hex, fc.constantFrom('~', '-', '~~', 'v0=', 'G', '\\'), fc.string()), { maxLength: 6 }),
      fc.constantFrom('application/json; charset=utf-8', 'Zoom Marketplace/1.0a', 'application/json', ''),
    );
    const names = fc.constantFrom(...forwardedHeaders, 'x-another', '__proto__', 'toString', '0', '1');
    const anyHeaders = fc.dictionary(names, value.map(String));
    fc.assert(
      fc.property(anyHeaders, (headers) => {
        const encoded = encodeDelivery({ ...content, headers, body: Buffer.from('') });
        const decoded = decodeDelivery(JSON.parse(JSON.stringify(encoded)));
        if (decoded.kind !== 'content') return expect.unreachable(decoded.reason);
        expect(Object.entries(decoded.content.headers).toSorted()).toEqual(Object.entries(headers).toSorted());
      }),
      { numRuns: 1000 },
    );
    const all = Object.fromEntries(forwardedHeaders.map((name) => [name, `v0=${'0a'.repeat(32)}`]));
    const decoded = decodeDelivery(encodeDelivery({ ...content, headers: all, body: Buffer.from('') }));
    expect(decoded.kind === 'content' && Object.keys(decoded.content.headers)).toEqual(forwardedHeaders);
  });

  test('a text is kept readable, anything else as base64', () => {
    const encode = (body: Uint8Array) => encodeDelivery({ ...content, body });
    expect(encode(Buffer.from('{"topic":"🚒"}'))).toEqual(v2(0, '{`topic`:`🚒`}'));
    expect(encode(Buffer.from('{"topic":"`"}'))).toEqual(v2(1, '{"topic":"`"}'));
    expect(encode(Uint8Array.of(0, 0xff))).toEqual(v2(2, 'AP8='));
  });

  test('headers take little room, and all that is not as usual is kept as it is', () => {
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'user-agent': 'Zoom Marketplace/1.0a',
      'x-zm-signature': `v0=${'0f'.repeat(32)}`,
      'x-zm-request-timestamp': '1795219200',
      'x-zm-request-id': 'f9f724be_216d_49d5_a106_10ad9db5c01d',
      'x-zm-trackingid': 'v=2.0;clid=us02;rid=WEB_2653f83a59dd471e83c91412d8864d73',
      traceparent: '00-55E18bd4701b48db8704ccfb820b6a0f-0000000000000001-02',
    };
    const [, , , , kept] = encodeDelivery({ ...content, headers, body: Buffer.from('') });
    expect(kept).toEqual([
      1,
      1,
      'v0=~Dw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8~',
      '1795219200',
      'f9f724be_216d_49d5_a106_10ad9db5c01d',
      'v=2.0;clid=us02;rid=WEB_~JlP4OlndRx6DyRQS2IZNcw~',
      '00-55E~GL1HAbSNuHBMz7ggtqA~f-~AAAAAAAAAAE~-02',
    ]);
    expect(
      encodeDelivery({ ...content, headers: { 'x-zm-trackingid': 'a~b', a: 'b' }, body: Buffer.from('') })[4],
    ).toEqual([...[0, 0, 0, 0, 0, 0, 0], { 'x-zm-trackingid': 'a~b', a: 'b' }]);
  });

  test.each([
    [v2(0, "\ufeff{`a`:`é'`}"), Buffer.from('\ufeff{"a":"é\'"}')],
    [v2(1, '{"a":"`"}'), Buffer.from('{"a":"`"}')],
    [v2(2, 'AP8='), Buffer.from([0, 0xff])],
    [[...v2(0, ''), 'a field of a later release'], Buffer.alloc(0)],
  ])('version 2 as it was written once is read for ever: %j', (data, body) => {
    expect(decodeDelivery(data)).toEqual({ kind: 'content', content: { ...content, body } });
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
    ['a version of a later release', { ...v1, v: 3, text: 'a' }],
    ['another version in the form of 2', [3, ...v2(0, 'a').slice(1)]],
    ['version 2 in the form of another', { ...v1, v: 2, text: 'a' }],
    ['version 1 as a list', [1, ...v2(0, 'a').slice(1)]],
    ['a body in a form of a later release', v2(3, 'a')],
    ['a body in no form', [2, null, ...v2(0, 'a').slice(2)]],
    ['version 2 without a body', v2(0, undefined)],
    ['version 2 without a time', [2, 0, null, secretId, stored, 'a']],
    ['version 2 without a secret id', [2, 0, receivedAtMs, 1, stored, 'a']],
    ['version 2 without headers', [2, 0, receivedAtMs, secretId, null, 'a']],
    ['version 2 with few headers', [2, 0, receivedAtMs, secretId, [], 'a']],
    ['version 2 with too many headers', [2, 0, receivedAtMs, secretId, [...stored, {}, {}], 'a']],
    ['version 2 with a header of a later release', [2, 0, receivedAtMs, secretId, [2, 0, 0, 0, 0, 0, 0], 'a']],
    ['version 2 with the usual where there is none', [2, 0, receivedAtMs, secretId, [0, 0, 1, 0, 0, 0, 0], 'a']],
    ['version 2 with another header that is no text', [2, 0, receivedAtMs, secretId, [...stored, { a: 1 }], 'a']],
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
    const reason = 'job data has version 3, this release reads 1 and 2';
    expect(decodeDelivery({ ...v1, v: 3 })).toEqual({ kind: 'unreadable', reason });
    expect(decodeDelivery([3])).toEqual({ kind: 'unreadable', reason });
  });

  test('reading job data never throws, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc.jsonValue().map((v) => ({ ...v1, v })),
          fc.array(fc.jsonValue(), { maxLength: 7 }).map((rest) => [2, ...rest]),
          fc.array(fc.jsonValue(), { maxLength: 9 }).map((headers) => [2, 0, 1, '', headers, '']),
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
