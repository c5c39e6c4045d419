import { isAttemptRecord, readAttemptRecords } from './attempt-records.ts';
import type { DeliveryState, KeptDelivery } from './kept-delivery.ts';
import { cursorOf, type Position } from './position.ts';
import { readReplayMarks } from './replay-marks.ts';

/** A job as an engine has it, its JSON parsed. */
export interface RawDelivery {
  readonly position: Position;
  readonly state: DeliveryState;
  /** When it ended, or is due if it is delayed, epoch milliseconds. */
  readonly atMs: number | undefined;
  readonly name: string;
  readonly addedAtMs: number;
  readonly progress: unknown;
  readonly failedReason: string | undefined;
  /** These three are absent when the query was brief. */
  readonly data?: unknown;
  readonly stacktrace?: unknown;
  readonly returnValue?: unknown;
}

/** Makes of a job what is told of a delivery. */
export function readDelivery(raw: RawDelivery): KeptDelivery {
  const { position, state, atMs, failedReason, returnValue } = raw;
  const hasEnded = state === 'delivered' || state === 'dead';
  const delivering = state === 'delivered' && isAttemptRecord(returnValue) ? [returnValue] : [];
  return {
    id: position.id,
    event: eventOf(raw.name),
    state,
    addedAtMs: raw.addedAtMs,
    ...(hasEnded && atMs !== undefined && { endedAtMs: atMs }),
    ...(state === 'delayed' && atMs !== undefined && { nextAttemptAtMs: atMs }),
    attempts: [...readAttemptRecords(raw.stacktrace), ...delivering],
    ...(state === 'dead' && failedReason !== undefined && { deathReason: failedReason }),
    replays: readReplayMarks(raw.progress),
    data: raw.data,
    cursor: cursorOf(position),
  };
}

/** Engines append to the label of a delivery: a nonce, see `sql.ts`, or handles, see `redis-job-name.ts`. */
function eventOf(name: string): string {
  return name.split('#', 1)[0] ?? name;
}
