import { timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { quoteMasked, type Secret } from '../../secret.ts';
import { challengeEvent, encryptToken } from '../../zoom/challenge.ts';
import type { SecretTokens } from '../../zoom/secret-token.ts';
import { signBody } from '../../zoom/signature.ts';
import { type Finding, sound, unknown, wrong } from '../finding.ts';
import type { Probed, ProbeRequest } from '../ports.ts';

const subject = 'secret agreement';
const answerForm = z.object({ encryptedToken: z.string() });
const fix = 'zoom-relay register gives Recall the current Secret Token (or set webhook_secret in its dashboard)';

/** Chance for one challenge: a token of 24 base64url characters, and the ids that Zoom sends along. */
export interface ChallengeChance {
  readonly plainToken: string;
  /** 32 hex digits each. */
  readonly requestId: string;
  readonly traceId: string;
}

export function chanceOf(randomBytes: (count: number) => Buffer): ChallengeChance {
  return {
    plainToken: randomBytes(18).toString('base64url'),
    requestId: randomBytes(16).toString('hex'),
    traceId: randomBytes(16).toString('hex'),
  };
}

/** Zoom's URL validation, as Zoom sends it. */
export function requestAgreement(url: URL, secret: Secret, chance: ChallengeChance, nowMs: number): ProbeRequest {
  const { plainToken, requestId, traceId } = chance;
  const body = Buffer.from(JSON.stringify({ payload: { plainToken }, event_ts: nowMs, event: challengeEvent }));
  const timestamp = String(Math.floor(nowMs / 1000));
  return {
    method: 'POST',
    url,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'user-agent': 'Zoom Marketplace/1.0a',
      'x-zm-request-timestamp': timestamp,
      'x-zm-signature': signBody(secret, timestamp, body),
      'x-zm-request-id': requestId.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1_$2_$3_$4_'),
      'x-zm-trackingid': `v=2.0;clid=us02;rid=WEB_${traceId}`,
      traceparent: `00-${traceId}-${requestId.slice(0, 16)}-02`,
    },
    body,
  };
}

export type Agreement =
  /** It holds one of ours: the index says which, 0 is the current one. */
  | { readonly kind: 'holds'; readonly index: number }
  | { readonly kind: 'holds_another' }
  | { readonly kind: 'no_token'; readonly status: number }
  | { readonly kind: 'refused'; readonly status: number; readonly detail: string }
  | { readonly kind: 'redirected'; readonly status: number }
  | { readonly kind: 'unavailable'; readonly reason: string };

/** What Recall's answer says of the secret that it holds. */
export function readAgreement(probed: Probed, plainToken: string, secrets: SecretTokens): Agreement {
  if (probed.kind === 'no_answer') return { kind: 'unavailable', reason: probed.error };
  const { status, body } = probed;
  if (status >= 200 && status < 300) {
    const token = tokenIn(body);
    if (token === undefined) return { kind: 'no_token', status };
    const index = secrets.findIndex((secret) => isSame(token, encryptToken(secret, plainToken)));
    return index === -1 ? { kind: 'holds_another' } : { kind: 'holds', index };
  }
  if (status >= 300 && status < 400) return { kind: 'redirected', status };
  if (status >= 500 || status === 408 || status === 429) return { kind: 'unavailable', reason: String(status) };
  return { kind: 'refused', status, detail: /^\s*</.test(body) ? '' : quoteMasked(body, secrets, 200) };
}

/** @param bySecond what the challenge signed with the previous secret got, when it was tried */
export function judgeAgreement(first: Agreement, url: URL, bySecond?: Agreement): Finding {
  if (bySecond?.kind === 'holds' || (first.kind === 'holds' && first.index > 0)) {
    return wrong(
      subject,
      'Recall still has the previous Secret Token: what Zoom signs with the current one fails',
      fix,
    );
  }
  switch (first.kind) {
    case 'holds':
      return sound(subject, 'Recall answered our signed challenge with the token our secret gives');
    case 'holds_another':
      return wrong(subject, 'Recall answered our signed challenge with a token of another secret', fix);
    case 'no_token':
      return unknown(subject, `cannot tell: Recall took our signed challenge (${first.status}) but gave no token`);
    case 'unavailable':
      return unknown(
        subject,
        `cannot tell: Recall's webhook endpoint gave no answer (${first.reason})`,
        `check the network, and RECALL_REGION or RECALL_BASE_URL: ${url.host} must be reached from here`,
      );
    case 'redirected': {
      const check = 'check RECALL_REGION or RECALL_BASE_URL: redirects are not followed';
      return wrong(subject, `${url.host} redirects (${first.status})`, check);
    }
    case 'refused':
      return judgeRefusal(first, url);
  }
}

function judgeRefusal({ status, detail }: Extract<Agreement, { kind: 'refused' }>, url: URL): Finding {
  const text = `Recall refused our signed challenge (${status}${detail === '' ? '' : `: ${detail}`})`;
  if (status === 404 || status === 405) {
    const check = `check RECALL_ZOOM_OAUTH_APP_ID and RECALL_REGION: ${url.host} may not have this app`;
    return wrong(subject, text, check);
  }
  return wrong(subject, text, `Recall may hold another Secret Token: ${fix}. Check RECALL_ZOOM_OAUTH_APP_ID too`);
}

function tokenIn(body: string): string | undefined {
  try {
    return answerForm.safeParse(JSON.parse(body)).data?.encryptedToken;
  } catch {
    return undefined;
  }
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
