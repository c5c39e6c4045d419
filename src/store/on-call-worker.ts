import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { BullWorker } from './engine.ts';
import { inTime } from './in-time.ts';

const retryDelayMs = 1000;

/** A worker that is there from when it is called until it is let go; never two at once. */
export class OnCallWorker {
  readonly #open: () => BullWorker;
  readonly #closeLimitMs: number;
  readonly #onError: (error: unknown) => void;
  #isCalled = false;
  #isStopped = false;
  #release: () => void = () => {};
  #life: Promise<void> | undefined;

  /** @param closeLimitMs a worker that was let go and has not closed by then is left behind */
  constructor(open: () => BullWorker, closeLimitMs: number, onError: (error: unknown) => void) {
    this.#open = open;
    this.#closeLimitMs = closeLimitMs;
    this.#onError = onError;
  }

  /** While one is closing, another comes after it. */
  call(): void {
    if (this.#isStopped) return;
    this.#isCalled = true;
    this.#life ??= this.#live();
  }

  /** It finishes what it has begun. */
  letGo(): void {
    this.#isCalled = false;
    this.#release();
  }

  /** Lets go for good; resolves when what it had begun is settled. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.letGo();
    await this.#life;
  }

  async #live(): Promise<void> {
    await nextTurn(); // opening is work: whoever called, to acknowledge something, goes first
    while (this.#isCalled) await this.#serve();
    this.#life = undefined;
  }

  async #serve(): Promise<void> {
    const { promise: released, resolve } = Promise.withResolvers<'released'>();
    this.#release = () => resolve('released');
    const worker = await this.#openReady(released);
    if (worker === undefined) await Promise.race([delay(retryDelayMs, undefined, { ref: false }), released]);
    else await this.#run(worker, released);
  }

  /** BullMQ's objects do not survive a failed first connection: `undefined` when it has to be made anew. */
  async #openReady(released: Promise<'released'>): Promise<BullWorker | undefined> {
    let worker: BullWorker | undefined;
    try {
      worker = this.#open();
      if ((await Promise.race([worker.waitUntilReady(), released])) !== 'released') return worker;
    } catch (error) {
      this.#onError(error);
    }
    await worker?.close(true).catch(() => undefined);
    return undefined;
  }

  async #run(worker: BullWorker, released: Promise<'released'>): Promise<void> {
    if (this.#isCalled) void worker.run().catch(this.#onError);
    await released;
    const closing = worker.close();
    // BullMQ's never closes when its connection is just being made anew: it holds nothing then.
    await (this.#isStopped ? closing : inTime(closing, this.#closeLimitMs)).catch(this.#onError);
  }
}
