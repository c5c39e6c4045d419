import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { attemptDelivery, type Consumer } from '../src/consumers/attempt-delivery.ts';
import { CircuitBreaker } from '../src/consumers/circuit-breaker.ts';
import { forwardHeaders } from '../src/consumers/forward-headers.ts';
import { createHttpTarget } from '../src/consumers/http-target.ts';
import type { Sender } from '../src/consumers/ports.ts';
import { freshSignature, type ResignMode } from '../src/consumers/resign.ts';
import { signAsZoom } from '../src/consumers/sign-as-zoom.ts';
import type { AttemptRecord, FreshSignature } from '../src/delivery/attempt.ts';
import { type AppKey, notificationIdOf, recallConsumer } from '../src/delivery/names.ts';
import { type DeliveryContent, encodeDelivery } from '../src/delivery/stored-delivery.ts';
import { Secret } from '../src/secret.ts';
import { type SecretTokens, secretIdOf } from '../src/zoom/secret-token.ts';
import { readSignatureClaim, verifyNotification } from '../src/zoom/verify.ts';
import { trickyBodies } from './support/bodies.ts';

const current = new Secret('the-current-secret-token');
const previous = new Secret('the-previous-secret-token');
const toleranceSec = 300;
const signedAtSec = 1_795_219_200;
const signedAtMs = signedAtSec * 1000;
/** The last moment at which the original is within the tolerance. */
const lastFreshMs = signedAtMs + toleranceSec * 1000;
const body = Buffer.from('{"event":"meeting.created","payload":{"topic":"🚒"}}');

/** Zoom's signature as its documentation describes it, made without the code under test. */
function zoomSignature(secret: Secret, timestamp: string, bytes: Uint8Array): string {
  const message = Buffer.concat([Buffer.from(`v0:${timestamp}:`), bytes]);
  return `v0=${createHmac('sha256', secret.reveal()).update(message).digest('hex')}`;
}

/** A notification as intake would have kept it. */
function contentOf(bytes: Uint8Array, secret = current): DeliveryContent {
  const timestamp = String(signedAtSec);
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'user-agent': 'Zoom Marketplace/1.0a',
    'x-zm-signature': zoomSignature(secret, timestamp, bytes),
    'x-zm-request-timestamp': timestamp,
    'x-zm-request-id': '0a1b_2c3d',
    'x-zm-trackingid': 'v=2.0;clid=aw1',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  };
  return { body: bytes, headers, receivedAtMs: signedAtMs + 500, secretId: secretIdOf(secret) };
}

function refusedAt(startedAtMs: number, status = 401): AttemptRecord {
  return { attempt: 1, startedAtMs, durationMs: 20, outcome: 'refused', status, worker: 'test:1' };
}

const content = contentOf(body);
const refusedWhenOld = refusedAt(lastFreshMs + 1);

function resign(
  mode: ResignMode,
  history: readonly AttemptRecord[],
  nowMs: number,
  kept: DeliveryContent = content,
): FreshSignature | undefined {
  return freshSignature(kept, history, { mode, toleranceSec }, current, nowMs);
}

