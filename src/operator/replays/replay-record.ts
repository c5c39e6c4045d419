import { z } from 'zod';
import { replay, replayInput, replayPlan } from '../schemas.ts';

/** Where an item of a replay is. One character each, so that a chunk of them is a short text. */
export const itemStates = { planned: '.', fed: 'f', skipped: 's', delivered: 'd', dead: 'x' } as const;
export type ItemState = (typeof itemStates)[keyof typeof itemStates];

const totals = z.object({
  fed: z.number(),
  skipped: z.number(),
  delivered: z.number(),
  dead: z.number(),
});
export type ReplayTotals = Readonly<z.infer<typeof totals>>;

/** A replay as it is kept, version 1. Its items are kept apart, in chunks. */
export const replayRecord = z.object({
  v: z.literal(1),
  id: z.string(),
  state: replay.shape.state,
  filter: replayInput.shape.filter,
  by: z.string(),
  reason: z.string().optional(),
  rate: z.number(),
  resign: z.boolean(),
  force: z.boolean(),
  createdAtMs: z.number(),
  endedAtMs: z.number().optional(),
  plan: replayPlan,
  chunks: z.number(),
  totals,
  waitingFor: z.string().optional(),
  /** Who works on it, and until when nobody else may. */
  runner: z.object({ id: z.string(), untilMs: z.number() }).optional(),
});
export type ReplayRecord = Readonly<z.infer<typeof replayRecord>>;

/** Some of a replay's deliveries, and where each is: the n-th character of `states` tells of the n-th id. */
export const replayChunk = z.object({ ids: z.array(z.string()), states: z.string() });
export type ReplayChunk = Readonly<z.infer<typeof replayChunk>>;

export const chunkSize = 500;

export function recordKeyOf(id: string): string {
  return `replay:${id}`;
}

/** Begins the keys of all replays, which sort by when they were asked for. */
export const recordPrefix = 'replay:';

export function chunkKeyOf(id: string, index: number): string {
  return `items:${id}:${String(index).padStart(6, '0')}`;
}

/** Holds the id of the replay that a consumer has under way: there is one at a time. */
export function activeKeyOf(app: string, consumer: string): string {
  return `active:${app}.${consumer}`;
}
export const activePrefix = 'active:';
