import { z } from 'zod';

/** What is known of a notification besides what its body says. */
export interface About {
  readonly notificationId: string;
  /** Epoch milliseconds. */
  readonly receivedAtMs: number;
}

export const heard = z.object({
  /** When the event happened, epoch milliseconds: see `eventTimeOf`. */
  atMs: z.number(),
  notificationId: z.string(),
  /** Its name. */
  event: z.string(),
});
/** One event. */
export type Heard = Readonly<z.infer<typeof heard>>;

/** The schema of something an event has told. */
export function told<Value extends z.ZodType>(value: Value) {
  return heard.extend({ value });
}

/** Something an event has told. */
export type Told<Value> = Heard & { readonly value: Value };

/**
 * By time, then by notification id, so that events of the same millisecond have an order too: the same wherever and in
 * whichever order they arrive.
 */
export function compareHeard(one: Heard, other: Heard): number {
  if (one.atMs !== other.atMs) return one.atMs - other.atMs;
  if (one.notificationId === other.notificationId) return 0;
  return one.notificationId < other.notificationId ? -1 : 1;
}

export function pickLater<Some extends Heard>(one: Some | undefined, other: Some | undefined): Some | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return compareHeard(one, other) < 0 ? other : one;
}

/** What was told after a time, or nothing. */
export function keepAfter<Some extends Heard>(some: Some | undefined, atMs: number): Some | undefined {
  return some !== undefined && some.atMs > atMs ? some : undefined;
}
