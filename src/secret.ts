import { inspect } from 'node:util';

/**
 * A value that must never be printed: a token, a password, a URL that carries one. It renders as `[secret]` wherever
 * it is logged, serialised or interpolated; only `reveal()` gives the value.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}
