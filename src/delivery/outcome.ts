/** What one attempt ended in. Every variant of the contract is here; what follows from each is in `decide.ts`. */
export type Outcome =
  /** 2xx, or a handler that returned: the consumer has it. */
  | { readonly kind: 'delivered'; readonly status?: number }
  /** Any other 3xx or 4xx. Redirects are never followed. */
  | { readonly kind: 'refused'; readonly status: number }
  /** 429, or 503 with Retry-After. `retryAfterMs` is absent when the header is absent or makes no sense. */
  | { readonly kind: 'throttled'; readonly status: number; readonly retryAfterMs?: number }
  /** Other 5xx, 408, and everything that never became an answer: timeout, refused or broken connection, DNS, TLS. */
  | { readonly kind: 'unavailable'; readonly status?: number; readonly error?: string }
  /** A handler threw. `error` is the error's code or name. */
  | { readonly kind: 'failed'; readonly error: string }
  /** A handler said that trying again is of no use, and why. */
  | { readonly kind: 'gave_up'; readonly reason: string }
  /** The stored bytes no longer match the stored signature: not sent. */
  | { readonly kind: 'corrupt' }
  /** Job data of a newer release, or a body that is not what a handler's event must be: not sent. */
  | { readonly kind: 'unreadable'; readonly reason: string };

/** A closed list: metrics have a line for each. */
export const outcomeKinds = [
  'delivered',
  'refused',
  'throttled',
  'unavailable',
  'failed',
  'gave_up',
  'corrupt',
  'unreadable',
] as const satisfies readonly Outcome['kind'][];
export type OutcomeKind = (typeof outcomeKinds)[number];

/** One hour: a Retry-After beyond it is cut to it. */
export const maxRetryAfterMs = 3_600_000;

/** Interprets a complete answer. */
export function outcomeOfResponse(status: number, retryAfter: string | undefined, nowMs: number): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered', status };
  const retryAfterMs = parseRetryAfter(retryAfter, nowMs);
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (status === 429 || (status === 503 && retryAfterMs !== undefined)) return { kind: 'throttled', status, ...wait };
  if (status >= 500 || status === 408) return { kind: 'unavailable', status };
  return { kind: 'refused', status };
}

/**
 * Retry-After as seconds or as an HTTP date. Negative values, past dates and garbage give `undefined`, so that the schedule
 * holds.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  const text = value?.trim() ?? '';
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : httpDate(text) - nowMs;
  return waitMs >= 0 ? Math.min(waitMs, maxRetryAfterMs) : undefined;
}

/** Epoch milliseconds of an IMF-fixdate (`Sun, 06 Nov 1994 08:49:37 GMT`); NaN for any other text. */
function httpDate(text: string): number {
  return /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text) ? Date.parse(text) : Number.NaN;
}
