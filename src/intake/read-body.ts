import type { IncomingMessage } from 'node:http';

export type BodyRead =
  | { readonly kind: 'body'; readonly body: Uint8Array }
  | { readonly kind: 'body_too_large' }
  /** The sender went away, or sent less than it had announced. */
  | { readonly kind: 'body_incomplete' }
  /** All senders together hold more than this process gives to bodies being read. */
  | { readonly kind: 'overloaded' };

/** Bytes of bodies being read, over all requests of this process. */
export interface ReadingBudget {
  bytes: number;
}

/**
 * Reads a request's raw body. The limit holds for a body without Content-Length too, and a Content-Length over it is
 * refused before anything is read. What is not read is left to the server, which drains or drops it after the answer.
 */
export function readBody(request: IncomingMessage, maxBytes: number, budget: ReadingBudget): Promise<BodyRead> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.resolve({ kind: 'body_too_large' });
  const { promise, resolve } = Promise.withResolvers<BodyRead>();
  const chunks: Buffer[] = [];
  let length = 0;

  const onData = (chunk: Buffer): void => {
    length += chunk.length;
    budget.bytes -= chunk.length;
    chunks.push(chunk);
    if (length > maxBytes) finish({ kind: 'body_too_large' });
    else if (budget.bytes < 0) finish({ kind: 'overloaded' });
  };
  const onEnd = (): void => {
    const [first] = chunks;
    finish({ kind: 'body', body: chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, length) });
  };
  const onBroken = (): void => finish({ kind: 'body_incomplete' });
  const finish = (read: BodyRead): void => {
    request.off('data', onData).off('end', onEnd).off('close', onBroken);
    budget.bytes += length;
    length = 0;
    resolve(read);
  };
  request.on('data', onData).on('end', onEnd).on('close', onBroken).on('error', onBroken);
  return promise;
}