describe('fresh signature', () => {
  test('never is never, however old and however refused', () => {
    expect(resign('never', [], lastFreshMs + 86_400_000)).toBeUndefined();
    expect(resign('never', [refusedWhenOld, refusedWhenOld], lastFreshMs + 86_400_000)).toBeUndefined();
  });

  test('always is from the first attempt past the tolerance, asked for or not', () => {
    const expected = {
      timestamp: String(signedAtSec + 400),
      signature: zoomSignature(current, String(signedAtSec + 400), body),
    };
    expect(resign('always', [], signedAtMs + 400_000)).toEqual(expected);
    expect(resign('always', [refusedAt(signedAtMs, 404)], signedAtMs + 400_000)).toEqual(expected);
  });

  test('when refused is only after a refusal', () => {
    expect(resign('when-refused', [], lastFreshMs + 60_000)).toBeUndefined();
    expect(resign('when-refused', [refusedWhenOld], lastFreshMs + 60_000)).toBeDefined();
  });

  test.each(['always', 'when-refused'] as const)(
    'an original exactly at the tolerance goes out as it is, a millisecond later it does not: %s',
    (mode) => {
      for (const nowMs of [signedAtMs - 15, signedAtMs, lastFreshMs - 1, lastFreshMs]) {
        expect(resign(mode, [refusedWhenOld], nowMs)).toBeUndefined();
      }
      expect(resign(mode, [refusedWhenOld], lastFreshMs + 1)).toBeDefined();
    },
  );

  test('a tolerance of nothing makes everything old after its own second', () => {
    const policy = { mode: 'always' as const, toleranceSec: 0 };
    expect(freshSignature(content, [], policy, current, signedAtMs)).toBeUndefined();
    expect(freshSignature(content, [], policy, current, signedAtMs + 1)).toBeDefined();
  });

  test.each([400, 401, 403])('%d may mean that the timestamp was too old', (status) => {
    expect(resign('when-refused', [refusedAt(lastFreshMs + 1, status)], lastFreshMs + 60_000)).toBeDefined();
  });

  test.each([301, 402, 404, 405, 408, 409, 410, 422, 429, 500, 503])(
    '%d does not mean that the timestamp was too old',
    (status) => {
      expect(resign('when-refused', [refusedAt(lastFreshMs + 1, status)], lastFreshMs + 60_000)).toBeUndefined();
    },
  );

  test('no answer does not mean that the timestamp was too old', () => {
    const record: AttemptRecord = {
      attempt: 1,
      startedAtMs: lastFreshMs + 1,
      durationMs: 15_000,
      outcome: 'unavailable',
      error: 'ETIMEDOUT',
      worker: 'test:1',
    };
    expect(resign('when-refused', [record], lastFreshMs + 60_000)).toBeUndefined();
  });

  test.each([signedAtMs, lastFreshMs - 1, lastFreshMs])(
    'a refusal of an original that was still fresh has another reason: %d',
    (startedAtMs) => {
      expect(resign('when-refused', [refusedAt(startedAtMs)], lastFreshMs + 60_000)).toBeUndefined();
    },
  );

  test('one refusal of an old original is enough, wherever it is in the history', () => {
    const others = [refusedAt(signedAtMs + 1000), refusedAt(lastFreshMs + 5, 500), refusedAt(lastFreshMs + 9, 404)];
    expect(resign('when-refused', others, lastFreshMs + 60_000)).toBeUndefined();
    expect(resign('when-refused', [refusedWhenOld, ...others], lastFreshMs + 60_000)).toBeDefined();
    expect(resign('when-refused', [...others, refusedWhenOld], lastFreshMs + 60_000)).toBeDefined();
  });

  test('once re-signed it stays re-signed, each time anew', () => {
    const history: AttemptRecord[] = [refusedWhenOld];
    const timestamps = [100, 200, 3600].map((laterSec) => {
      const nowMs = lastFreshMs + laterSec * 1000;
      const resigned = resign('when-refused', history, nowMs);
      if (resigned === undefined) return expect.unreachable(`not re-signed after ${laterSec} s`);
      history.push({ ...refusedAt(nowMs, 500), outcome: 'unavailable', resigned });
      return Number(resigned.timestamp) - signedAtSec - toleranceSec;
    });
    expect(timestamps).toEqual([100, 200, 3600]);
  });

  test('the timestamp is the second that has begun, so that it is never in the future', () => {
    for (const ms of [0, 1, 500, 999]) {
      expect(resign('always', [], signedAtMs + 400_000 + ms)?.timestamp).toBe(String(signedAtSec + 400));
    }
  });

  test.each(Object.entries({ ...trickyBodies, nothing: Buffer.alloc(0) }))(
    'it verifies over the raw bytes of a body with %s, and a careful receiver takes it',
    (_, bytes) => {
      const nowMs = lastFreshMs + 3_600_000;
      const kept = contentOf(bytes, previous);
      const resigned = resign('always', [], nowMs, kept);
      if (resigned === undefined) return expect.unreachable('not re-signed');
      expect(resigned.signature).toBe(zoomSignature(current, resigned.timestamp, bytes));
      const headers = forwardHeaders(kept.headers, resigned);
      const read = readSignatureClaim(headers, nowMs, 1);
      if (read.kind === 'rejected') return expect.unreachable(read.reason);
      const request = { claim: read.claim, body: bytes, headers, receivedAtMs: nowMs };
      expect(verifyNotification({ ...request, secrets: [current] }).kind).toBe('verified');
      expect(verifyNotification({ ...request, secrets: [previous] }).kind).toBe('rejected');
    },
  );

  test('neither what is kept nor what it is made from is touched', () => {
    const kept = contentOf(body);
    resign('always', [refusedWhenOld], lastFreshMs + 60_000, kept);
    expect(kept).toEqual(contentOf(body));
  });
});

