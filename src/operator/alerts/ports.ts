import type { UnsentMessage } from './alert-state.ts';

/** Where the state that all processes share is kept. Rejects with `store_unavailable` while the store is away. */
export interface AlertRecords {
  read(key: string): Promise<string | undefined>;
  /** Writes `next` if the record is still `expected` (`undefined`: if there is none); tells whether it did. */
  swap(key: string, expected: string | undefined, next: { readonly value: string }): Promise<boolean>;
}

/**
 * Sends an alert; resolves when it has arrived.
 *
 * @param stopping aborted when no further try is to be made
 * @throws RelayError `target_unreachable`
 */
export type SendAlert = (message: UnsentMessage, stopping: AbortSignal) => Promise<void>;
