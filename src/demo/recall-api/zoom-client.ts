import { request } from 'undici';
import { z } from 'zod';
import type { AppRecord, ManagedTokens } from './records.ts';

/** Zoom's user id and account id. */
export interface ZoomOwner {
  readonly userId: string;
  readonly accountId: string;
}

export type ZoomResult<T> =
  | { readonly kind: 'ok'; readonly value: T }
  /** `error` is Zoom's `invalid_grant`, `invalid_client` …; `unreachable` when there was no answer. */
  | { readonly kind: 'refused'; readonly error: string; readonly reason: string };

export interface ZoomClient {
  exchange(
    app: AppRecord,
    code: { readonly code: string; readonly redirectUri: string; readonly codeVerifier: string | undefined },
  ): Promise<ZoomResult<ManagedTokens>>;
  refresh(app: AppRecord, refreshToken: string): Promise<ZoomResult<ManagedTokens>>;
  readOwner(accessToken: string): Promise<ZoomResult<ZoomOwner>>;
  listMeetings(accessToken: string): Promise<ZoomResult<readonly number[]>>;
}

const userAgent = 'recall-stand-in';
const timeoutMs = 5000;
const tokensSchema = z.object({ access_token: z.string(), refresh_token: z.string(), expires_in: z.number() });
const ownerSchema = z.object({ id: z.string(), account_id: z.string() });
const meetingsSchema = z.object({ meetings: z.array(z.object({ id: z.number() })) });
const refusalSchema = z.object({
  error: z.string().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
});

/**
 * What Recall asks of Zoom, asked of a stand-in.
 *
 * @param baseUrl of the Zoom stand-in; without one nobody answers
 */
export function createZoomClient(baseUrl: string | undefined, nowMs: () => number): ZoomClient {
  async function ask<T>(schema: z.ZodType<T>, path: string, token: string): Promise<ZoomResult<T>> {
    return send(schema, path, { method: 'GET', headers: { authorization: `Bearer ${token}` } });
  }

  async function send<T>(
    schema: z.ZodType<T>,
    path: string,
    { headers, ...rest }: { method: 'GET' | 'POST'; headers: Record<string, string>; body?: string },
  ): Promise<ZoomResult<T>> {
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const answer = await request(`${baseUrl}${path}`, {
        ...rest,
        headers: { ...headers, 'user-agent': userAgent },
        signal,
      });
      const json: unknown = await answer.body.json();
      if (answer.statusCode === 200) return { kind: 'ok', value: schema.parse(json) };
      const { error, reason, message } = refusalSchema.parse(json);
      return { kind: 'refused', error: error ?? `status ${answer.statusCode}`, reason: reason ?? message ?? '' };
    } catch {
      return { kind: 'refused', error: 'unreachable', reason: 'Zoom did not answer' };
    }
  }

  async function readTokens(app: AppRecord, form: Record<string, string>): Promise<ZoomResult<ManagedTokens>> {
    const authorization = `Basic ${Buffer.from(`${app.clientId}:${app.clientSecret}`).toString('base64')}`;
    const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' };
    const body = new URLSearchParams(form).toString();
    const result = await send(tokensSchema, '/oauth/token', { method: 'POST', headers, body });
    if (result.kind === 'refused') return result;
    const { access_token: accessToken, refresh_token: refreshToken, expires_in: expiresInSec } = result.value;
    return { kind: 'ok', value: { accessToken, refreshToken, expiresAtMs: nowMs() + expiresInSec * 1000 } };
  }

  return {
    exchange(app, { code, redirectUri, codeVerifier }) {
      const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri };
      return readTokens(app, codeVerifier === undefined ? form : { ...form, code_verifier: codeVerifier });
    },
    refresh: (app, refreshToken) => readTokens(app, { grant_type: 'refresh_token', refresh_token: refreshToken }),
    async readOwner(accessToken) {
      const result = await ask(ownerSchema, '/v2/users/me', accessToken);
      if (result.kind === 'refused') return result;
      return { kind: 'ok', value: { userId: result.value.id, accountId: result.value.account_id } };
    },
    async listMeetings(accessToken) {
      const result = await ask(meetingsSchema, '/v2/users/me/meetings?page_size=300', accessToken);
      return result.kind === 'refused' ? result : { kind: 'ok', value: result.value.meetings.map(({ id }) => id) };
    },
  };
}
