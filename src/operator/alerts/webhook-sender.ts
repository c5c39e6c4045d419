import { setTimeout as delay } from 'node:timers/promises';
import { Agent } from 'undici';
import { RelayError } from '../../errors.ts';
import type { Secret } from '../../secret.ts';
import type { SendAlert } from './ports.ts';
import { webhookBody } from './webhook-body.ts';

const timeoutMs = 10_000;
const defaultWaitsMs = [1000, 2000, 4000, 8000];
/** Half the width of the band a wait is spread over. */
const jitter = 0.2;

type Try =
  | { readonly kind: 'sent' }
  | { readonly kind: 'failed'; readonly reason: string; readonly isWorthATry: boolean };

export interface WebhookSender {
  readonly send: SendAlert;
  close(): Promise<void>;
}

/**
 * Posts alerts to a webhook: up to five tries of 10 s each. Redirects are not followed. Another 4xx than 408 and 429 ends
 * the tries: it will not be answered otherwise within seconds.
 *
 * @param url whoever has it can post: it is in no error
 * @param random uniform in [0, 1)
 * @param waitsMs between the tries
 */
export function createWebhookSender(
  url: Secret,
  random: () => number,
  waitsMs: readonly number[] = defaultWaitsMs,
): WebhookSender {
  const target = new URL(url.reveal());
  const agent = new Agent({ connections: 1, pipelining: 1, allowH2: false, connect: { timeout: timeoutMs } });

  async function post(body: string): Promise<Try> {
    try {
      const answer = await agent.request({
        origin: target.origin,
        path: `${target.pathname}${target.search}`,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'zoom-relay' },
        body,
        signal: AbortSignal.timeout(timeoutMs),
      });
      const { statusCode: status } = answer;
      await answer.body.dump().catch(() => undefined); // the answer stands without its body
      if (status >= 200 && status < 300) return { kind: 'sent' };
      const isWorthATry = status >= 500 || status === 408 || status === 429;
      return { kind: 'failed', reason: `it answered ${status}`, isWorthATry };
    } catch (error) {
      return { kind: 'failed', reason: reasonOf(error), isWorthATry: true };
    }
  }

  return {
    async send(message, stopping) {
      const body = webhookBody(message);
      for (let tries = 0; ; tries += 1) {
        const tried = await post(body);
        if (tried.kind === 'sent') return;
        const waitMs = waitsMs[tries];
        if (waitMs === undefined || !tried.isWorthATry || stopping.aborted) throw unsent(tried.reason);
        const spread = waitMs * (1 - jitter + 2 * jitter * random());
        await delay(spread, undefined, { signal: stopping, ref: false }).catch(() => {
          throw unsent(tried.reason);
        });
      }
    },
    close: () => agent.close(),
  };
}

function unsent(reason: string): RelayError {
  return new RelayError('target_unreachable', `ALERT_WEBHOOK_URL did not take the alert: ${reason}`);
}

/** A short code: `ECONNREFUSED`, `UND_ERR_SOCKET`, `timeout`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if (error.name === 'TimeoutError') return 'timeout';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
