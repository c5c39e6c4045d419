import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../secret.ts';

/**
 * Zoom's `x-zm-signature` for a body: `v0=` and the lower-case hex HMAC-SHA-256, keyed with the Secret Token, of
 * `v0:{x-zm-request-timestamp}:{raw body}`. The timestamp is signed as the text it came as, the body as the bytes it
 * came as.
 *
 * @see https://developers.zoom.us/docs/api/webhooks/#verify-with-zooms-header
 */
export function signBody(secret: Secret, timestamp: string, body: Uint8Array): string {
  return `v0=${createHmac('sha256', secret.reveal()).update(`v0:${timestamp}:`).update(body).digest('hex')}`;
}

/** Whether `signature` is Zoom's for these bytes, compared in constant time. A wrong length is a plain no. */
export function signatureMatches(secret: Secret, timestamp: string, body: Uint8Array, signature: string): boolean {
  const expected = Buffer.from(signBody(secret, timestamp, body));
  const given = Buffer.from(signature);
  return expected.length === given.length && timingSafeEqual(expected, given);
}
