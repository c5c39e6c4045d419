import type { Exchange, RecallRequest, RecallSender } from './exchange.ts';
import { repeatAfterMs } from './repeat-after.ts';

export interface Patience {
  /** For one request. */
  readonly requestTimeoutMs: number;
  nowMs(): number;
  /** 0 ≤ x < 1. */
  random(): number;
  /** Resolves after `ms`; rejects when the signal is aborted, also before. */
  wait(ms: number, signal: AbortSignal): Promise<unknown>;
  /** Aborted: there are no more repeats. */
  readonly signal: AbortSignal;
}

/** The last answer, once it stands or no repeat fits before the deadline. A wait that would pass it is not begun. */
export async function sendWithRepeats(
  sender: RecallSender,
  request: RecallRequest,
  deadlineMs: number,
  { requestTimeoutMs, nowMs, random, wait, signal }: Patience,
): Promise<Exchange> {
  for (let tries = 1; ; tries += 1) {
    const leftMs = deadlineMs - nowMs();
    if (leftMs <= 0) return { kind: 'no_answer', error: 'timeout' };
    const exchange = await sender.send(request, Math.ceil(Math.min(requestTimeoutMs, leftMs)));
    const waitMs = repeatAfterMs(exchange, tries, random);
    if (waitMs === undefined || nowMs() + waitMs >= deadlineMs) return exchange;
    try {
      await wait(waitMs, signal);
    } catch {
      return exchange;
    }
  }
}
