import type { z } from 'zod';
import { quoteMasked, type Secret } from '../../secret.ts';
import { conflictsOf, describeRefusal, maxDetailLength, parseJson } from './describe-refusal.ts';
import type { Exchange } from './exchange.ts';
import type { RecallAnswer, RecallRefusal } from './recall-api.ts';
import { retryAfterMs } from './repeat-after.ts';

/** Recall's limits are per minute. */
const defaultRetryAfterMs = 60_000;
const firewallDetail =
  "Recall's firewall refused the request: it lets no localhost and no bare IP address through. " +
  'Use a public https host name (PUBLIC_URL).';

/** What an exchange means. Any 2xx with a body that `schema` takes is success; its unknown members are ignored. */
export function interpretAnswer<T>(
  exchange: Exchange,
  schema: z.ZodType<T>,
  secrets: readonly Secret[],
): RecallAnswer<T> {
  switch (exchange.kind) {
    case 'no_answer':
      return { ...unavailable(undefined, `Recall gave no answer (${exchange.error})`), networkError: exchange.error };
    case 'too_long':
      return unavailable(exchange.status, "Recall's answer is longer than 4 MiB");
    case 'answer':
      return isSuccess(exchange.status) ? readBody(exchange, schema) : refusalOf(exchange, secrets);
  }
}

export function unavailable(
  status: number | undefined,
  detail: string,
): RecallRefusal & { readonly kind: 'unavailable' } {
  return { kind: 'unavailable', status, detail };
}

type Answer = Exclude<Exchange, { kind: 'no_answer' | 'too_long' }>;

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function readBody<T>({ status, body }: Answer, schema: z.ZodType<T>): RecallAnswer<T> {
  const { success, data, error } = schema.safeParse(parseJson(body));
  if (success) return { kind: 'ok', value: data };
  // Paths only: a value may be a secret.
  const paths = error.issues.map(({ path }) => path.join('.') || 'the whole').join(', ');
  return unavailable(status, quoteMasked(`Recall's answer is not what it documents: ${paths}`, [], maxDetailLength));
}

function refusalOf({ status, retryAfter, contentType, body }: Answer, secrets: readonly Secret[]): RecallRefusal {
  const detail = describeRefusal(status, body, secrets);
  switch (status) {
    case 401:
      return { kind: 'unauthorized', status, detail };
    case 403:
      return isHtml(contentType, body)
        ? { kind: 'blocked', status, detail: firewallDetail }
        : { kind: 'refused', status, detail };
    case 404:
      return { kind: 'not_found', status, detail };
    case 429:
      return { kind: 'rate_limited', status, retryAfterMs: retryAfterMs(retryAfter) ?? defaultRetryAfterMs, detail };
    case 409:
      return unavailable(status, detail);
    case 507:
      return { kind: 'refused', status, detail };
    default:
      // Recall's API has no redirects: a 3xx comes from something else, and is no answer of its.
      if (status < 400 || status >= 500) return unavailable(status, detail);
      return { kind: 'refused', status, detail, ...conflictsOf(body) };
  }
}

function isHtml(contentType: string | undefined, body: string): boolean {
  return contentType?.startsWith('text/html') === true || /^\s*</.test(body);
}
