/** What became of the requests to one app's endpoint. Their sum is `received`. */
export interface IntakeCounts {
  readonly accepted: number;
  readonly duplicate: number;
  readonly challenge: number;
  /** By reason; only reasons that occurred. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Answered with 503 and not kept: Zoom sends them again. */
  readonly turnedAway: number;
}

/** Where the deliveries of one consumer are: counted when they were added, and where they are now. */
export interface ConsumerCounts {
  readonly accepted: number;
  readonly delivered: number;
  /** Waiting, delayed and active together. */
  readonly pending: number;
  readonly dead: number;
}

const rejectedPrefix = 'rejected.';

/** Reads counts by name (`accepted`, `rejected.signature_mismatch`) as they are kept. */
export function intakeCountsOf(counts: Readonly<Record<string, number>>): IntakeCounts {
  const { accepted = 0, duplicate = 0, challenge = 0, turnedAway = 0 } = counts;
  const rejected = Object.entries(counts).filter(([name]) => name.startsWith(rejectedPrefix));
  const byReason = rejected.map(([name, count]) => [name.slice(rejectedPrefix.length), count] as const);
  return { accepted, duplicate, challenge, turnedAway, rejected: Object.fromEntries(byReason) };
}

export function rejectedName(reason: string): string {
  return `${rejectedPrefix}${reason}`;
}

export function receivedOf({ accepted, duplicate, challenge, rejected, turnedAway }: IntakeCounts): number {
  return accepted + duplicate + challenge + sumOf(rejected) + turnedAway;
}

export function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** By how many deliveries `accepted` exceeds what became of them; 0 when the ledger adds up. */
export function offBy({ accepted, delivered, pending, dead }: ConsumerCounts): number {
  return accepted - (delivered + pending + dead);
}
