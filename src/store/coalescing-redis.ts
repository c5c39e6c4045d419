import { Redis } from 'ioredis';

/**
 * A Redis client that sends what is asked of it in one turn of the event loop in one go: a worker that settles ten
 * deliveries in a turn writes to its socket once, not ten times. Nothing waits for it: a turn ends when what is ready to be
 * read has been.
 */
export class CoalescingRedis extends Redis {
  #isCorked = false;

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    this.#cork();
    return super.sendCommand(...args);
  }

  #cork(): void {
    if (this.#isCorked || this.status !== 'ready') return;
    const { stream } = this;
    this.#isCorked = true;
    stream.cork();
    setImmediate(() => {
      this.#isCorked = false;
      stream.uncork();
    });
  }
}
