import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { Agent, request } from 'undici';
import { notificationIdOf, type QueueName } from '../../src/delivery/names.ts';
import { encodeDelivery, type NewDelivery } from '../../src/delivery/stored-delivery.ts';
import { zoomHeaders } from '../../src/demo/zoom-stand-in.ts';
import { handlesOf, identifiersOf } from '../../src/zoom/identifiers.ts';
import { signBody } from '../../src/zoom/signature.ts';
import { testSecret } from '../support/test-relay.ts';

const bodyBytes = 700;
const senders = 64;

/** Stands in for Zoom, and for a Recall that can be down: its port is then closed. */
export interface BacklogHouse {
  open(): Promise<void>;
  close(): Promise<void>;
  /** Requests since it was opened last. */
  received(): number;
  /** Posts as fast as answers come. @returns how many were acknowledged in a second */
  post(zoom: URL, durationMs: number): Promise<number>;
}

export function openBacklogHouse(port: number): BacklogHouse {
  let server: Server | undefined;
  let received = 0;
  return {
    async open() {
      received = 0;
      server = createServer((incoming, response) => {
        incoming.resume().on('end', () => {
          received += 1;
          response.end('OK');
        });
      }).listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    async close() {
      if (server === undefined) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      server = undefined;
      await closed;
    },
    received: () => received,
    async post(zoom, durationMs) {
      const agent = new Agent({ connections: senders });
      const startedAtMs = performance.now();
      let acknowledged = 0;
      const sending = Array.from({ length: senders }, async () => {
        while (performance.now() - startedAtMs < durationMs) {
          const body = makeBody();
          const headers = zoomHeaders(testSecret, body, Date.now());
          const answer = await request(zoom, { method: 'POST', headers, body, dispatcher: agent });
          await answer.body.dump();
          if (answer.statusCode === 204) acknowledged += 1;
        }
      });
      await Promise.all(sending);
      await agent.close();
      return (acknowledged * 1000) / (performance.now() - startedAtMs);
    },
  };
}

/** As the edge makes it of what Zoom sends. */
export function makeDelivery(queue: QueueName): { readonly delivery: NewDelivery; readonly bodyBytes: number } {
  const body = makeBody();
  const nowMs = Date.now();
  const timestamp = String(Math.floor(nowMs / 1000));
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'user-agent': 'Zoom Marketplace/1.0a',
    'x-zm-request-timestamp': timestamp,
    'x-zm-signature': signBody(testSecret, timestamp, body),
    'x-zm-request-id': randomUUID().replaceAll('-', '_'),
    'x-zm-trackingid': `v=2.0;clid=us02;rid=WEB_${randomUUID().replaceAll('-', '')}`,
    traceparent: `00-${randomUUID().replaceAll('-', '')}-0000000000000001-02`,
  };
  const data = encodeDelivery({ body, headers, receivedAtMs: nowMs, secretId: '00000000' });
  const handles = handlesOf(identifiersOf(body), headers);
  const delivery = { queue, id: notificationIdOf(body), label: 'meeting.created', data, handles, sizeBytes: 2048 };
  return { delivery, bodyBytes: body.length };
}

function makeBody(): Buffer {
  const object = { uuid: randomUUID(), id: Math.floor(Math.random() * 1e11), host_id: randomUUID(), topic: '' };
  const payload = { account_id: 'VjZoEArIT5y-HlWxkV-tVA', operator: 'someone@example.com', object };
  const event = { event: 'meeting.created', event_ts: Date.now(), payload };
  object.topic = 'x'.repeat(bodyBytes - JSON.stringify(event).length);
  return Buffer.from(JSON.stringify(event));
}
