import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Secret } from '../secret.ts';
import { parseJson } from './parse-json.ts';
import type { ConnectParts } from './ports.ts';
import { hashOf, newSecret } from './secrets.ts';

/** A person has so long at Zoom's consent page. */
const validMs = 10 * 60_000;
/** So long after it has expired or was used, a state is told from one that never was. */
const rememberedMs = 60 * 60_000;

const storedState = z.object({
  v: z.literal(1),
  status: z.enum(['open', 'used']),
  app: z.string(),
  user: z.string(),
  returnTo: z.string().exactOptional(),
  /** The PKCE verifier and the link it began with. */
  sealed: z.string(),
  browserHash: z.string(),
  /** It has been through consent before, in vain: it is not sent there again. */
  isSecondTry: z.boolean(),
  expiresAtMs: z.number(),
});
type StoredState = z.infer<typeof storedState>;
const sealedPart = z.object({ codeVerifier: z.string(), link: z.string() });

/** What a consent is for. */
export interface ConsentFor {
  /** An app's key, as it was when consent began. */
  readonly app: string;
  readonly user: string;
  readonly returnTo?: string | undefined;
  /** The token of the link it began with, to begin again. */
  readonly link: string;
  readonly isSecondTry: boolean;
}

export interface BegunConsent {
  readonly state: string;
  /** For PKCE with S256. */
  readonly codeChallenge: string;
}

/** A consent that comes back as it should. */
export interface OpenConsent extends ConsentFor {
  readonly kind: 'open';
  readonly codeVerifier: Secret;
  /** Unique to this consent. */
  readonly stateHash: string;
  readonly browser: Secret;
}

export type ConsumedState =
  | OpenConsent
  | { readonly kind: 'unknown' | 'used' | 'expired' }
  /** Begun in another browser. It is not used up by that. */
  | { readonly kind: 'foreign' };

type Parts = Pick<ConnectParts, 'records' | 'keys' | 'nowMs' | 'randomBytes'>;

/**
 * Remembers what a consent is for while the person is at Zoom: under the hash of an opaque random `state`, tied to the
 * browser, with a PKCE verifier of its own.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9700#section-4.7
 */
export async function beginConsent(about: ConsentFor, browser: Secret, parts: Parts): Promise<BegunConsent> {
  const { records, keys, nowMs, randomBytes } = parts;
  const [state, codeVerifier] = [newSecret(randomBytes).reveal(), newSecret(randomBytes).reveal()];
  const key = keyOf(state);
  const { app, user, returnTo, link, isSecondTry } = about;
  const expiresAtMs = nowMs() + validMs;
  const stored: StoredState = {
    v: 1,
    status: 'open',
    app,
    user,
    ...(returnTo !== undefined && { returnTo }),
    sealed: await keys.seal(JSON.stringify({ codeVerifier, link }), key),
    browserHash: hashOf(browser.reveal()),
    isSecondTry,
    expiresAtMs,
  };
  await records.swap(key, undefined, { value: JSON.stringify(stored), expiresAtMs: expiresAtMs + rememberedMs });
  return { state, codeChallenge: createHash('sha256').update(codeVerifier).digest('base64url') };
}

/** Uses a state up: of many who come with it at once, one gets it. */
export async function consumeState(state: string, browser: Secret | undefined, parts: Parts): Promise<ConsumedState> {
  const { records, keys, nowMs } = parts;
  const key = keyOf(state);
  const value = await records.read(key);
  const stored = parse(value);
  if (stored === undefined) return { kind: 'unknown' };
  if (stored.status === 'used') return { kind: 'used' };
  if (stored.expiresAtMs <= nowMs()) return { kind: 'expired' };
  if (browser === undefined || hashOf(browser.reveal()) !== stored.browserHash) return { kind: 'foreign' };
  const used: StoredState = { ...stored, status: 'used', sealed: '' };
  const isOurs = await records.swap(key, value, {
    value: JSON.stringify(used),
    expiresAtMs: stored.expiresAtMs + rememberedMs,
  });
  if (!isOurs) return { kind: 'used' };
  const opened = sealedPart.safeParse(parseJson(await keys.open(stored.sealed, key))).data;
  if (opened === undefined) return { kind: 'unknown' }; // its ENCRYPTION_KEY has left the configuration
  const { app, user, returnTo, isSecondTry } = stored;
  return {
    kind: 'open',
    app,
    user,
    returnTo,
    isSecondTry,
    link: opened.link,
    browser,
    codeVerifier: new Secret(opened.codeVerifier),
    stateHash: key,
  };
}

function keyOf(state: string): string {
  return `state:${hashOf(state)}`;
}

function parse(value: string | undefined): StoredState | undefined {
  return storedState.safeParse(parseJson(value)).data;
}
