import type { IntakeCounts } from './ledger.ts';

type Result = 'challenge' | 'accepted' | 'duplicate' | 'turnedAway';

/** Counts what intake did, per app, since this process started. */
export class IntakeTally {
  readonly #counts = new Map<string, { -readonly [Key in Result]: number } & { rejected: Record<string, number> }>();

  count(app: string, result: Result): void {
    this.#of(app)[result] += 1;
  }

  countRejected(app: string, reason: string): void {
    const { rejected } = this.#of(app);
    rejected[reason] = (rejected[reason] ?? 0) + 1;
  }

  /** `received` is counted apart in the store's ledger; here it is the sum. */
  of(app: string): Omit<IntakeCounts, 'received'> {
    const counts = this.#of(app);
    return { ...counts, rejected: { ...counts.rejected } };
  }

  #of(app: string): { -readonly [Key in Result]: number } & { rejected: Record<string, number> } {
    const existing = this.#counts.get(app);
    if (existing !== undefined) return existing;
    const fresh = { challenge: 0, accepted: 0, duplicate: 0, turnedAway: 0, rejected: {} };
    this.#counts.set(app, fresh);
    return fresh;
  }
}
