import { Secret } from '../secret.ts';
import { answerChallenge, challengeEvent } from '../zoom/challenge.ts';
import { type EventLook, lookAtEvent } from '../zoom/event.ts';
import { signatureMatches } from '../zoom/signature.ts';
import type { AppRecord } from './recall-api/records.ts';
import type { RecallRequest } from './recall-stand-in.ts';

export interface Judgement {
  readonly status: number;
  readonly json: object;
  /** Of a webhook that was accepted. */
  readonly look?: EventLook;
  /** Why it was not. */
  readonly problem?: string;
}

/**
 * What the webhook endpoint of an app answers. Recall does not document its statuses; 400 for a bad signature and 404
 * for an unknown app are what an open implementation of the same endpoint answers.
 *
 * @param otherSecrets accepted besides the app's own
 */
export function judgeWebhook(
  { method, headers, body }: RecallRequest,
  app: AppRecord | undefined,
  otherSecrets: readonly Secret[],
): Judgement {
  if (app === undefined) return refuse(404, 'Not found.');
  if (method !== 'POST') return refuse(405, 'Method not allowed.');
  const { 'x-zm-signature': signature, 'x-zm-request-timestamp': timestamp } = headers;
  if (typeof signature !== 'string' || typeof timestamp !== 'string') return refuse(400, 'Missing signature.');
  const secrets = [new Secret(app.webhookSecret), ...otherSecrets];
  const secret = secrets.find((candidate) => signatureMatches(candidate, timestamp, body, signature));
  if (secret === undefined) return refuse(400, 'Invalid signature.');
  const look = lookAtEvent(body);
  const challenge = look.name === challengeEvent ? answerChallenge(look, secret) : undefined;
  return { status: 200, json: challenge ?? {}, look };
}

function refuse(status: number, detail: string): Judgement {
  return { status, json: { detail }, problem: detail };
}
