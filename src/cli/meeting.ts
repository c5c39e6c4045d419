import { z } from 'zod';
import type { CommandProcess } from './command-process.ts';
import { formatMeeting, markOf } from './format-meeting.ts';
import { askOperatorApi } from './operator-api.ts';

const heard = z.object({ at: z.string(), event: z.string() });
const meeting = z.object({
  app: z.string(),
  id: z.string(),
  hostId: z.string().optional(),
  operatorEmail: z.string().optional(),
  topic: z.string().optional(),
  startTime: z.string().optional(),
  isDeleted: z.boolean().optional(),
  firstHeard: heard.optional(),
});
const app = z.object({
  app: z.string(),
  deliveries: z.array(
    z.object({
      notificationId: z.string(),
      event: z.string(),
      state: z.string(),
      attempts: z.number(),
      receivedAt: z.string(),
      endedAt: z.string().optional(),
    }),
  ),
  isPartial: z.boolean(),
  recall: z.object({
    state: z.enum(['known', 'unknown', 'no_answer', 'not_asked']),
    detail: z.string().optional(),
    credentials: z.array(
      z.object({
        credential: z.string(),
        connection: z.string().optional(),
        syncedAt: z.string().optional(),
        delayMs: z.number().optional(),
      }),
    ),
  }),
  verdict: z.object({ code: z.string(), text: z.string(), remedy: z.string().optional() }),
});
const report = z.object({ meetings: z.array(meeting), apps: z.array(app) });
export type MeetingReport = z.infer<typeof report>;

/**
 * Prints what is known of a meeting: what was heard of it, what was forwarded, whether Recall knows it, and if not why. Exit code 1
 * when something is to be mended.
 *
 * @throws RelayError see `askOperatorApi`; `request_refused` when nothing at all is known
 */
export async function runMeetingCommand(
  host: CommandProcess,
  id: string,
  options: { readonly json: boolean },
): Promise<void> {
  const text = await askOperatorApi(host, `/api/meetings/${encodeURIComponent(id)}`);
  const told = report.parse(JSON.parse(text));
  host.stdout.write(options.json ? `${text}\n` : formatMeeting(told));
  if (told.apps.some(({ verdict }) => markOf(verdict.code) === '✗')) host.exitCode = 1;
}
