import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { postAsZoom, zoomHeaders } from '../../src/demo/zoom-stand-in.ts';
import type { Secret } from '../../src/secret.ts';
import { uniqueBody } from './bodies.ts';

export interface SentNotification {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  /** What was answered, the last answer at the end; 0 for none within Zoom's 3 s. */
  readonly answers: number[];
}

export interface SteadyZoom {
  /** By the SHA-256 of the body. */
  readonly sent: ReadonlyMap<string, SentNotification>;
  /** How many have been sent and not been acknowledged. */
  unacknowledged(): number;
  /** Sends nothing new; resolves when all that was sent has been acknowledged, or was sent for the last time. */
  stop(): Promise<void>;
}

const tickMs = 20;
/** Zoom repeats three times, after 5, 20 and 60 minutes. */
const repeatsAfterMs = [200, 1000, 5000];

/**
 * Sends unique, signed notifications at a steady rate, whatever is answered, and repeats as Zoom does what gets no
 * answer or one of 500 and more, only sooner.
 */
export function startSteadyZoom(endpoint: URL, secret: Secret, perSecond: number): SteadyZoom {
  const sent = new Map<string, SentNotification>();
  const underWay = new Set<Promise<void>>();
  const startedAt = performance.now();

  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * perSecond) - sent.size;
    for (let left = due; left > 0; left -= 1) {
      const sending: Promise<void> = sendOne().finally(() => underWay.delete(sending));
      underWay.add(sending);
    }
  }, tickMs);

  async function sendOne(): Promise<void> {
    const body = uniqueBody();
    const headers = zoomHeaders(secret, body, Date.now());
    const answers: number[] = [];
    sent.set(createHash('sha256').update(body).digest('hex'), { body, headers, answers });
    for (const repeatAfterMs of [...repeatsAfterMs, undefined]) {
      const status = await postAsZoom(endpoint, headers, body).then(
        (answer) => answer.status,
        () => 0,
      );
      answers.push(status);
      if (repeatAfterMs === undefined || (status > 0 && status < 500)) return;
      await delay(repeatAfterMs);
    }
  }

  return {
    sent,
    unacknowledged: () => underWay.size,
    async stop() {
      clearInterval(timer);
      await Promise.all(underWay);
    },
  };
}
