import type { Secret } from '../secret.ts';
import type { ZoomHeaders } from './headers.ts';
import { type SecretId, type SecretTokens, secretIdOf } from './secret-token.ts';
import { signatureMatches } from './signature.ts';

/** What a request claims before its body is known. */
export interface SignatureClaim {
  readonly signature: string;
  /** `x-zm-request-timestamp` as received: epoch seconds as text. */
  readonly timestamp: string;
}

/** Why a request is not from Zoom, or not from now. A closed list: ledger and metrics have a line for each. */
export const rejections = [
  'signature_missing',
  'signature_malformed',
  'timestamp_malformed',
  'timestamp_stale',
  'timestamp_in_future',
  'signature_mismatch',
] as const;
export type Rejection = (typeof rejections)[number];

export interface Rejected {
  readonly kind: 'rejected';
  readonly reason: Rejection;
}

declare const verified: unique symbol;
/**
 * One HTTP request that carried Zoom's signature. Only `verifyNotification` makes one and the queue takes nothing else,
 * so that skipping the check does not compile.
 */
export interface VerifiedNotification {
  readonly [verified]: true;
  /** The raw body, byte for byte. May be empty, may be no JSON, may be no UTF-8. */
  readonly body: Uint8Array;
  readonly headers: ZoomHeaders;
  /** When this process had the whole request, epoch milliseconds. */
  readonly receivedAtMs: number;
  /** Which of the app's Secret Tokens matched. */
  readonly secret: Secret;
  readonly secretId: SecretId;
}

/**
 * Reads the signature headers and checks all that can be checked without the body, so that a stranger's body need not
 * be read. Zoom documents no tolerance and no bound on the timestamp; 12 digits is what is accepted here.
 *
 * @param toleranceSec how far the timestamp may lie from `nowMs`, both ways (Zoom's clock has been seen 15 ms ahead)
 */
export function readSignatureClaim(
  headers: ZoomHeaders,
  nowMs: number,
  toleranceSec: number,
): { readonly kind: 'claim'; readonly claim: SignatureClaim } | Rejected {
  const signature = headers['x-zm-signature'];
  const timestamp = headers['x-zm-request-timestamp'];
  if (signature === undefined || timestamp === undefined) return rejected('signature_missing');
  if (!/^v0=[0-9a-f]{64}$/.test(signature)) return rejected('signature_malformed');
  if (!/^\d{1,12}$/.test(timestamp)) return rejected('timestamp_malformed');
  const ageMs = nowMs - Number(timestamp) * 1000;
  if (ageMs > toleranceSec * 1000) return rejected('timestamp_stale');
  if (ageMs < -toleranceSec * 1000) return rejected('timestamp_in_future');
  return { kind: 'claim', claim: { signature, timestamp } };
}

/** Checks the claimed signature over the raw bytes with each of the app's Secret Tokens. */
export function verifyNotification(input: {
  readonly claim: SignatureClaim;
  readonly body: Uint8Array;
  readonly headers: ZoomHeaders;
  readonly receivedAtMs: number;
  readonly secrets: SecretTokens;
}): { readonly kind: 'verified'; readonly notification: VerifiedNotification } | Rejected {
  const { claim, body, headers, receivedAtMs, secrets } = input;
  const secret = secrets.find((candidate) => signatureMatches(candidate, claim.timestamp, body, claim.signature));
  if (secret === undefined) return rejected('signature_mismatch');
  const notification = { body, headers, receivedAtMs, secret, secretId: secretIdOf(secret) };
  return { kind: 'verified', notification: notification as VerifiedNotification };
}

function rejected(reason: Rejection): Rejected {
  return { kind: 'rejected', reason };
}
