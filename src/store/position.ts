import { RelayError } from '../errors.ts';

/** A place in a list of deliveries: by time, and of the same time by id. There need not be a delivery at it. */
export interface Position {
  /** Epoch milliseconds, as text. */
  readonly atMs: string;
  readonly id: string;
}

export function cursorOf({ atMs, id }: Position): string {
  return `${atMs}:${id}`;
}

/** @throws RelayError `cursor_invalid` */
export function parseCursor(cursor: string): Position {
  const [, atMs, id] = /^(\d{1,15}):([^\0]{1,200})$/s.exec(cursor) ?? [];
  if (atMs === undefined || id === undefined || !id.isWellFormed()) {
    throw new RelayError('cursor_invalid', 'the cursor is not one of a list of deliveries');
  }
  return { atMs, id };
}
