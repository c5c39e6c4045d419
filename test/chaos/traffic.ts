import { createHash, randomUUID } from 'node:crypto';
import { Agent, request } from 'undici';
import { zoomHeaders } from '../../src/demo/zoom-stand-in.ts';
import type { Secret } from '../../src/secret.ts';

export interface TrafficCounts {
  sent: number;
  turnedAway: number;
  noAnswer: number;
  /** SHA-256 of every body that was answered with 204. */
  readonly acknowledged: Set<string>;
}

export interface Traffic {
  readonly counts: TrafficCounts;
  /** Resolves when the last answer is in. */
  stop(): Promise<void>;
}

const tickMs = 20;
/** Zoom gives up after this, milliseconds. */
const zoomPatienceMs = 3000;

/** Sends signed, unique notifications at a steady rate, whatever the relay answers, and records what it acknowledged. */
export function startTraffic(endpoint: URL, secret: Secret, perSecond: number): Traffic {
  const counts: TrafficCounts = { sent: 0, turnedAway: 0, noAnswer: 0, acknowledged: new Set() };
  const agent = new Agent({ connections: 100, connect: { timeout: zoomPatienceMs } });
  const underWay = new Set<Promise<void>>();
  const startedAt = performance.now();

  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * perSecond) - counts.sent;
    for (let left = due; left > 0; left -= 1) {
      const sending: Promise<void> = sendOne().finally(() => underWay.delete(sending));
      underWay.add(sending);
    }
  }, tickMs);

  async function sendOne(): Promise<void> {
    counts.sent += 1;
    const body = notification();
    try {
      const options = { method: 'POST', headers: zoomHeaders(secret, body, Date.now()), body } as const;
      const answer = await request(endpoint, {
        ...options,
        dispatcher: agent,
        signal: AbortSignal.timeout(zoomPatienceMs),
      });
      await answer.body.dump();
      if (answer.statusCode === 204) counts.acknowledged.add(createHash('sha256').update(body).digest('hex'));
      else counts.turnedAway += 1;
    } catch {
      counts.noAnswer += 1;
    }
  }

  return {
    counts,
    async stop() {
      clearInterval(timer);
      await Promise.all(underWay);
      await agent.close();
    },
  };
}

/** About 700 bytes, as a `meeting.created` has. */
function notification(): Buffer {
  const uuid = randomUUID();
  const object = {
    uuid,
    id: 85393847045,
    host_id: '8lzIwvZTSOqjndWPbPqzuA',
    topic: 'Zuhören – ünïcode 🚒',
    filler: uuid.repeat(12),
  };
  return Buffer.from(
    JSON.stringify({ event: 'meeting.created', event_ts: Date.now(), payload: { account_id: 'a', object } }),
  );
}