describe('forwarded headers', () => {
  const fresh: FreshSignature = { timestamp: '1795222800', signature: `v0=${'0'.repeat(64)}` };

  test('without a fresh signature all go out as they came, with the name of this hop', () => {
    expect(forwardHeaders(content.headers)).toEqual({ ...content.headers, via: '1.1 zoom-relay' });
  });

  test('a fresh signature replaces exactly two headers', () => {
    const original = forwardHeaders(content.headers);
    const resigned = forwardHeaders(content.headers, fresh);
    expect(Object.keys(resigned)).toEqual(Object.keys(original));
    expect(Object.keys(resigned).filter((name) => resigned[name] !== original[name])).toEqual([
      'x-zm-signature',
      'x-zm-request-timestamp',
    ]);
    expect(resigned['x-zm-request-timestamp']).toBe(fresh.timestamp);
    expect(resigned['x-zm-signature']).toBe(fresh.signature);
  });
});

describe('an attempt with a fresh signature', () => {
  const nowMs = lastFreshMs + 60_000;

  /** One attempt of a notification signed with the previous token, and the headers that went out with it. */
  async function attempt(mode: ResignMode, history: readonly AttemptRecord[]) {
    const sent: { headers: Readonly<Record<string, string>>; body: Uint8Array }[] = [];
    const sender: Sender = {
      send: async (_url, headers, bytes) => {
        sent.push({ headers, body: bytes });
        return { kind: 'answer', status: 200, retryAfter: undefined, response: '' };
      },
      close: async () => {},
    };
    const clock = (): number => nowMs;
    const secrets: SecretTokens = [current, previous];
    const sign = signAsZoom(secrets, { mode, toleranceSec });
    const consumer: Consumer = {
      app: 'acme' as AppKey,
      key: recallConsumer,
      secrets,
      policy: { scheduleMs: [1000], deadlineMs: 86_400_000 },
      target: createHttpTarget({ url: new URL('http://127.0.0.1/'), sign, sender, nowMs: clock }),
    };
    const shared = { read: async () => undefined, swap: async () => true };
    const settled = await attemptDelivery(
      consumer,
      {
        id: notificationIdOf(body),
        data: encodeDelivery(contentOf(body, previous)),
        attempt: history.length + 1,
        history,
      },
      {
        breaker: new CircuitBreaker(shared, clock, 1000, () => {}),
        observe: () => {},
        worker: 'test:1',
        nowMs: clock,
        random: () => 0.5,
      },
    );
    return { settled, sent };
  }

  test("is signed with the app's first secret, over the same bytes, and its record says so", async () => {
    const { settled, sent } = await attempt('when-refused', [refusedWhenOld]);
    const timestamp = String(nowMs / 1000);
    const signature = zoomSignature(current, timestamp, body);
    expect(sent).toEqual([
      {
        headers: {
          ...contentOf(body, previous).headers,
          'x-zm-request-timestamp': timestamp,
          'x-zm-signature': signature,
          via: '1.1 zoom-relay',
        },
        body,
      },
    ]);
    expect(settled.record?.resigned).toEqual({ timestamp, signature });
  });

  test('is not made where the originals are to go out, and the record has none', async () => {
    const { settled, sent } = await attempt('when-refused', []);
    expect(sent[0]?.headers).toEqual({ ...contentOf(body, previous).headers, via: '1.1 zoom-relay' });
    expect(settled.record).not.toHaveProperty('resigned');
  });
});
