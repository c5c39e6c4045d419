import type { Circuit } from '../../delivery/circuit.ts';
import type { AppKey, ConsumerKey } from '../../delivery/names.ts';
import type { ConnectionFigures } from '../connections/connection-figures.ts';

/** What one look at the relay gives. */
export interface Snapshot {
  readonly consumers: readonly ConsumerSnapshot[];
  readonly apps: readonly AppSnapshot[];
  readonly store: StoreSnapshot;
  /** Acknowledgements of the last 5 minutes that took over a second. */
  readonly slowAcknowledgements: number;
  /** Of the apps that people can connect to; up to a minute old. */
  readonly connections: readonly ConnectionFigures[];
}

export interface ConsumerSnapshot {
  readonly app: AppKey;
  readonly consumer: ConsumerKey;
  readonly circuit: Circuit;
  readonly isPaused: boolean;
  readonly oldestPendingMs?: number;
  /** Waiting, delayed and active together. */
  readonly pending: number;
  readonly offBy: number;
  /** How many died in each minute of the last day, oldest first; also what was replayed since. */
  readonly deaths: readonly { readonly atMs: number; readonly dead: number }[];
}

export interface AppSnapshot {
  readonly app: AppKey;
  /** Absent when Zoom has never validated the endpoint, as far as is known. */
  readonly lastChallengeAtMs?: number;
  readonly lastTenMinutes: { readonly received: number; readonly signatureMismatch: number };
}

export interface StoreSnapshot {
  readonly ready: boolean;
  readonly findings: readonly { readonly level: string; readonly code: string; readonly message: string }[];
}
