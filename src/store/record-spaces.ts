import type { RecordSpace } from './engine.ts';
import { checkChange, checkKey, checkQuery, checkSpace, checkText } from './record-text.ts';
import type { Records } from './store.ts';

/** Asks the store; every failure of it is told as a RelayError. */
type Ask = <T>(question: () => Promise<T>) => Promise<T>;

/** The spaces of records that were asked for, each checking what it is given. */
export class RecordSpaces {
  readonly #open: (space: string) => RecordSpace;
  readonly #ask: Ask;
  readonly #spaces = new Map<string, RecordSpace>();

  constructor(open: (space: string) => RecordSpace, ask: Ask) {
    this.#open = open;
    this.#ask = ask;
  }

  /** @throws RelayError `internal` for a name that no space can have */
  records(name: string): Records {
    checkSpace(name);
    const space = this.#spaces.get(name) ?? this.#open(name);
    this.#spaces.set(name, space);
    return this.#checked(space);
  }

  async forgetExpired(): Promise<void> {
    for (const space of this.#spaces.values()) await space.forgetExpired();
  }

  #checked(space: RecordSpace): Records {
    return {
      read: async (key) => {
        checkKey(key);
        return this.#ask(() => space.read(key));
      },
      swap: async (key, expected, next) => {
        checkKey(key);
        if (expected !== undefined) checkText(expected, 'the expected value of a record');
        checkChange(next);
        return this.#ask(() => space.swap(key, expected, next));
      },
      remove: async (key) => {
        checkKey(key);
        return this.#ask(() => space.remove(key));
      },
      list: async (query) => {
        checkQuery(query);
        return this.#ask(() => space.list(query));
      },
    };
  }
}
