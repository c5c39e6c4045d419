/**
 * A Recall bot for every meeting: made when the meeting is, moved with it, removed with it. A worked example of a
 * handler module: `HANDLERS=test/examples/handlers.ts`, with `RECALL_API_KEY` and `RECALL_BASE_URL`.
 */
import { defineHandlers, GiveUp, type HandlerContext } from 'zoom-relay';

/** Bots are found again by the meeting they belong to. */
const meetingKey = 'zoom_meeting_id';

export default defineHandlers({
  'meeting.created': async (event, context) => {
    const { id, join_url: meetingUrl, start_time: joinAt, topic } = event.payload.object;
    if (!meetingUrl) throw new GiveUp('the meeting has no join URL');
    const bot = {
      meeting_url: meetingUrl,
      ...(joinAt && { join_at: joinAt }),
      ...(topic && { bot_name: `Notes: ${topic}`.slice(0, 100) }),
      metadata: { [meetingKey]: String(id) },
    };
    // Handlers run at least once: with the same key, Recall makes one bot however often this is asked.
    await recall('POST', '/api/v1/bot/', context, bot, { 'idempotency-key': context.notificationId });
    context.log.info({ meetingId: String(id) }, 'bot scheduled');
  },

  'meeting.updated': async (event, context) => {
    const { id, start_time: joinAt } = event.payload.object;
    if (!joinAt) return; // not moved: Zoom tells only what changed
    const bots = await botsOf(id, context);
    // Events come in any order: this one may have overtaken meeting.created. A throw is tried again.
    if (bots.length === 0) throw new Error('no bot for this meeting yet');
    for (const bot of bots) await recall('PATCH', `/api/v1/bot/${bot}/`, context, { join_at: joinAt });
  },

  'meeting.deleted': async (event, context) => {
    if (event.payload.object.occurrences?.length) return; // one of a series, not the meeting
    for (const bot of await botsOf(event.payload.object.id, context)) {
      await recall('DELETE', `/api/v1/bot/${bot}/`, context);
    }
  },
});

async function botsOf(meetingId: number | string, context: HandlerContext): Promise<readonly string[]> {
  const query = new URLSearchParams({ [`metadata__${meetingKey}`]: String(meetingId) });
  const list = (await recall('GET', `/api/v1/bot/?${query}`, context)) as { results: { id: string }[] };
  return list.results.map(({ id }) => id);
}

/** A refusal that stays one is given up; all else (429, 5xx, no answer) is thrown and tried again by the schedule. */
async function recall(
  method: string,
  path: string,
  { signal }: HandlerContext,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const { RECALL_BASE_URL, RECALL_API_KEY } = process.env;
  const answer = await fetch(new URL(path, RECALL_BASE_URL), {
    method,
    signal,
    headers: { authorization: `Token ${RECALL_API_KEY}`, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (answer.ok) return answer.status === 204 ? undefined : answer.json();
  await answer.body?.cancel();
  if ([400, 401, 403].includes(answer.status)) throw new GiveUp(`Recall answered ${method} with ${answer.status}`);
  if (answer.status === 404 && method === 'DELETE') return undefined; // gone already
  throw new Error(`Recall answered ${answer.status}`);
}
