import { admit, type Circuit, parseCircuit } from '../delivery/circuit.ts';
import type { SharedState } from './ports.ts';

/** How long what was read of the circuit may be relied on, milliseconds. */
const freshMs = 2000;
/** A swap loses only to another worker's; that many in a row do not happen. */
const maxSwaps = 50;

export type Entry =
  | { readonly kind: 'send'; readonly isProbe: boolean }
  | { readonly kind: 'hold'; readonly delayMs: number };

/**
 * A worker's view of one consumer's circuit, which lives in the store. Reads it at most once in 2 s while deliveries
 * are attempted and never while there are none; writes only when something changes. A view that is 2 s old can let an
 * attempt through to a consumer that has just gone down: it then fails without being counted.
 */
export class CircuitBreaker {
  readonly #shared: SharedState;
  readonly #nowMs: () => number;
  readonly #probeMs: number;
  readonly #onChange: (from: Circuit, to: Circuit) => void;
  #view: { readonly text: string | undefined; readonly circuit: Circuit } | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  /** @param probeMs how long a probe may take before it counts as lost */
  constructor(
    shared: SharedState,
    nowMs: () => number,
    probeMs: number,
    onChange: (from: Circuit, to: Circuit) => void,
  ) {
    this.#shared = shared;
    this.#nowMs = nowMs;
    this.#probeMs = probeMs;
    this.#onChange = onChange;
  }

  /** Asks before an attempt. */
  async enter(): Promise<Entry> {
    for (let swaps = 0; swaps < maxSwaps; swaps += 1) {
      const { text, circuit } = await this.#fresh();
      const admission = admit(circuit, this.#nowMs(), this.#probeMs);
      if (admission.kind === 'hold') return admission;
      if (admission.kind === 'send') return { kind: 'send', isProbe: false };
      if (await this.#swap(text, circuit, admission.next)) return { kind: 'send', isProbe: true };
    }
    throw new Error('the circuit changes faster than it can be read');
  }

  /** Tells what came of an attempt. `judge` is asked again when another worker changed the circuit meanwhile. */
  async settle<T extends { readonly circuit: Circuit }>(judge: (circuit: Circuit) => T): Promise<T> {
    for (let swaps = 0; swaps < maxSwaps; swaps += 1) {
      const { text, circuit } = this.#view ?? (await this.#fresh());
      const verdict = judge(circuit);
      if (verdict.circuit === circuit || (await this.#swap(text, circuit, verdict.circuit))) return verdict;
    }
    throw new Error('the circuit changes faster than it can be written');
  }

  async #fresh(): Promise<{ readonly text: string | undefined; readonly circuit: Circuit }> {
    if (this.#view === undefined || this.#nowMs() - this.#readAtMs > freshMs) {
      this.#reading ??= this.#read().finally(() => {
        this.#reading = undefined;
      });
      await this.#reading;
    }
    return this.#view ?? { text: undefined, circuit: parseCircuit(undefined) };
  }

  async #read(): Promise<void> {
    this.#remember(await this.#shared.read());
  }

  #remember(text: string | undefined): void {
    // The same text is the same object: `judge` compares by identity.
    if (this.#view === undefined || this.#view.text !== text) this.#view = { text, circuit: parseCircuit(text) };
    this.#readAtMs = this.#nowMs();
  }

  async #swap(text: string | undefined, from: Circuit, to: Circuit): Promise<boolean> {
    const next = JSON.stringify(to);
    if (await this.#shared.swap(text, next)) {
      this.#view = { text: next, circuit: to };
      this.#readAtMs = this.#nowMs();
      this.#onChange(from, to);
      return true;
    }
    await this.#read();
    return false;
  }
}
