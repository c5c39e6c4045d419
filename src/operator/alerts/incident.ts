import { z } from 'zod';

export const incidentKinds = [
  'circuit_open',
  'dead_deliveries',
  'oldest_pending',
  'ledger_off',
  'store_unsafe',
  'store_away',
  'no_challenge',
  'bad_signatures',
  'slow_acknowledgements',
  'connections',
] as const;
export type IncidentKind = (typeof incidentKinds)[number];

const subject = z.object({
  kind: z.enum(incidentKinds),
  app: z.string().exactOptional(),
  consumer: z.string().exactOptional(),
  /** Of `store_unsafe`: which finding, and what it says. Of `connections`: `need_person` or `failing`. */
  code: z.string().exactOptional(),
  detail: z.string().exactOptional(),
});
const happening = subject.extend({
  /** Since when it is so, as far as known, epoch milliseconds. */
  sinceMs: z.number(),
  figures: z.record(z.string(), z.number()),
});

/** What is the matter now, as one look has it. */
export interface Condition extends Readonly<z.infer<typeof happening>> {
  /** It is no incident unless every look for so long has it, milliseconds; 0 without. */
  readonly mustLastMs?: number;
}

/** What is remembered of a condition from look to look. `figures` are the worst so far. */
export const incident = z.discriminatedUnion('phase', [
  /** Present, but not yet for long enough, or too soon after it was over. */
  happening.extend({ phase: z.literal('suspected'), firstSeenMs: z.number(), quietUntilMs: z.number() }),
  /** Announced. `absentSinceMs`: the last look did not have it. */
  happening.extend({ phase: z.literal('open'), absentSinceMs: z.number().exactOptional() }),
  /** Announced as over; not announced anew before then. */
  subject.extend({ phase: z.literal('over'), quietUntilMs: z.number() }),
]);
export type Incident = Readonly<z.infer<typeof incident>>;
export type Incidents = readonly Incident[];

/** What there is to tell about an incident: that it began, or that it is over. */
export const message = z.discriminatedUnion('phase', [
  happening.extend({ phase: z.literal('begin') }),
  happening.extend({ phase: z.literal('end'), untilMs: z.number() }),
]);
export type Message = Readonly<z.infer<typeof message>>;

/** Keys and codes hold no space. */
export function incidentKeyOf({ kind, app = '', consumer = '', code = '' }: Readonly<z.infer<typeof subject>>): string {
  return `${kind} ${app} ${consumer} ${code}`;
}
