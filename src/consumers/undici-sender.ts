import { Agent, type buildConnector, type Dispatcher } from 'undici';
import type { Sender, SendResult } from './ports.ts';

/** How much of an answer is kept. */
const keptResponseBytes = 1024;
/** How much more of it is read, so that the connection can be used again; a longer answer costs the connection. */
const drainedResponseBytes = 64 * 1024;

/**
 * Posts with pooled keep-alive connections, one request on a connection at a time. Redirects are not followed. Idle
 * connections are closed after undici's 4 s (or what the server announces): one that the server has closed meanwhile
 * would cost an attempt.
 *
 * @param timeoutMs for the whole exchange, from connecting to the last byte of the answer that is read
 * @param connections kept to one origin at most
 * @param connector makes the connections; undici's own unless told otherwise
 */
export function createUndiciSender(
  timeoutMs: number,
  connections: number,
  connector?: buildConnector.connector,
): Sender {
  const agent = new Agent({
    connections,
    pipelining: 1,
    allowH2: false, // one lost session would fail all that is under way on it
    connect: connector ?? { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });

  return {
    async send(url, headers, body): Promise<SendResult> {
      try {
        const answer = await agent.request({
          origin: url.origin,
          path: `${url.pathname}${url.search}`,
          method: 'POST',
          headers: { ...headers },
          body,
          signal: AbortSignal.timeout(timeoutMs),
        });
        const retryAfter = answer.headers['retry-after'];
        return {
          kind: 'answer',
          status: answer.statusCode,
          retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
          response: await readStart(answer.body),
        };
      } catch (error) {
        return { kind: 'no_answer', error: reasonOf(error) };
      }
    },

    close: () => agent.close(),
  };
}

/** The status is already known; a body that breaks off or hangs does not change what the answer was. */
async function readStart(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of body) {
      if (length < keptResponseBytes) chunks.push(chunk);
      length += chunk.length;
      if (length > drainedResponseBytes) break; // leaving the loop destroys the stream
    }
  } catch {
    // the answer stands without the rest of its body
  }
  // PostgreSQL's jsonb takes no NUL.
  return Buffer.concat(chunks).subarray(0, keptResponseBytes).toString('utf8').replaceAll('\0', '\uFFFD');
}

/** A short code for logs and the attempt record: `ECONNREFUSED`, `UND_ERR_SOCKET`, `timeout`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if (error.name === 'TimeoutError') return 'timeout';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
