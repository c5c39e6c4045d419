import { request } from 'undici';
import { RelayError } from '../errors.ts';
import type { CommandProcess } from './command-process.ts';

const timeoutMs = 15_000;
const defaultUrl = 'http://127.0.0.1:9090';

/**
 * Asks the operator API of the relay at `ZOOM_RELAY_URL` with `OPERATOR_TOKEN`; gives the answer's JSON text.
 *
 * @throws RelayError `configuration_invalid`, `target_unreachable`, `token_invalid`, `route_unknown`, `store_unavailable`
 */
export async function askOperatorApi(host: CommandProcess, path: string): Promise<string> {
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
  const { status, text } = await get(new URL(path, base), token);
  if (status === 200) return text;
  if (status === 401) throw new RelayError('token_invalid', 'the relay does not take this OPERATOR_TOKEN');
  if (status === 404)
    throw new RelayError('route_unknown', `the relay at ${base.origin} does not have the operator role`);
  throw new RelayError('store_unavailable', `the relay answered ${status}: ${text}`);
}

async function get(url: URL, token: string): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await request(url, { headers, signal: AbortSignal.timeout(timeoutMs) });
    return { status: answer.statusCode, text: await answer.body.text() };
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'no answer';
    const message = `no answer from ${url.origin} (${reason}): is a relay with the operator role running there? Set ZOOM_RELAY_URL`;
    throw new RelayError('target_unreachable', message, { cause });
  }
}
