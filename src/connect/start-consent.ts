import { Secret } from '../secret.ts';
import { beginConsent, type ConsentFor } from './consent-states.ts';
import type { LinkLimiter } from './link-limiter.ts';
import { readLink } from './links.ts';
import type { ConnectApp, ConnectParts } from './ports.ts';
import { newSecret } from './secrets.ts';

/** The redirect URL to register with Zoom, to the character. The same for all apps. */
export function redirectUriOf(publicUrl: string): string {
  return `${publicUrl}/oauth-callback/zoom`;
}

export const linkRefusalCodes = ['app_unknown', 'link_invalid', 'link_expired', 'link_limited'] as const;
export type LinkRefusalCode = (typeof linkRefusalCodes)[number];

export type StartOutcome =
  /** `browser` is what the browser is to be known by when it comes back. */
  | { readonly kind: 'consent'; readonly location: URL; readonly browser: Secret }
  | { readonly kind: 'refused'; readonly code: LinkRefusalCode };

/** From a link to Zoom's consent page. @param cookie what the browser brought of an earlier start */
export async function startConsent(
  appKey: string,
  token: string,
  cookie: string | undefined,
  limiter: LinkLimiter,
  parts: ConnectParts,
): Promise<StartOutcome> {
  const app = parts.apps.get(appKey);
  if (app === undefined) return refuse('app_unknown', undefined, parts);
  const link = await readLink(app, token, parts);
  if (link.kind !== 'valid') return refuse(`link_${link.kind}`, app, parts);
  if (limiter.isLimited(token, parts.nowMs())) return refuse('link_limited', app, parts);
  const browser = readBrowser(cookie) ?? newSecret(parts.randomBytes);
  const { user, returnTo } = link;
  const location = await sendToConsent(
    app,
    { app: app.key, user, returnTo, link: token, isSecondTry: false },
    browser,
    parts,
  );
  parts.observe({ kind: 'consent_started', app: app.key });
  return { kind: 'consent', location, browser };
}

function refuse(code: LinkRefusalCode, app: ConnectApp | undefined, { observe }: ConnectParts): StartOutcome {
  observe({ kind: 'consent_refused', app: app?.key, code });
  return { kind: 'refused', code };
}

/** What a browser is known by: kept over several starts, so that two tabs do not get in each other's way. */
export function readBrowser(cookie: string | undefined): Secret | undefined {
  return cookie !== undefined && /^[A-Za-z0-9_-]{43}$/.test(cookie) ? new Secret(cookie) : undefined;
}

export async function sendToConsent(
  app: ConnectApp,
  about: ConsentFor,
  browser: Secret,
  parts: ConnectParts,
): Promise<URL> {
  const { state, codeChallenge } = await beginConsent(about, browser, parts);
  return app.zoom.consentUrl({ redirectUri: redirectUriOf(parts.publicUrl), state, codeChallenge });
}
