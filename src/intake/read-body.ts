import type { IncomingMessage } from 'node:http';

export type BodyRead =
  | { readonly kind: 'body'; readonly body: Uint8Array }
  | { readonly kind: 'body_too_large' }
  /** The sender went away, sent less than it had announced, or took too long. */
  | { readonly kind: 'body_incomplete' }
  /** All senders together hold more than this process gives to bodies being read, and this one for the longest. */
  | { readonly kind: 'overloaded' };

const firstBufferBytes = 2048;

/**
 * Bodies being read, over all requests of this process. When they hold too much, the one that has taken the longest
 * is given up: Zoom's are there within milliseconds, so that slow senders cannot keep it out.
 */
export class ReadingRoom {
  readonly #maxBytes: number;
  /** In order of arrival. */
  readonly #reads = new Set<{ readonly giveUp: () => void }>();
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Reads a request's raw body. The limit holds for a body without Content-Length too, and a Content-Length over it is
   * refused before anything is read. What is not read is left to the server, which drains or drops it.
   */
  read(request: IncomingMessage, maxBytes: number): Promise<BodyRead> {
    const announced = request.headers['content-length'];
    if (Number(announced ?? 0) > maxBytes) return Promise.resolve({ kind: 'body_too_large' });
    const { promise, resolve } = Promise.withResolvers<BodyRead>();
    // One buffer, grown as needed: a chunk as small as a byte would pin far more memory than it holds.
    let buffer = Buffer.allocUnsafe(0);
    let length = 0;

    const onData = (chunk: Buffer): void => {
      if (length + chunk.length > maxBytes) {
        finish({ kind: 'body_too_large' });
        return;
      }
      if (length + chunk.length > buffer.length) grow(length + chunk.length);
      chunk.copy(buffer, length);
      length += chunk.length;
    };
    const grow = (needed: number): void => {
      const wanted = Math.min(Math.max(needed, buffer.length * 2, firstBufferBytes), maxBytes);
      const larger = Buffer.allocUnsafeSlow(wanted);
      buffer.copy(larger, 0, 0, length);
      this.#heldBytes += wanted - buffer.length;
      buffer = larger;
      this.#makeRoom();
    };
    const onEnd = (): void => finish({ kind: 'body', body: buffer.subarray(0, length) });
    const onBroken = (): void => finish({ kind: 'body_incomplete' });
    const entry = { giveUp: () => finish({ kind: 'overloaded' }) };
    const finish = (read: BodyRead): void => {
      request.off('data', onData).off('end', onEnd).off('close', onBroken);
      if (this.#reads.delete(entry)) this.#heldBytes -= buffer.length;
      resolve(read);
    };
    this.#reads.add(entry);
    request.on('data', onData).on('end', onEnd).on('close', onBroken).on('error', onBroken);
    return promise;
  }

  #makeRoom(): void {
    for (const read of this.#reads) {
      if (this.#heldBytes <= this.#maxBytes) return;
      read.giveUp();
    }
  }
}
