/** What `npm run bench` measures zoom-relay against: what one would write in an afternoon, and no more. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { serve } from '@hono/node-server';
import { Queue, Worker } from 'bullmq';
import { Hono } from 'hono';
import { request } from 'undici';

const { REDIS_URL = '', SECRET = '', TARGET_URL = '', PORT, ROLE = 'edge,worker' } = process.env;
const connection = { url: REDIS_URL, maxRetriesPerRequest: null };
const passedOn = ['content-type', 'x-zm-signature', 'x-zm-request-timestamp', 'x-zm-request-id', 'x-zm-trackingid'];

if (ROLE.includes('edge')) {
  const attempts = { attempts: 12, backoff: { type: 'exponential', delay: 5000 } };
  const queue = new Queue('notifications', { connection, defaultJobOptions: attempts });
  const app = new Hono();
  app.post('/webhooks/zoom', async (c) => {
    const body = await c.req.text();
    const signed = `v0:${c.req.header('x-zm-request-timestamp')}:${body}`;
    const expected = Buffer.from(`v0=${createHmac('sha256', SECRET).update(signed).digest('hex')}`);
    const given = Buffer.from(c.req.header('x-zm-signature') ?? '');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return c.body(null, 401);
    const headers = Object.fromEntries(passedOn.map((name) => [name, c.req.header(name) ?? '']));
    await queue.add('notification', { body, headers });
    return c.body(null, 204);
  });
  serve({ fetch: app.fetch, port: Number(PORT), hostname: '127.0.0.1' });
}

if (ROLE.includes('worker')) {
  const deliver = async ({ data }: { data: { body: string; headers: Record<string, string> } }) => {
    const answer = await request(TARGET_URL, { method: 'POST', headers: data.headers, body: data.body });
    await answer.body.dump();
    if (answer.statusCode >= 300) throw new Error(`answered ${answer.statusCode}`);
  };
  new Worker('notifications', deliver, { connection, concurrency: 16 });
}
