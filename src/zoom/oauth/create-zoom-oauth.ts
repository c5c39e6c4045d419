import * as oauth from 'oauth4webapi';
import { Secret } from '../../secret.ts';
import type { Exchange, ZoomAnswered } from './exchange.ts';
import { judgeTokenAnswer } from './interpret-token-answer.ts';
import { trustedApiUrl } from './trusted-api-url.ts';
import { createUndiciSender } from './undici-sender.ts';
import { parseJson } from './zoom-error.ts';
import type { ZoomAnswer, ZoomOAuth, ZoomTokens } from './zoom-oauth.ts';

export interface ZoomOAuthOptions {
  /** `https://zoom.us`; http: is for a stand-in. */
  readonly zoomBaseUrl: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** For one exchange; 10 s. A refresh that is cut short may have made the older token void all the same. */
  readonly timeoutMs?: number;
  nowMs(): number;
}

type BuildRequest = (via: oauth.TokenEndpointRequestOptions) => Promise<Response>;

/** Zoom's access tokens live for an hour; read when it does not say. */
const defaultExpirySec = 3600;

/** Each exchange has a connection of its own: there is nothing to close. Nothing is repeated. */
export function createZoomOAuth(options: ZoomOAuthOptions): ZoomOAuth {
  const { clientId, clientSecret, timeoutMs = 10_000, nowMs } = options;
  const base = options.zoomBaseUrl.replace(/\/+$/, '');
  const sender = createUndiciSender(timeoutMs, false);
  const client: oauth.Client = { client_id: clientId };
  const basic = new Secret(Buffer.from(`${clientId}:${clientSecret.reveal()}`).toString('base64'));
  const auth = plainBasic(basic);
  const server: oauth.AuthorizationServer = {
    issuer: base,
    token_endpoint: `${base}/oauth/token`,
    revocation_endpoint: `${base}/oauth/revoke`,
  };

  /** Has oauth4webapi build the request, and sends it. */
  async function exchange(build: BuildRequest): Promise<Exchange> {
    let sent: Exchange = { kind: 'no_answer', error: 'not sent' };
    const via: oauth.TokenEndpointRequestOptions = {
      [oauth.allowInsecureRequests]: base.startsWith('http:'),
      async [oauth.customFetch](url, { headers, body }) {
        sent = await sender.send({ method: 'POST', url: new URL(url), headers, body: body.toString() });
        return new Response();
      },
    };
    await build(via).catch(() => {}); // it refused what it was given: nothing has been sent
    return sent;
  }

  async function askForTokens(
    secrets: readonly Secret[],
    build: BuildRequest,
    process: typeof oauth.processRefreshTokenResponse,
  ): Promise<ZoomAnswer<ZoomTokens>> {
    const beforeMs = nowMs();
    const judged = judgeTokenAnswer(await exchange(build), [clientSecret, basic, ...secrets]);
    if (judged.kind !== 'answer') return judged;
    try {
      return tokensOf(await process(server, client, responseOf(judged)), beforeMs);
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unreadable';
      return { kind: 'unavailable', detail: `Zoom's answer is not what OAuth asks for: ${reason}` };
    }
  }

  return {
    consentUrl({ redirectUri, state, codeChallenge }) {
      const url = new URL(`${base}/oauth/authorize`);
      url.search = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        state,
        code_challenge: codeChallenge,
        code_challenge_method: 'S256', // Zoom's default is plain
      }).toString();
      return url;
    },

    async exchangeCode({ code, redirectUri, codeVerifier }) {
      if (code === '') return { kind: 'invalid_grant', detail: 'the code is empty' };
      // The state has been checked, by who gave it out.
      const callback = oauth.validateAuthResponse(server, client, new URLSearchParams({ code }), oauth.expectNoState);
      const verifier = codeVerifier.reveal();
      return askForTokens(
        [new Secret(code), codeVerifier],
        (via) => oauth.authorizationCodeGrantRequest(server, client, auth, callback, redirectUri, verifier, via),
        oauth.processAuthorizationCodeResponse,
      );
    },

    async refresh(refreshToken) {
      if (refreshToken.reveal() === '') return { kind: 'invalid_grant', detail: 'the refresh token is empty' };
      return askForTokens(
        [refreshToken],
        (via) => oauth.refreshTokenGrantRequest(server, client, auth, refreshToken.reveal(), via),
        oauth.processRefreshTokenResponse,
      );
    },

    async revoke(token) {
      if (token.reveal() === '') return { kind: 'invalid_grant', detail: 'the token is empty' };
      const answer = await exchange((via) => oauth.revocationRequest(server, client, auth, token.reveal(), via));
      const judged = judgeTokenAnswer(answer, [clientSecret, basic, token]);
      return judged.kind === 'answer' ? { kind: 'ok', value: undefined } : judged;
    },
  };
}

/**
 * Zoom's form of Basic. RFC 6749 §2.3.1 would have both parts form-encoded first, as `oauth.ClientSecretBasic` does,
 * down to `_` and `-`, which Zoom's ids have in them; Zoom documents no encoding, and an endpoint that does decode
 * reads these characters as they are.
 *
 * @see https://developers.zoom.us/docs/integrations/oauth/
 */
function plainBasic(credentials: Secret): oauth.ClientAuth {
  return (_server, _client, _body, headers) => headers.set('authorization', `Basic ${credentials.reveal()}`);
}

/** Without an ID token: nobody reads it, and one that is not as OpenID wants it would cost the tokens beside it. */
function responseOf({ body }: ZoomAnswered): Response {
  const json = parseJson(body);
  if (typeof json !== 'object' || json === null || !('id_token' in json)) return new Response(body);
  const { id_token: _unread, ...rest } = json;
  return Response.json(rest);
}

/** @param beforeMs when they were asked for: they expire no later than by that */
function tokensOf(answer: oauth.TokenEndpointResponse, beforeMs: number): ZoomAnswer<ZoomTokens> {
  if (answer.refresh_token === undefined) {
    return { kind: 'unavailable', detail: "Zoom's answer is not what OAuth asks for: there is no refresh token in it" };
  }
  return {
    kind: 'ok',
    value: {
      accessToken: new Secret(answer.access_token),
      refreshToken: new Secret(answer.refresh_token),
      expiresAtMs: beforeMs + (answer.expires_in ?? defaultExpirySec) * 1000,
      scopes: (answer.scope ?? '').split(' ').filter((scope) => scope !== ''),
      apiUrl: trustedApiUrl(answer.api_url),
    },
  };
}
