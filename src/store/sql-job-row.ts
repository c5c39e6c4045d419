import { RelayError } from '../errors.ts';
import type { DeliveryState, KeptDelivery, Whereabouts } from './kept-delivery.ts';
import { readDelivery } from './read-delivery.ts';

/** A job of BullMQ's table. PostgreSQL gives bigints as text, PGlite as numbers. */
export interface JobRow {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  /** Where it stands in the list: when it was added or ended. */
  readonly at: string | number;
  readonly added_at_ms: string | number;
  readonly process_at_ms: string | number | null;
  readonly finished_at_ms: string | number | null;
  readonly progress: unknown;
  readonly failed_reason: string | null;
  readonly data?: unknown;
  readonly stacktrace?: unknown;
  readonly return_value?: unknown;
}

/** All but `at`, which depends on the list. */
export function jobColumns(table: string, isBrief = false): string {
  const names = ['id', 'name', 'state', 'added_at_ms', 'process_at_ms', 'finished_at_ms', 'progress', 'failed_reason'];
  const all = isBrief ? names : [...names, 'data', 'stacktrace', 'return_value'];
  return all.map((name) => `${table}.${name}`).join(', ');
}

export function readJobRow(row: JobRow): KeptDelivery {
  const state = stateOf(row.state);
  const at = state === 'delayed' ? row.process_at_ms : row.finished_at_ms;
  return readDelivery({
    position: { atMs: String(row.at), id: row.id },
    state,
    atMs: at === null ? undefined : Number(at),
    name: row.name,
    addedAtMs: Number(row.added_at_ms),
    progress: row.progress,
    failedReason: row.failed_reason ?? undefined,
    data: row.data,
    stacktrace: row.stacktrace,
    returnValue: row.return_value,
  });
}

export function whereaboutsOf({ state: name, finished_at_ms: endedAtMs }: JobRow): Whereabouts {
  const state = stateOf(name);
  const hasEnded = state === 'delivered' || state === 'dead';
  return hasEnded && endedAtMs !== null ? { state, endedAtMs: Number(endedAtMs) } : { state };
}

const states: Readonly<Record<string, DeliveryState>> = {
  waiting: 'waiting',
  delayed: 'delayed',
  active: 'active',
  completed: 'delivered',
  failed: 'dead',
};

function stateOf(name: string): DeliveryState {
  const state = states[name];
  if (state === undefined)
    throw new RelayError('internal', `a delivery is in a state that does not exist here: ${name}`);
  return state;
}
