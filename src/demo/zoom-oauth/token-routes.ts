import { type Context, Hono } from 'hono';
import { authenticateClient } from './authenticate-client.ts';
import type { Grant, GrantOutcome, Grants } from './grants.ts';
import type { ZoomAppRegistration } from './registrations.ts';

export interface TokenCounts {
  /** Codes that were exchanged for tokens. */
  exchanges: number;
  /** Refresh tokens that were exchanged for new tokens. */
  refreshes: number;
  revocations: number;
  /** Codes and refresh tokens that were refused. */
  refusals: number;
}

export interface TokenRouteParts {
  readonly apps: ReadonlyMap<string, ZoomAppRegistration>;
  readonly grants: Grants;
  readonly counts: TokenCounts;
  /** `expires_in` of the answer, seconds. */
  readonly accessTokenLifetimeSec: number;
  /** `api_url` of the answer; left out when `undefined`. */
  readonly apiUrl: string | undefined;
}

const formType = /^application\/x-www-form-urlencoded(?:\s*;|$)/i;

/** `POST /oauth/token` and `POST /oauth/revoke`: parameters in the form only, each at most once. */
export function createTokenRoutes(parts: TokenRouteParts): Hono {
  const routes = new Hono();
  const { apps, grants, counts } = parts;

  routes.post('/oauth/token', async (c) => {
    const form = await readForm(c);
    if (form === undefined) return refuse(c, 400, 'Bad request', 'invalid_request');
    const grantType = form.get('grant_type');
    if (grantType === null) return refuse(c, 400, 'Missing grant type', 'invalid_request');
    const app = authenticateClient(c.req.header('authorization'), form, apps);
    if (app === undefined) return refuse(c, 401, 'Invalid client_id or client_secret', 'invalid_client');
    switch (grantType) {
      case 'authorization_code':
        return answer(c, parts, 'exchanges', await exchange(grants, app, form));
      case 'refresh_token':
        return answer(c, parts, 'refreshes', await grants.refresh(app, form.get('refresh_token') ?? ''));
      default:
        return refuse(c, 400, `Unsupported grant type: ${grantType}`, 'unsupported_grant_type');
    }
  });

  routes.post('/oauth/revoke', async (c) => {
    const form = await readForm(c);
    if (form === undefined) return refuse(c, 400, 'Bad request', 'invalid_request');
    const app = authenticateClient(c.req.header('authorization'), form, apps);
    if (app === undefined) return refuse(c, 401, 'Invalid client_id or client_secret', 'invalid_client');
    const token = form.get('token');
    const ended = grants.end((grant) => grant.clientId === app.clientId && grant.accessToken === token);
    if (!ended) return refuse(c, 400, 'Invalid Token!', 'invalid_grant');
    counts.revocations += 1;
    return c.json({ status: 'success' });
  });

  return routes;
}

function exchange(grants: Grants, app: ZoomAppRegistration, form: URLSearchParams): Promise<GrantOutcome> {
  return grants.exchange(app, {
    code: form.get('code') ?? '',
    redirectUri: form.get('redirect_uri') ?? '',
    verifier: form.get('code_verifier') ?? undefined,
  });
}

function answer(
  c: Context,
  { counts, accessTokenLifetimeSec, apiUrl }: TokenRouteParts,
  counter: 'exchanges' | 'refreshes',
  outcome: GrantOutcome,
): Response {
  if (outcome.kind === 'refused') {
    counts.refusals += 1;
    return refuse(c, 400, outcome.reason, 'invalid_grant');
  }
  counts[counter] += 1;
  c.header('cache-control', 'no-store');
  return c.json({ ...bodyOf(outcome.grant, accessTokenLifetimeSec), ...(apiUrl !== undefined && { api_url: apiUrl }) });
}

function bodyOf({ accessToken, refreshToken, scopes }: Grant, expiresInSec: number) {
  return {
    access_token: accessToken,
    token_type: 'bearer',
    refresh_token: refreshToken,
    expires_in: expiresInSec,
    scope: scopes.join(' '),
  };
}

/** `undefined` for another content type, and when a parameter is given twice (RFC 6749 §3.2). */
async function readForm(c: Context): Promise<URLSearchParams | undefined> {
  if (!formType.test(c.req.header('content-type') ?? '')) return undefined;
  const form = new URLSearchParams(await c.req.text());
  return new Set(form.keys()).size === form.size ? form : undefined;
}

function refuse(c: Context, status: 400 | 401, reason: string, error: string): Response {
  return c.json({ reason, error }, status);
}
