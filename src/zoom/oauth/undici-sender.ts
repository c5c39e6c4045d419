import { Agent, type Dispatcher } from 'undici';
import type { Exchange, ZoomSender } from './exchange.ts';

/** Tokens are some kilobytes at most, and so is a user. */
const maxResponseBytes = 1024 * 1024;

/**
 * Redirects are not followed: what is sent is for Zoom. An answer of more than 1 MiB is none.
 *
 * @param timeoutMs for the whole exchange
 * @param keepAlive false: each request has a connection of its own, and there is nothing to close
 */
export function createUndiciSender(timeoutMs: number, keepAlive: boolean): ZoomSender {
  const agent = new Agent({ connections: 16, pipelining: keepAlive ? 1 : 0, allowH2: false });
  let closing: Promise<void> | undefined;

  return {
    async send({ method, url, headers, body }): Promise<Exchange> {
      try {
        const answer = await agent.request({
          origin: url.origin,
          path: `${url.pathname}${url.search}`,
          method,
          headers: { 'user-agent': 'zoom-relay', ...headers },
          ...(body !== undefined && { body }),
          signal: AbortSignal.timeout(timeoutMs),
        });
        const text = await readBounded(answer.body);
        if (text === undefined) return { kind: 'no_answer', error: 'ANSWER_TOO_LONG' };
        return { kind: 'answer', status: answer.statusCode, headers: headersOf(answer), body: text };
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

/** Of a header that came more than once, the first. */
function headersOf({ headers }: Dispatcher.ResponseData): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [name, [value].flat()[0]] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if (error.name === 'TimeoutError') return 'timeout';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
