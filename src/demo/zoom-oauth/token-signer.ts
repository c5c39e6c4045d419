import { randomBytes } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';

/** Whom a token is for, and for which app. */
export interface TokenSubject {
  readonly clientId: string;
  readonly userId: string;
  readonly accountId: string;
}

export interface TokenSigner {
  sign(kind: 'access' | 'refresh', subject: TokenSubject, lifetime: TokenLifetime): Promise<string>;
  /** `undefined` for what is no access token of this stand-in, or has expired. */
  verifyAccessToken(token: string, nowMs: number): Promise<TokenSubject | undefined>;
}

export interface TokenLifetime {
  readonly issuedAtSec: number;
  readonly lifetimeSec: number;
}

const audience = 'https://oauth.zoom.us';
const types = { access: 0, refresh: 1 } as const;
/** Zoom's tokens may have more than 1,000 characters. */
const fillerBytes = 400;
const payloadSchema = z.object({
  iss: z.string().startsWith('zm:cid:'),
  uid: z.string(),
  aid: z.string(),
  type: z.literal(types.access),
});

/** Signs JWTs with the claims that Zoom's have; no two are the same. */
export function createTokenSigner(key: Uint8Array): TokenSigner {
  return {
    sign(kind, { clientId, userId, accountId }, { issuedAtSec, lifetimeSec }) {
      const claims = { ver: 9, auid: randomBytes(fillerBytes).toString('hex'), gno: 0, type: types[kind] };
      return new SignJWT({ ...claims, uid: userId, aid: accountId })
        .setProtectedHeader({ alg: 'HS256', sv: '000001', v: '2.0', kid: 'stand-in' })
        .setIssuer(`zm:cid:${clientId}`)
        .setAudience(audience)
        .setIssuedAt(issuedAtSec)
        .setNotBefore(issuedAtSec)
        .setExpirationTime(issuedAtSec + lifetimeSec)
        .sign(key);
    },
    async verifyAccessToken(token, nowMs) {
      const options = { audience, algorithms: ['HS256'], currentDate: new Date(nowMs) };
      const verified = await jwtVerify(token, key, options).catch(() => undefined);
      const { success, data } = payloadSchema.safeParse(verified?.payload);
      if (!success) return undefined;
      return { clientId: data.iss.slice('zm:cid:'.length), userId: data.uid, accountId: data.aid };
    },
  };
}
