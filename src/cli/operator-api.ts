import { request } from 'undici';
import { z } from 'zod';
import { RelayError } from '../errors.ts';
import type { CommandProcess } from './command-process.ts';

const timeoutMs = 15_000;
const defaultUrl = 'http://127.0.0.1:9090';
const refusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/**
 * Asks the operator API of the relay at `ZOOM_RELAY_URL` with `OPERATOR_TOKEN`; gives the answer's JSON text, or the
 * empty text where the answer has none.
 *
 * @throws RelayError `configuration_invalid`, `target_unreachable`, `token_invalid`, `request_refused`,
 *   `store_unavailable`
 */
export async function askOperatorApi(
  host: CommandProcess,
  path: string,
  method: 'GET' | 'POST' = 'GET',
): Promise<string> {
  const base = URL.parse(host.env.ZOOM_RELAY_URL?.trim() || defaultUrl);
  if (base === null) {
    throw new RelayError('configuration_invalid', "ZOOM_RELAY_URL must be the URL of a relay's private port");
  }
  const token = host.env.OPERATOR_TOKEN?.trim() ?? '';
  if (token === '') {
    throw new RelayError(
      'configuration_invalid',
      'OPERATOR_TOKEN is not set: give the token the relay was started with',
    );
  }
  const { status, text } = await ask(new URL(path, base), token, method);
  if (status === 200 || status === 204) return text;
  if (status === 401) throw new RelayError('token_invalid', 'the relay does not take this OPERATOR_TOKEN');
  const { code, message } = errorOf(text);
  if (status === 404 && (code === undefined || code === 'route_unknown')) {
    throw new RelayError('route_unknown', `the relay at ${base.origin} does not have the operator role`);
  }
  if (status >= 500) throw new RelayError('store_unavailable', `the relay answered ${status}: ${message ?? text}`);
  throw new RelayError('request_refused', message ?? `the relay answered ${status}: ${text}`);
}

async function ask(
  url: URL,
  token: string,
  method: 'GET' | 'POST',
): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await request(url, { method, headers, signal: AbortSignal.timeout(timeoutMs) });
    return { status: answer.statusCode, text: await answer.body.text() };
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'no answer';
    const message = `no answer from ${url.origin} (${reason}): is a relay with the operator role running there? Set ZOOM_RELAY_URL`;
    throw new RelayError('target_unreachable', message, { cause });
  }
}

function errorOf(text: string): { readonly code?: string; readonly message?: string } {
  return refusal.safeParse(parseJson(text)).data?.error ?? {};
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
