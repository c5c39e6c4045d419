import { setTimeout as delay } from 'node:timers/promises';
import type { QueueName } from '../delivery/names.ts';
import { openDeliveryWorker } from './delivery-worker.ts';
import type { BullWorker, Engine } from './engine.ts';
import type { ProcessDelivery, Retention, WorkOptions } from './store.ts';

const retryDelayMs = 1000;

/** The workers of a store: started once it is open, each made anew until it has come up. */
export class WorkerGroup {
  readonly #engine: Engine;
  readonly #onError: (error: unknown) => void;
  readonly #wanted: (() => void)[] = [];
  readonly #running: BullWorker[] = [];
  readonly #starting = new Set<Promise<void>>();
  readonly #retentions = new Map<QueueName, Retention>();
  readonly #stopping = new AbortController();
  #isOpen = false;

  constructor(engine: Engine, onError: (error: unknown) => void) {
    this.#engine = engine;
    this.#onError = onError;
  }

  add(queue: QueueName, options: WorkOptions, process: ProcessDelivery): void {
    this.#retentions.set(queue, options);
    const start = (): void => {
      const starting: Promise<void> = this.#start(queue, options, process).finally(() =>
        this.#starting.delete(starting),
      );
      this.#starting.add(starting);
    };
    if (this.#isOpen) start();
    else this.#wanted.push(start);
  }

  /** The store is there: starts what was added. */
  open(): void {
    this.#isOpen = true;
    for (const start of this.#wanted.splice(0)) start();
  }

  /** Removes finished deliveries past their retention from the queues worked on here. */
  async removeExpired(nowMs: number): Promise<void> {
    for (const [queue, retention] of this.#retentions) await this.#engine.removeExpired(queue, retention, nowMs);
  }

  /** No new attempts; resolves when the active ones have ended and are settled. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wanted.length = 0;
    await Promise.allSettled([...this.#starting, ...this.#running.map((worker) => worker.close())]);
  }

  /** BullMQ's objects do not survive a failed first connection. */
  async #start(queue: QueueName, options: WorkOptions, process: ProcessDelivery): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const worker = openDeliveryWorker(this.#engine, queue, options, process, this.#onError);
      const stopped = Promise.withResolvers<'stopped'>();
      signal.addEventListener('abort', () => stopped.resolve('stopped'), { once: true });
      try {
        const isReady = (await Promise.race([worker.waitUntilReady(), stopped.promise])) !== 'stopped';
        if (isReady && !signal.aborted) {
          this.#running.push(worker);
          void worker.run().catch(this.#onError);
          return;
        }
      } catch (error) {
        this.#onError(error);
      }
      await worker.close(true).catch(() => undefined);
      await delay(retryDelayMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
