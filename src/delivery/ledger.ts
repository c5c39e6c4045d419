/** What intake did with the requests to one app's endpoint. */
export interface IntakeCounts {
  readonly received: number;
  readonly challenge: number;
  readonly accepted: number;
  readonly duplicate: number;
  /** By reason; only reasons that occurred. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Answered with 503 and not kept: Zoom sends them again. */
  readonly turnedAway: number;
}

/** Where the deliveries of one consumer are. */
export interface ConsumerCounts {
  readonly delivered: number;
  /** Waiting, delayed and active together. */
  readonly pending: number;
  readonly dead: number;
}

export function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** By how many notifications `received` differs from what became of them; 0 when intake adds up. */
export function intakeOff(intake: IntakeCounts): number {
  const { received, challenge, accepted, duplicate, rejected, turnedAway } = intake;
  return received - (challenge + accepted + duplicate + sumOf(rejected) + turnedAway);
}

/** By how many deliveries `accepted` differs from what became of them; 0 when the consumer adds up. */
export function consumerOff(accepted: number, consumer: ConsumerCounts): number {
  return accepted - (consumer.delivered + consumer.pending + consumer.dead);
}
