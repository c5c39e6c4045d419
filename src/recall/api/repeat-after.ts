import type { Exchange } from './exchange.ts';

export const maxTries = 6;
const [firstBackOffMs, maxBackOffMs] = [1000, 10_000];
const maxRetryAfterMs = 3_600_000;

/**
 * How long to wait before the same request is sent again, with the same idempotency key; `undefined` when the answer
 * stands. Recall asks for it on 409 (the same request is under way), 429, and 502 to 504 (dropped under load). A 500
 * or 507 is stored with the idempotency key for an hour: to repeat it would only read it again.
 *
 * @param tries made so far
 * @see https://docs.recall.ai/reference/errors
 */
export function repeatAfterMs(exchange: Exchange, tries: number, random: () => number): number | undefined {
  if (tries >= maxTries || exchange.kind === 'too_long') return undefined;
  if (exchange.kind === 'no_answer') return backOffMs(tries, random);
  const askedMs = retryAfterMs(exchange.retryAfter);
  switch (exchange.status) {
    case 429:
      return (askedMs ?? backOffMs(tries, random)) + 1000 + random() * 4000;
    case 409:
    case 502:
    case 503:
    case 504:
      return Math.max(askedMs ?? 0, backOffMs(tries, random));
    default:
      return undefined;
  }
}

/** `undefined` unless it is a number of seconds, which is all that Recall documents; at most an hour. */
export function retryAfterMs(header: string | undefined): number | undefined {
  return /^\d+$/.test(header ?? '') ? Math.min(Number(header) * 1000, maxRetryAfterMs) : undefined;
}

/** 1, 2, 4, 8, 10 s, each shortened by up to a half. */
function backOffMs(tries: number, random: () => number): number {
  return Math.min(firstBackOffMs * 2 ** (tries - 1), maxBackOffMs) * (1 - random() / 2);
}
