import { createHash } from 'node:crypto';
import type { Authorization } from './authorization.ts';
import type { ZoomAppRegistration, ZoomUserRegistration } from './registrations.ts';
import type { TokenSigner } from './token-signer.ts';

/** What a user has granted an app; the only tokens of theirs that are good. */
export interface Grant {
  readonly clientId: string;
  readonly user: ZoomUserRegistration;
  readonly scopes: readonly string[];
  readonly accessToken: string;
  readonly expiresAtMs: number;
  readonly refreshToken: string;
  readonly refreshExpiresAtMs: number;
}

export type GrantOutcome =
  | { readonly kind: 'granted'; readonly grant: Grant }
  | { readonly kind: 'refused'; readonly reason: string };

export interface Grants {
  issueCode(authorization: Authorization, user: ZoomUserRegistration): string;
  exchange(
    app: ZoomAppRegistration,
    input: { readonly code: string; readonly redirectUri: string; readonly verifier: string | undefined },
  ): Promise<GrantOutcome>;
  refresh(app: ZoomAppRegistration, refreshToken: string): Promise<GrantOutcome>;
  /** Voids what these tokens were granted by. */
  end(predicate: (grant: Grant) => boolean): boolean;
  find(predicate: (grant: Grant) => boolean): Grant | undefined;
}

export interface GrantRules {
  readonly signer: TokenSigner;
  readonly nowMs: () => number;
  readonly newCode: () => string;
  readonly accessTokenLifetimeSec: number;
  readonly refreshTokenLifetimeMs: number;
}

interface IssuedCode {
  readonly authorization: Authorization;
  readonly user: ZoomUserRegistration;
  readonly expiresAtMs: number;
}

const codeLifetimeMs = 5 * 60_000;
const invalidCode = { kind: 'refused', reason: 'Invalid authorization code' } as const;
const invalidToken = { kind: 'refused', reason: 'Invalid Token!' } as const;
/** RFC 7636 §4.1. */
const verifierPattern = /^[\w.~-]{43,128}$/;

/**
 * Codes and tokens, with Zoom's rules: a code lives for 5 minutes and is spent by its app's first try, even one that
 * fails; a refresh spends the refresh token and voids the access token; a user's newer grant to an app voids the older.
 */
export function createGrants({ signer, nowMs, newCode, ...lifetimes }: GrantRules): Grants {
  const codes = new Map<string, IssuedCode>();
  const grants = new Set<Grant>();

  function end(predicate: (grant: Grant) => boolean): boolean {
    const ended = [...grants].filter(predicate);
    for (const grant of ended) grants.delete(grant);
    return ended.length > 0;
  }

  async function grantTo(clientId: string, user: ZoomUserRegistration, scopes: readonly string[]): Promise<Grant> {
    const subject = { clientId, userId: user.id, accountId: user.accountId };
    const issuedAtSec = Math.floor(nowMs() / 1000);
    const { accessTokenLifetimeSec: lifetimeSec, refreshTokenLifetimeMs } = lifetimes;
    const refreshLifetimeSec = Math.floor(refreshTokenLifetimeMs / 1000);
    const grant = {
      clientId,
      user,
      scopes,
      accessToken: await signer.sign('access', subject, { issuedAtSec, lifetimeSec }),
      expiresAtMs: (issuedAtSec + lifetimeSec) * 1000,
      refreshToken: await signer.sign('refresh', subject, { issuedAtSec, lifetimeSec: refreshLifetimeSec }),
      refreshExpiresAtMs: (issuedAtSec + refreshLifetimeSec) * 1000,
    };
    grants.add(grant);
    return grant;
  }

  return {
    issueCode(authorization, user) {
      const code = newCode();
      codes.set(code, { authorization, user, expiresAtMs: nowMs() + codeLifetimeMs });
      return code;
    },
    async exchange(app, { code, redirectUri, verifier }) {
      const issued = codes.get(code);
      if (issued === undefined || issued.authorization.app.clientId !== app.clientId) return invalidCode;
      codes.delete(code);
      const { authorization, user, expiresAtMs } = issued;
      if (nowMs() >= expiresAtMs) return invalidCode;
      if (authorization.redirectUri !== redirectUri) return { kind: 'refused', reason: 'Redirect URI mismatch' };
      if (!isProved(authorization, verifier)) return { kind: 'refused', reason: 'Invalid code verifier' };
      end((grant) => grant.clientId === app.clientId && grant.user.id === user.id);
      return { kind: 'granted', grant: await grantTo(app.clientId, user, app.scopes) };
    },
    async refresh(app, refreshToken) {
      const grant = [...grants].find((candidate) => candidate.refreshToken === refreshToken);
      if (grant === undefined || grant.clientId !== app.clientId) return invalidToken;
      if (nowMs() >= grant.refreshExpiresAtMs) return invalidToken;
      grants.delete(grant);
      return { kind: 'granted', grant: await grantTo(app.clientId, grant.user, grant.scopes) };
    },
    end,
    find: (predicate) => [...grants].find(predicate),
  };
}

/** A verifier without a challenge is refused too: something took the challenge out on the way (RFC 9700 §4.8). */
function isProved({ challenge }: Authorization, verifier: string | undefined): boolean {
  if (challenge === undefined || verifier === undefined) return challenge === undefined && verifier === undefined;
  if (!verifierPattern.test(verifier)) return false;
  const { value, method } = challenge;
  return value === (method === 'plain' ? verifier : createHash('sha256').update(verifier).digest('base64url'));
}
