import type { Secret } from '../../secret.ts';
import type { Exchange, ZoomAnswered } from './exchange.ts';
import { readZoomError, retryAfterMs } from './zoom-error.ts';
import type { ZoomRefusal } from './zoom-oauth.ts';

/**
 * Which of Zoom's numbers mean what; all others go by the status.
 *
 * 4711 is "Refresh token invalid" because the app's scopes are not the token's any more: the app or the consent must
 * be mended, not the token. 4717 is an app that is disabled: no user can mend that.
 *
 * @see https://developers.zoom.us/docs/integrations/oauth-error-messages/
 */
const kindOfCode: Readonly<Record<number, 'invalid_client' | 'invalid_grant' | 'missing_scope' | 'refused'>> = {
  4702: 'invalid_client',
  4704: 'invalid_client',
  4709: 'refused',
  4711: 'missing_scope',
  4717: 'invalid_client',
  4733: 'invalid_grant',
  4734: 'invalid_grant',
  4735: 'invalid_grant',
  4738: 'invalid_grant',
  4741: 'invalid_grant',
};

/** The answer, when it is 200 and names no error; else why the token or revocation endpoint did not do it. */
export function judgeTokenAnswer(exchange: Exchange, secrets: readonly Secret[]): ZoomAnswered | ZoomRefusal {
  if (exchange.kind === 'no_answer') return { kind: 'unavailable', detail: `Zoom gave no answer (${exchange.error})` };
  const { name, code } = readZoomError(exchange.status, exchange.body, secrets);
  const namesError = name !== undefined || (code !== undefined && kindOfCode[code] !== undefined);
  return exchange.status === 200 && !namesError ? exchange : refusalOf(exchange, secrets);
}

function refusalOf({ status, headers, body }: ZoomAnswered, secrets: readonly Secret[]): ZoomRefusal {
  const { name, code, detail } = readZoomError(status, body, secrets);
  if (status === 429) return { kind: 'rate_limited', retryAfterMs: retryAfterMs(headers['retry-after']), detail };
  // What Zoom says while it is failing is no verdict on a token.
  if (status >= 500 || status === 408) return { kind: 'unavailable', detail };
  const kind = (code === undefined ? undefined : kindOfCode[code]) ?? kindOfName(name);
  if (kind !== undefined) return kind === 'refused' ? { kind, status, detail } : { kind, detail };
  if (status === 401) return { kind: 'invalid_client', detail };
  return status >= 400 ? { kind: 'refused', status, detail } : { kind: 'unavailable', detail };
}

function kindOfName(name: string | undefined): 'invalid_client' | 'invalid_grant' | undefined {
  return name === 'invalid_client' || name === 'invalid_grant' ? name : undefined;
}
