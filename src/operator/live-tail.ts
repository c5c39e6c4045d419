import { setTimeout as delay } from 'node:timers/promises';
import type { DeliveryFilter, DeliveryList, DeliveryRow } from './schemas.ts';

/** How often the newest deliveries are looked at while anybody listens, milliseconds, and how many. */
const pollMs = 1000;
const newest = 100;
const maxListeners = 20;
const remembered = 2000;

export type TailListener = (row: DeliveryRow) => void;

/** Deliveries as they come and change, for as many as listen: one reading a second serves all, and none is made for nobody. */
export class LiveTail {
  readonly #list: (filter: DeliveryFilter, page: { limit: number }) => Promise<DeliveryList>;
  readonly #listeners = new Set<TailListener>();
  readonly #seen = new Map<string, string>();
  #polling: Promise<void> | undefined;
  #stopping = new AbortController();

  constructor(list: (filter: DeliveryFilter, page: { limit: number }) => Promise<DeliveryList>) {
    this.#list = list;
  }

  /** @returns what ends it; `undefined` when too many listen already */
  listen(listener: TailListener): (() => void) | undefined {
    if (this.#listeners.size >= maxListeners) return undefined;
    this.#listeners.add(listener);
    this.#polling ??= this.#poll();
    return () => void this.#listeners.delete(listener);
  }

  async stop(): Promise<void> {
    this.#listeners.clear();
    this.#stopping.abort();
    await this.#polling;
  }

  async #poll(): Promise<void> {
    const { signal } = this.#stopping;
    this.#seen.clear();
    for (let isFirst = true; this.#listeners.size > 0 && !signal.aborted; isFirst = false) {
      try {
        const { deliveries } = await this.#list({}, { limit: newest });
        for (const row of deliveries.toReversed()) this.#tell(row, isFirst);
      } catch {
        // the store is away: what comes meanwhile is told when it is back
      }
      await delay(pollMs, undefined, { signal }).catch(() => undefined);
    }
    this.#polling = undefined;
  }

  #tell(row: DeliveryRow, isFirst: boolean): void {
    const key = `${row.app}/${row.consumer}/${row.notificationId}`;
    const now = `${row.state} ${row.attempts}`;
    if (this.#seen.get(key) === now) return;
    this.#seen.delete(key);
    this.#seen.set(key, now);
    if (this.#seen.size > remembered) this.#seen.delete(this.#seen.keys().next().value ?? '');
    if (!isFirst) for (const listener of this.#listeners) listener(row);
  }
}
