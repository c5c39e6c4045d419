import { z } from 'zod';

/** What the operator API answers about deliveries, as far as it is printed. */
const attempt = z.object({
  attempt: z.number(),
  startedAt: z.string(),
  durationMs: z.number(),
  outcome: z.string(),
  status: z.number().optional(),
  error: z.string().optional(),
  response: z.string().optional(),
  resigned: z.object({ timestamp: z.string(), signature: z.string() }).optional(),
  worker: z.string(),
});

export const deliveryRow = z.object({
  app: z.string(),
  consumer: z.string(),
  notificationId: z.string(),
  event: z.string(),
  state: z.string(),
  receivedAt: z.string(),
  endedAt: z.string().optional(),
  nextAttemptAt: z.string().optional(),
  attempts: z.number(),
  lastAttempt: attempt.pick({ outcome: true, status: true, error: true }).optional(),
  about: z.object({ meetingId: z.string().optional(), userId: z.string().optional(), email: z.string().optional() }),
});
export type DeliveryRow = z.infer<typeof deliveryRow>;

export const deliveryList = z.object({
  deliveries: z.array(deliveryRow),
  cursor: z.string().optional(),
  lookedAt: z.number(),
  isPartial: z.boolean(),
});

export const deliveryDetail = deliveryRow.extend({
  requestId: z.string().optional(),
  meetingUuid: z.string().optional(),
  deathReason: z.string().optional(),
  bytes: z.number().optional(),
  sha256: z.string().optional(),
  headers: z.record(z.string(), z.string()),
  lagMs: z.number().optional(),
  attemptLog: z.array(attempt),
  replays: z.array(
    z.object({
      replayId: z.string(),
      at: z.string(),
      resign: z.boolean(),
      by: z.string().optional(),
      reason: z.string().optional(),
    }),
  ),
});
export type DeliveryDetail = z.infer<typeof deliveryDetail>;

export const deliveryBody = z.object({
  text: z.string().optional(),
  base64: z.string().optional(),
  masked: z.number(),
});
