/** Kept with a delivery for each time an operator asked for it again. */
export interface ReplayMark {
  readonly replayId: string;
  /** Epoch milliseconds. The deadline and the schedule count from here. */
  readonly atMs: number;
  /** Attempts made before it. */
  readonly attemptsBefore: number;
  /** Whether it goes out with a fresh timestamp and signature, whatever `RESIGN` says. */
  readonly resign: boolean;
}
