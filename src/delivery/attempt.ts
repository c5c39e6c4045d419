import type { Outcome } from './outcome.ts';

/** What is kept of one attempt: of each that failed, and of the one that delivered. */
export interface AttemptRecord {
  /** 1 for the first. */
  readonly attempt: number;
  /** When it began, epoch milliseconds. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly outcome: Outcome['kind'];
  readonly status?: number;
  /** Why there was no answer: an error code such as `ECONNREFUSED`. */
  readonly error?: string;
  /** The first KiB of the answer's body, as text. */
  readonly response?: string;
  /** Present when it did not carry Zoom's own timestamp and signature, but these. */
  readonly resigned?: FreshSignature;
  /** Which process made it: host name and process id. */
  readonly worker: string;
}

/** A timestamp (epoch seconds as text) and signature made here, in place of Zoom's. */
export interface FreshSignature {
  readonly timestamp: string;
  readonly signature: string;
}
