import { z } from '@hono/zod-openapi';
import { deliveryState, meetingView } from './schemas.ts';

/** What the operator API gives of the chain from Zoom to Recall, and of one meeting. */

const time = z.iso.datetime().describe('UTC');

export const chainView = z
  .object({
    lines: z.array(
      z.object({
        mark: z.enum(['sound', 'wrong', 'unknown']).describe('unknown: it cannot be told from here'),
        subject: z.string(),
        app: z.string().optional(),
        text: z.string(),
        fix: z.string().optional().describe('what to do about it'),
      }),
    ),
  })
  .openapi('Chain');
export type ChainView = z.infer<typeof chainView>;

export const meetingReport = z
  .object({
    meetings: z.array(meetingView).describe('what the directories know, by app'),
    apps: z
      .array(
        z.object({
          app: z.string(),
          deliveries: z
            .array(
              z.object({
                notificationId: z.string(),
                event: z.string(),
                state: deliveryState,
                attempts: z.int().min(0),
                receivedAt: time,
                endedAt: time.optional().describe('when Recall took it, or it died'),
                nextAttemptAt: time.optional(),
              }),
            )
            .describe('to Recall, about this meeting, newest first'),
          isPartial: z.boolean().describe('not all that is kept was looked at'),
          recall: z.object({
            state: z.enum(['known', 'unknown', 'no_answer', 'not_asked']).describe('not_asked: without an API key'),
            detail: z.string().optional(),
            credentials: z.array(
              z.object({
                credential: z.string(),
                connection: z.string().optional(),
                syncedAt: time.optional(),
                delayMs: z.number().optional().describe('from the receipt of meeting.created'),
              }),
            ),
          }),
          verdict: z
            .object({ code: z.string(), text: z.string(), remedy: z.string().optional() })
            .describe('whether Recall knows it, and if not why'),
        }),
      )
      .describe('of the apps for which anything is known'),
  })
  .openapi('MeetingReport');
export type MeetingReport = z.infer<typeof meetingReport>;
