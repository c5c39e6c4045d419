import type { QueueName } from '../delivery/names.ts';

/**
 * For each queue one announcement in this time, milliseconds. Less than workers stay without work by far: who was called by
 * the one before is still there for what is added meanwhile.
 */
const intervalMs = 1000;

/** Tells other processes of queues that something was put into, not too often. */
export class Announcer {
  readonly #announce: (queue: QueueName) => Promise<void>;
  readonly #onError: (error: unknown) => void;
  readonly #announcedAtMs = new Map<QueueName, number>();

  constructor(announce: (queue: QueueName) => Promise<void>, onError: (error: unknown) => void) {
    this.#announce = announce;
    this.#onError = onError;
  }

  /** Waits for nothing and never throws: what is not heard is found by the next look. */
  announce(queue: QueueName, nowMs: number): void {
    if (nowMs - (this.#announcedAtMs.get(queue) ?? Number.NEGATIVE_INFINITY) < intervalMs) return;
    this.#announcedAtMs.set(queue, nowMs);
    void this.#announce(queue).catch(this.#onError);
  }
}
