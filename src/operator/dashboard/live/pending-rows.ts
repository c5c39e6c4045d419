import type { DeliveryRow } from '../../schemas.ts';

/** A browser that reads more slowly than rows come gets the latest of so many deliveries. */
const maxPending = 200;

/** Rows on their way to one browser: each delivery as it is now, in the order in which they changed. */
export class PendingRows {
  isClosed = false;
  readonly #rows = new Map<string, DeliveryRow>();
  #wake = (): void => {};

  add(row: DeliveryRow): void {
    const key = keyOf(row);
    this.#rows.delete(key);
    this.#rows.set(key, row);
    if (this.#rows.size > maxPending) this.#rows.delete(this.#rows.keys().next().value ?? '');
    this.#wake();
  }

  /** Of what was read before: gives way to what was added meanwhile. */
  addOlder(row: DeliveryRow): void {
    if (!this.#rows.has(keyOf(row))) this.add(row);
  }

  take(): readonly DeliveryRow[] {
    const taken = [...this.#rows.values()];
    this.#rows.clear();
    return taken;
  }

  close(): void {
    this.isClosed = true;
    this.#wake();
  }

  /** Resolves when there is something, when it is closed, or after that long. */
  async waitForMore(atMostMs: number): Promise<void> {
    if (this.isClosed || this.#rows.size > 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, atMostMs);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
  }
}

function keyOf({ app, consumer, notificationId }: DeliveryRow): string {
  return `${app}/${consumer}/${notificationId}`;
}
