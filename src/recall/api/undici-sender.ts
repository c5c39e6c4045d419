import { Agent, type Dispatcher } from 'undici';
import type { Secret } from '../../secret.ts';
import type { Exchange, RecallRequest, RecallSender } from './exchange.ts';

/** A page of a list has at most some hundred entries of less than 3 KB each. */
const maxResponseBytes = 4 * 1024 * 1024;

/**
 * Sends to one origin, with the API key, whatever the request says: no link in an answer can lead the key elsewhere.
 * Redirects are not followed. An answer of more than 4 MiB is not read to its end.
 *
 * @param baseUrl without or with a trailing slash; a path in it is kept
 */
export function createUndiciSender(baseUrl: string, apiKey: Secret): RecallSender {
  const base = new URL(`${baseUrl.replace(/\/+$/, '')}/`);
  const agent = new Agent({ connections: 8, pipelining: 1, allowH2: false });
  let closing: Promise<void> | undefined;

  return {
    async send(request, timeoutMs): Promise<Exchange> {
      try {
        const answer = await agent.request({
          origin: base.origin,
          path: `${base.pathname.slice(0, -1)}${request.path}${queryOf(request)}`,
          method: request.method,
          headers: headersOf(request, apiKey),
          ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
          signal: AbortSignal.timeout(timeoutMs),
        });
        const body = await readBounded(answer.body);
        if (body === undefined) return { kind: 'too_long', status: answer.statusCode };
        return {
          kind: 'answer',
          status: answer.statusCode,
          retryAfter: headerOf(answer, 'retry-after'),
          contentType: headerOf(answer, 'content-type'),
          body,
        };
      } catch (error) {
        return { kind: 'no_answer', error: reasonOf(error) };
      }
    },

    close() {
      closing ??= agent.close();
      return closing;
    },
  };
}

function queryOf({ query = {} }: RecallRequest): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

function headersOf(request: RecallRequest, apiKey: Secret): Record<string, string> {
  return {
    accept: 'application/json',
    authorization: `Token ${apiKey.reveal()}`,
    'user-agent': 'zoom-relay',
    ...(request.body !== undefined && { 'content-type': 'application/json' }),
    ...(request.idempotencyKey !== undefined && { 'idempotency-key': request.idempotencyKey }),
  };
}

async function readBounded(body: Dispatcher.ResponseData['body']): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxResponseBytes) return undefined; // leaving the loop destroys the stream
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function headerOf({ headers }: Dispatcher.ResponseData, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if (error.name === 'TimeoutError') return 'timeout';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
