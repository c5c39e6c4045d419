import { request } from 'undici';
import { z } from 'zod';
import { RelayError } from '../errors.ts';
import type { CommandProcess } from './command-process.ts';

const timeoutMs = 60_000;
const defaultUrl = 'http://127.0.0.1:9090';
const refusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** What is asked for besides the path. */
export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Sent as JSON. */
  readonly input?: unknown;
}

/**
 * Asks the operator API of the relay at `ZOOM_RELAY_URL` with `OPERATOR_TOKEN`; gives the answer's JSON text, or the
 * empty text where the answer has none.
 *
 * @throws RelayError `configuration_invalid`, `target_unreachable`, `token_invalid`, `request_refused`,
 *   `store_unavailable`
 */
export async function askOperatorApi(host: CommandProcess, path: string, api: ApiRequest = {}): Promise<string> {
  const { base, token } = readTarget(host);
  const { status, text } = await ask(new URL(path, base), token, api);
  if (status >= 200 && status < 300) return text;
  if (status === 401) throw new RelayError('token_invalid', 'the relay does not take this OPERATOR_TOKEN');
  const { code, message } = errorOf(text);
  if (status === 404 && (code === undefined || code === 'route_unknown')) {
    throw new RelayError('route_unknown', `the relay at ${base.origin} does not have the operator role`);
  }
  // What Zoom or Recall has refused is not for the relay to mend.
  if (status === 502 && code !== undefined) throw new RelayError('request_refused', message ?? code);
  if (status >= 500) throw new RelayError('store_unavailable', `the relay answered ${status}: ${message ?? text}`);
  throw new RelayError('request_refused', message ?? `the relay answered ${status}: ${text}`);
}

/**
 * The relay's private port and the token for it.
 *
 * @throws RelayError `configuration_invalid`
 */
export function readTarget(host: CommandProcess): { readonly base: URL; readonly token: string } {
  const base = URL.parse(host.env.ZOOM_RELAY_URL?.trim() || defaultUrl);
  if (base === null) {
    throw new RelayError('configuration_invalid', "ZOOM_RELAY_URL must be the URL of a relay's private port");
  }
  const token = host.env.OPERATOR_TOKEN?.trim() ?? '';
  if (token !== '') return { base, token };
  throw new RelayError('configuration_invalid', 'OPERATOR_TOKEN is not set: give a token the relay was started with');
}

async function ask(
  url: URL,
  token: string,
  { method = 'GET', input }: ApiRequest,
): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const answer = await request(url, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(timeoutMs),
      ...(input !== undefined && { body: JSON.stringify(input) }),
    });
    return { status: answer.statusCode, text: await answer.body.text() };
  } catch (cause) {
    throw noAnswer(url, cause);
  }
}

/** No relay answers there. */
export function noAnswer(url: URL, cause: unknown): RelayError {
  const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'no answer';
  const message = `no answer from ${url.origin} (${reason}): is a relay with the operator role running there? Set ZOOM_RELAY_URL`;
  return new RelayError('target_unreachable', message, { cause });
}

/** What the API says when it refuses. */
export function errorOf(text: string): { readonly code?: string; readonly message?: string } {
  return refusal.safeParse(parseJson(text)).data?.error ?? {};
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
