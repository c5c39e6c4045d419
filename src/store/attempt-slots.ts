/** Attempts that take this long on average, milliseconds, or less, are quick. */
const quickMs = 200;
/** What the last attempt weighs in the average. */
const weight = 0.1;

/**
 * So many attempts at once, and the rest in order of arrival. A worker claims some deliveries more than it may attempt, so
 * that the next ones are there when attempts end: settling one and claiming the next takes as long as a quick attempt
 * itself. While attempts are slow nothing is claimed ahead: another process could make better use of it.
 */
export class AttemptSlots {
  readonly #count: number;
  readonly #ahead: number;
  readonly #waiting: ((isOpen: boolean) => void)[] = [];
  #taken = 0;
  #isOpen = true;
  #averageMs = 0;

  constructor(count: number, ahead: number) {
    this.#count = count;
    this.#ahead = ahead;
  }

  /** How many deliveries should be claimed at once now. */
  get claims(): number {
    return this.#averageMs <= quickMs ? this.#count + this.#ahead : this.#count;
  }

  /** Resolves when there is a slot, with `true`; with `false`, and without one, once the slots are closed. */
  async take(): Promise<boolean> {
    if (!this.#isOpen) return false;
    if (this.#taken === this.#count) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      this.#waiting.push(resolve);
      return promise;
    }
    this.#taken += 1;
    return true;
  }

  /** @param tookMs how long the attempt took */
  free(tookMs: number): void {
    this.#averageMs += weight * (tookMs - this.#averageMs);
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken -= 1;
    else next(true);
  }

  /** Nobody gets a slot any more. */
  close(): void {
    this.#isOpen = false;
    for (const refuse of this.#waiting.splice(0)) refuse(false);
  }
}
