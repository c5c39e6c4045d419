import { randomUUID } from 'node:crypto';
import { decodeJwt } from 'jose';
import { Webhook } from 'standardwebhooks';
import { request } from 'undici';
import type { RecallApiSettings } from './settings.ts';

/** What a customer's callback answered. */
export interface CallbackResult {
  /** `undefined` when it did not answer in time. */
  readonly status: number | undefined;
  readonly contentType: string | undefined;
  readonly body: string;
  readonly durationMs: number;
}

/**
 * Asks a callback for an access token: GET, nothing but the URL tells who asks, unless the workspace has a secret; then
 * it is signed as Standard Webhooks are, over an empty body. Redirects are not followed. The query goes out as it is.
 *
 * @see https://docs.recall.ai/docs/authenticating-requests-from-recallai
 */
export async function callCallback(url: string, settings: RecallApiSettings, nowMs: number): Promise<CallbackResult> {
  const origin = /^https?:\/\/[^/?#]*/i.exec(url)?.[0] ?? '';
  const place = settings.resolve[origin] ?? origin;
  const headers = { host: new URL(origin).host, accept: '*/*', ...signatureHeaders(settings.workspaceSecrets, nowMs) };
  const startedAt = performance.now();
  const durationMs = () => Math.round(performance.now() - startedAt);
  try {
    const signal = AbortSignal.timeout(settings.callbackTimeoutMs);
    const answer = await request(place + url.slice(origin.length), { headers, signal });
    const body = await answer.body.text();
    const contentType = answer.headers['content-type']?.toString();
    return { status: answer.statusCode, contentType, body, durationMs: durationMs() };
  } catch {
    return { status: undefined, contentType: undefined, body: '', durationMs: durationMs() };
  }
}

function signatureHeaders(secrets: readonly string[], nowMs: number): Record<string, string> {
  if (secrets.length === 0) return {};
  const id = `msg_${randomUUID()}`;
  const timestampSec = Math.floor(nowMs / 1000);
  const signatures = secrets.map((secret) => new Webhook(secret).sign(id, new Date(timestampSec * 1000), ''));
  return { 'webhook-id': id, 'webhook-timestamp': `${timestampSec}`, 'webhook-signature': signatures.join(' ') };
}

const minLeftMs = 120_000;
const jwt = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Why an answer is no access token of this app with 120 s to live; `undefined` when it is one. Never quotes it. */
export function findTokenProblem(
  { status, contentType, body }: CallbackResult,
  clientId: string,
  nowMs: number,
): string | undefined {
  if (status === undefined) return 'The access token callback did not answer in time.';
  if (status !== 200) return `The access token callback answered ${status}.`;
  if (!contentType?.startsWith('text/plain'))
    return `The access token callback answered ${contentType}, not text/plain.`;
  if (!jwt.test(body)) return 'The access token callback did not answer with an access token and nothing else.';
  const { iss, exp = 0, type } = decodeClaims(body);
  if (iss !== `zm:cid:${clientId}` || type !== 0) return 'The access token was not issued to the client_id of the app.';
  if (exp * 1000 - nowMs < minLeftMs) return 'The access token has less than 120 seconds to live.';
  return undefined;
}

function decodeClaims(token: string): { readonly iss?: string; readonly exp?: number; readonly type?: unknown } {
  try {
    return decodeJwt(token);
  } catch {
    return {};
  }
}
