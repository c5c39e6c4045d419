import { randomBytes, randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { type Dispatcher, request } from 'undici';
import { RelayError } from '../errors.ts';
import type { Secret } from '../secret.ts';
import { signBody } from '../zoom/signature.ts';

/** Zoom gives up after this, milliseconds. */
const zoomTimeoutMs = 3000;

export interface ZoomAnswer {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly text: string;
  readonly durationMs: number;
}

/**
 * The headers Zoom sends with an event notification, credentials included (which must not travel on).
 *
 * @param signed overrides for a request that was captured
 */
export function zoomHeaders(
  secret: Secret,
  body: Uint8Array,
  nowMs: number,
  signed?: { readonly timestamp: string; readonly signature: string },
): Record<string, string> {
  const timestamp = signed?.timestamp ?? String(Math.floor(nowMs / 1000));
  return {
    'content-type': 'application/json; charset=utf-8',
    'user-agent': 'Zoom Marketplace/1.0a',
    'x-zm-request-timestamp': timestamp,
    'x-zm-signature': signed?.signature ?? signBody(secret, timestamp, body),
    'x-zm-request-id': randomUUID().replaceAll('-', '_'),
    'x-zm-trackingid': `v=2.0;clid=us02;rid=WEB_${randomBytes(16).toString('hex')}`,
    traceparent: `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-02`,
    clientid: 'zoom-app-client-id',
    authorization: 'legacy-verification-token',
  };
}

/**
 * Posts as Zoom does: no redirects, and no answer counts after 3 s.
 *
 * @throws RelayError `target_unreachable`
 */
export async function postAsZoom(
  url: URL,
  headers: Record<string, string>,
  body: Uint8Array,
  timeoutMs = zoomTimeoutMs,
): Promise<ZoomAnswer> {
  const startedAt = performance.now();
  try {
    const answer = await request(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(timeoutMs) });
    const text = await answer.body.text();
    const durationMs = Math.round(performance.now() - startedAt);
    return { status: answer.statusCode, headers: answer.headers, text, durationMs };
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : `no answer within ${timeoutMs} ms`;
    throw new RelayError('target_unreachable', `no answer from ${url.origin} (${reason}): is a relay running there?`, {
      cause,
    });
  }
}
