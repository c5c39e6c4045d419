import { z } from 'zod';
import { Secret } from '../../secret.ts';
import type { Exchange, ZoomAnswered } from './exchange.ts';
import { parseJson, readZoomError, retryAfterMs } from './zoom-error.ts';
import type { ZoomAnswer, ZoomRefusal, ZoomUser } from './zoom-oauth.ts';

export const userSchema: z.ZodType<ZoomUser> = z
  .object({ id: z.string().min(1), account_id: z.string().min(1), email: z.string().optional().catch(undefined) })
  .transform((user) => ({ id: user.id, accountId: user.account_id, email: user.email }));

export const tokenSchema: z.ZodType<Secret> = z
  .object({ token: z.string().min(1) })
  .transform(({ token }) => new Secret(token));

/** What an exchange with Zoom's API means. A 200 that `schema` does not take is no answer. */
export function interpretApiAnswer<T>(exchange: Exchange, schema: z.ZodType<T>, token: Secret): ZoomAnswer<T> {
  if (exchange.kind === 'no_answer') return { kind: 'unavailable', detail: `Zoom gave no answer (${exchange.error})` };
  if (exchange.status !== 200) return refusalOf(exchange, token);
  const { success, data, error } = schema.safeParse(parseJson(exchange.body));
  if (success) return { kind: 'ok', value: data };
  // Paths only: a value may be a token.
  const paths = error.issues.map(({ path }) => path.join('.') || 'the whole').join(', ');
  return { kind: 'unavailable', detail: `Zoom's answer is not what it documents: ${paths}` };
}

/** 124: the token is not valid. 4711, and older numbers with the same words: it lacks a scope. */
const [invalidTokenCode, missingScopeCode] = [124, 4711];

/** @see https://developers.zoom.us/docs/api/errors/ */
function refusalOf({ status, headers, body }: ZoomAnswered, token: Secret): ZoomRefusal {
  const { code, detail } = readZoomError(status, body, [token]);
  if (status === 429) return { kind: 'rate_limited', retryAfterMs: retryAfterMs(headers['retry-after']), detail };
  if (status < 400 || status >= 500 || status === 408) return { kind: 'unavailable', detail };
  if (code === missingScopeCode || /\bscopes?\b/i.test(detail)) return { kind: 'missing_scope', detail };
  if (status === 401 || code === invalidTokenCode) return { kind: 'unauthorized', detail };
  return { kind: 'refused', status, detail };
}
