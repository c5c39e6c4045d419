import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type ConsumerKey, notificationIdOf } from '../src/delivery/names.ts';
import { createRedisDatabase } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { stopAfterEach } from './support/keep.ts';
import { defaultApp, startTestRelay } from './support/test-relay.ts';

const keep = stopAfterEach();
const example = fileURLToPath(new URL('examples/handlers.ts', import.meta.url));

interface Bot {
  readonly id: string;
  meeting_url: string;
  join_at?: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Recall's bot API as far as the example uses it: create (idempotent by key), list by metadata, update, delete. */
async function startBotApi() {
  const bots = new Map<string, Bot>();
  const asked: string[] = [];
  const keys = new Map<string, Bot>();
  let failures = 0;
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://127.0.0.1');
    const [, , , , id = ''] = url.pathname.split('/');
    const body = request.method === 'POST' || request.method === 'PATCH' ? ((await json(request)) as Partial<Bot>) : {};
    asked.push(`${request.method} ${url.pathname}`);
    const answer = (status: number, value?: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(value && JSON.stringify(value));
    };
    if (request.headers.authorization !== 'Token key-for-tests') return answer(401, {});
    failures -= 1;
    if (failures >= 0) return answer(503, {});
    if (request.method === 'POST') {
      const key = String(request.headers['idempotency-key']);
      const bot = keys.get(key) ?? ({ ...body, id: `bot-${bots.size + 1}` } as Bot);
      keys.set(key, bot);
      bots.set(bot.id, bot);
      return answer(201, bot);
    }
    if (request.method === 'GET') {
      const wanted = url.searchParams.get('metadata__zoom_meeting_id');
      const results = [...bots.values()].filter(({ metadata }) => metadata.zoom_meeting_id === wanted);
      return answer(200, { results });
    }
    const bot = bots.get(id);
    if (bot === undefined) return answer(404, {});
    if (request.method === 'DELETE') bots.delete(id);
    else Object.assign(bot, body);
    return request.method === 'DELETE' ? answer(204) : answer(200, bot);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bots,
    keys,
    asked,
    failNext(times: number) {
      failures = times;
    },
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function event(name: string, ts: number, object: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ event: name, event_ts: ts, payload: { account_id: 'a', object } });
}

test('the example of README: a bot is made with the meeting, moved with it and removed with it, once each', async () => {
  const store = await createRedisDatabase();
  const api = await keep(startBotApi());
  process.env.RECALL_API_KEY = 'key-for-tests';
  process.env.RECALL_BASE_URL = api.url;
  const relay = await keep(
    startTestRelay(store.url, { env: { HANDLERS: example, RETRY_SCHEDULE: Array(30).fill('100ms').join() } }),
  );
  const meeting = { id: 8_5746065432, uuid: '4444AAAiAAAAAiAiAiiAii==', host_id: 'x1yCzABCDEfg23HiJKl4mN' };
  const idle = (event: string) => relay.relay.consumerCounts(defaultApp, `on-meeting-${event}` as ConsumerKey);

  const [first, moved] = ['2030-07-13T21:44:51Z', '2030-07-14T09:00:00Z'];
  // Moved before it is known: that handler is run again by the schedule, until there is a bot.
  await relay.post(event('meeting.updated', 2, { id: meeting.id, start_time: moved }));
  await eventually('asked for the bot', () => api.asked.some((request) => request.startsWith('GET')));
  api.failNext(1);
  const created = event('meeting.created', 1, {
    ...meeting,
    topic: 'Review',
    start_time: first,
    join_url: 'https://example.zoom.us/j/85746065432?pwd=abc',
  });
  for (const _copy of [1, 2]) await relay.post(created);
  await eventually('moved', () => [...api.bots.values()].some(({ join_at: joinAt }) => joinAt === moved));
  expect([...api.bots.values()]).toEqual([
    {
      id: 'bot-1',
      meeting_url: 'https://example.zoom.us/j/85746065432?pwd=abc',
      join_at: moved,
      bot_name: 'Notes: Review',
      metadata: { zoom_meeting_id: '85746065432' },
    },
  ]);
  expect([...api.keys.keys()]).toEqual([notificationIdOf(Buffer.from(created))]);
  await relay.post(event('meeting.deleted', 3, meeting));
  await eventually('removed', () => api.bots.size === 0);
  await eventually('done', async () => (await idle('deleted')).delivered === 1);
  expect(await idle('created')).toMatchObject({ accepted: 1, dead: 0 });
});
