import { z } from 'zod';
import type { AppKey } from '../delivery/names.ts';
import { RelayError } from '../errors.ts';
import type { ConnectApp, ConnectParts } from './ports.ts';

const maxReturnToLength = 1000;

/** Whom a connect link is for, and where they go afterwards. */
export interface LinkFor {
  /** The company's own name for the person, 1 to 200 characters. */
  readonly user: string;
  readonly returnTo?: string | undefined;
}

const linkClaims = z.object({ user: z.string(), returnTo: z.string().optional() });

/**
 * A URL that starts consent, for whoever has it, until it expires. It can be used more than once.
 *
 * @throws RelayError `return_refused` when `returnTo` is not at an origin of the app
 */
export async function createLink(
  app: ConnectApp,
  { user, returnTo }: LinkFor,
  expiresAtMs: number,
  { keys, publicUrl, randomBytes }: Pick<ConnectParts, 'keys' | 'publicUrl' | 'randomBytes'>,
): Promise<URL> {
  if (returnTo !== undefined && !isAllowedReturn(returnTo, app)) {
    const message = 'returnTo must be a URL at one of the origins that CONNECT_RETURN_ORIGINS (returnOrigins) names';
    throw new RelayError('return_refused', message);
  }
  // Each is another, so that what is said of one (opened too often) is not said of all of that person's.
  const link = randomBytes(8).toString('base64url');
  const claims = { link, user, ...(returnTo !== undefined && { returnTo }) };
  const token = await keys.sign(claims, audienceOf(app.key), expiresAtMs);
  return new URL(`${publicUrl}/connect/zoom/${app.key}?token=${token}`);
}

export type ReadLink =
  | ({ readonly kind: 'valid' } & LinkFor)
  | { readonly kind: 'expired' }
  | { readonly kind: 'invalid' };

/** Of this app only; what was allowed when it was made must be allowed still. */
export async function readLink(
  app: ConnectApp,
  token: string,
  { keys, nowMs }: Pick<ConnectParts, 'keys' | 'nowMs'>,
): Promise<ReadLink> {
  const verified = await keys.verify(token, audienceOf(app.key), nowMs());
  if (verified.kind !== 'valid') return verified;
  const claims = linkClaims.safeParse(verified.claims).data;
  if (claims === undefined) return { kind: 'invalid' };
  const isReturnGood = claims.returnTo === undefined || isAllowedReturn(claims.returnTo, app);
  return isReturnGood ? { kind: 'valid', ...claims } : { kind: 'invalid' };
}

function isAllowedReturn(text: string, { returnOrigins }: ConnectApp): boolean {
  const url = URL.parse(text);
  // The origin of a blob: URL is that of the page that made it.
  const isPlain = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  return isPlain && text.length <= maxReturnToLength && returnOrigins.includes(url.origin);
}

function audienceOf(app: AppKey): string {
  return `zoom-relay connect ${app}`;
}
