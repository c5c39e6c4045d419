import { createHmac } from 'node:crypto';
import type { Secret } from '../secret.ts';
import type { EventLook } from './event.ts';

export const challengeEvent = 'endpoint.url_validation';

/** What Zoom expects back, as JSON with status 200, within 3 s. */
export interface ChallengeAnswer {
  readonly plainToken: string;
  readonly encryptedToken: string;
}

/**
 * Zoom sends 22 base64url characters. Nothing wider is signed, because `encryptedToken` is made with the key and the
 * algorithm of event signatures: a `plainToken` of `v0:{timestamp}:{body}` would make this a forgery service.
 */
const plainTokenPattern = /^[A-Za-z0-9_-]{1,256}$/;

/**
 * Answers Zoom's URL validation.
 *
 * @param secret the Secret Token that the challenge itself was signed with: call this for verified notifications only
 * @returns `undefined` when `payload.plainToken` is missing or not a token
 * @see https://developers.zoom.us/docs/api/webhooks/#validate-your-webhook-endpoint
 */
export function answerChallenge(look: EventLook, secret: Secret): ChallengeAnswer | undefined {
  const plainToken = readPlainToken(look.parsed);
  if (plainToken === undefined || !plainTokenPattern.test(plainToken)) return undefined;
  return { plainToken, encryptedToken: encryptToken(secret, plainToken) };
}

/** The lower-case hex HMAC-SHA-256 of the token, keyed with the Secret Token. */
export function encryptToken(secret: Secret, plainToken: string): string {
  return createHmac('sha256', secret.reveal()).update(plainToken).digest('hex');
}

function readPlainToken(parsed: unknown): string | undefined {
  if (typeof parsed !== 'object' || parsed === null || !('payload' in parsed)) return undefined;
  const { payload } = parsed;
  if (typeof payload !== 'object' || payload === null || !('plainToken' in payload)) return undefined;
  return typeof payload.plainToken === 'string' ? payload.plainToken : undefined;
}
