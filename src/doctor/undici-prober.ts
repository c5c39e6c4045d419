import { Agent, type Dispatcher } from 'undici';
import type { Probed, Prober } from './ports.ts';

const readBytes = 64 * 1024;

/** A connection of its own for each request, so that each proves the whole way; redirects are not followed. */
export function createUndiciProber(): Prober {
  const agent = new Agent({ pipelining: 0, allowH2: false });
  let closing: Promise<void> | undefined;
  return {
    async probe({ method, url, headers, body }, timeoutMs): Promise<Probed> {
      try {
        const answer = await agent.request({
          origin: url.origin,
          path: `${url.pathname}${url.search}`,
          method,
          headers,
          reset: true,
          signal: AbortSignal.timeout(timeoutMs),
          ...(body !== undefined && { body }),
        });
        return {
          kind: 'answer',
          status: answer.statusCode,
          headers: Object.fromEntries(
            Object.entries(answer.headers).flatMap(([name, value]) =>
              typeof value === 'string' ? [[name, value]] : [],
            ),
          ),
          body: await readStart(answer.body),
        };
      } catch (error) {
        return { kind: 'no_answer', error: reasonOf(error) };
      }
    },
    close() {
      closing ??= agent.destroy();
      return closing;
    },
  };
}

async function readStart(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= readBytes) break; // leaving the loop destroys the stream
  }
  return Buffer.concat(chunks).subarray(0, readBytes).toString('utf8');
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if (error.name === 'TimeoutError') return 'timeout';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
