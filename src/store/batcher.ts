import { RelayError } from '../errors.ts';

export interface BatchLimits {
  /** Items that go out in one write. */
  readonly maxBatchItems: number;
  readonly maxBatchBytes: number;
  /** Writes under way at once; what arrives meanwhile forms the next batch. */
  readonly batchesInFlight: number;
  /** A write under way for longer than this, milliseconds, means the store does not answer: new items are refused. */
  readonly stuckAfterMs: number;
  /** What may wait or be under way at once, over all queues of a `Budget`. */
  readonly budget: Budget;
}

/** A bound on unwritten items, shared by batchers, so that a store that hangs cannot fill the memory. */
export interface Budget {
  items: number;
  bytes: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly sizeBytes: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Writes items that arrive together in one go. A store that flushes to disk for each write (Redis with
 * `appendfsync always`, PostgreSQL) then flushes once for all of them.
 */
export class Batcher<Item, Result> {
  readonly #write: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #limits: BatchLimits;
  readonly #nowMs: () => number;
  readonly #waiting: Waiting<Item, Result>[] = [];
  readonly #startedAtMs = new Set<{ readonly atMs: number }>();
  #scheduled = false;

  /** @param write answers once for each item, in order */
  constructor(write: (items: readonly Item[]) => Promise<readonly Result[]>, limits: BatchLimits, nowMs: () => number) {
    this.#write = write;
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  /** @throws RelayError `store_unavailable` while a write hangs, `overloaded` over the budget; else what `write` throws */
  add(item: Item, sizeBytes: number): Promise<Result> {
    const { budget, stuckAfterMs } = this.#limits;
    const [oldest] = this.#startedAtMs;
    if (oldest !== undefined && this.#nowMs() - oldest.atMs > stuckAfterMs) {
      return Promise.reject(new RelayError('store_unavailable', 'the store does not answer'));
    }
    if (budget.items < 1 || budget.bytes < sizeBytes) {
      return Promise.reject(new RelayError('overloaded', 'too many notifications wait for the store'));
    }
    budget.items -= 1;
    budget.bytes -= sizeBytes;
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#waiting.push({ item, sizeBytes, resolve, reject });
    this.#schedule();
    return promise;
  }

  /** One batch for all that is added in this turn of the event loop. */
  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0) return;
    if (this.#startedAtMs.size >= this.#limits.batchesInFlight) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      void this.#flush();
      this.#schedule();
    });
  }

  async #flush(): Promise<void> {
    const batch = this.#takeBatch();
    const started = { atMs: this.#nowMs() };
    this.#startedAtMs.add(started);
    try {
      const results = await this.#write(batch.map(({ item }) => item));
      for (const [index, waiting] of batch.entries()) waiting.resolve(results[index] as Result);
    } catch (error) {
      for (const waiting of batch) waiting.reject(error);
    } finally {
      this.#startedAtMs.delete(started);
      for (const { sizeBytes } of batch) {
        this.#limits.budget.items += 1;
        this.#limits.budget.bytes += sizeBytes;
      }
      this.#schedule();
    }
  }

  #takeBatch(): Waiting<Item, Result>[] {
    let bytes = 0;
    let count = 0;
    for (const { sizeBytes } of this.#waiting) {
      if (count === this.#limits.maxBatchItems) break;
      bytes += sizeBytes;
      if (count > 0 && bytes > this.#limits.maxBatchBytes) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }
}
