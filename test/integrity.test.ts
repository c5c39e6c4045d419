import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forwardHeaders } from '../src/consumers/forward-headers.ts';
import { isIntact } from '../src/consumers/integrity.ts';
import { notificationIdOf } from '../src/delivery/names.ts';
import { type DeliveryContent, decodeDelivery, encodeDelivery } from '../src/delivery/stored-delivery.ts';
import { Secret } from '../src/secret.ts';
import { forwardedHeaders } from '../src/zoom/headers.ts';
import { secretIdOf } from '../src/zoom/secret-token.ts';
import { signBody } from '../src/zoom/signature.ts';
import { trickyBodies } from './support/bodies.ts';

const secret = new Secret('the-current-secret-token');
const previous = new Secret('the-previous-secret-token');
const other = new Secret('some-other-secret-token');

/** A notification as intake would have kept it. */
function contentOf(body: Uint8Array, signedWith = secret, timestamp = '1720707175'): DeliveryContent {
  const headers = {
    'x-zm-signature': signBody(signedWith, timestamp, body),
    'x-zm-request-timestamp': timestamp,
    'x-zm-request-id': '0a1b_2c3d',
  };
  return { body, headers, receivedAtMs: 1_720_707_175_500, secretId: secretIdOf(signedWith) };
}

function withHeaders(content: DeliveryContent, headers: Readonly<Record<string, string>>): DeliveryContent {
  return { ...content, headers: { ...content.headers, ...headers } };
}

describe('integrity', () => {
  const body = Buffer.from('{"event":"meeting.created"}');
  const id = notificationIdOf(body);
  const content = contentOf(body);
  const stranger = withHeaders(content, { 'x-zm-signature': signBody(other, '1720707175', body) });

  test('what comes back from the store as it went in is intact, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.constantFrom(...Object.values(trickyBodies))), (bytes) => {
        const decoded = decodeDelivery(JSON.parse(JSON.stringify(encodeDelivery(contentOf(bytes)))));
        if (decoded.kind !== 'content') return expect.unreachable(decoded.reason);
        expect(isIntact(decoded.content, notificationIdOf(bytes), [secret])).toBe(true);
      }),
    );
  });

  test('one changed byte of the body is found', () => {
    fc.assert(
      fc.property(fc.nat({ max: body.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = body.map((byte, index) => (index === at ? byte ^ flip : byte));
        expect(isIntact({ ...content, body: changed }, id, [secret])).toBe(false);
        expect(isIntact({ ...content, body: changed }, notificationIdOf(changed), [secret])).toBe(false);
      }),
    );
  });

  test('a changed or missing timestamp is found', () => {
    for (const timestamp of ['1720707176', '01720707175', '1720707175 ', '']) {
      expect(isIntact(withHeaders(content, { 'x-zm-request-timestamp': timestamp }), id, [secret])).toBe(false);
    }
    const { 'x-zm-request-timestamp': _timestamp, ...headers } = content.headers;
    expect(isIntact({ ...content, headers }, id, [secret])).toBe(false);
  });

  test('a changed or missing signature is found', () => {
    const signature = content.headers['x-zm-signature'] ?? '';
    fc.assert(
      fc.property(fc.nat({ max: signature.length - 1 }), fc.constantFrom(...'0123456789abcdefv=A', ''), (at, digit) => {
        const changed = signature.slice(0, at) + digit + signature.slice(at + 1);
        fc.pre(changed !== signature);
        expect(isIntact(withHeaders(content, { 'x-zm-signature': changed }), id, [secret])).toBe(false);
      }),
    );
    expect(isIntact(stranger, id, [secret])).toBe(false);
    const { 'x-zm-signature': _signature, ...headers } = content.headers;
    expect(isIntact({ ...content, headers }, id, [secret])).toBe(false);
  });

  test('the id of another body is found', () => {
    expect(isIntact(content, notificationIdOf(Buffer.from('{}')), [secret])).toBe(false);
  });

  test('while rotating, a delivery is checked with the secret that verified it', () => {
    const older = contentOf(body, previous);
    expect(isIntact(older, id, [secret, previous])).toBe(true);
    expect(isIntact(content, id, [secret, previous])).toBe(true);
    expect(isIntact({ ...older, secretId: secretIdOf(secret) }, id, [secret, previous])).toBe(false);
    expect(isIntact(withHeaders(older, { 'x-zm-request-timestamp': '1' }), id, [secret, previous])).toBe(false);
  });

  test('once the secret that verified it has left the configuration, only the bytes are checked', () => {
    expect(isIntact(content, id, [other])).toBe(true);
    expect(isIntact(stranger, id, [other])).toBe(true);
    expect(isIntact(withHeaders(content, { 'x-zm-request-timestamp': '1' }), id, [other])).toBe(true);
    expect(isIntact({ ...content, body: Buffer.from('{"event":"meeting.createe"}') }, id, [other])).toBe(false);
  });
});

describe('forwarded headers', () => {
  test('they are those received, values untouched, and via', () => {
    const received = fc.dictionary(fc.constantFrom(...forwardedHeaders), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(received, (headers) => {
        const before = { ...headers };
        expect(forwardHeaders(headers)).toEqual({ ...headers, via: '1.1 zoom-relay' });
        expect(headers).toEqual(before);
      }),
    );
  });

  test('content-length and host are left to the sender', () => {
    expect(Object.keys(forwardHeaders({}))).toEqual(['via']);
  });
});
