import { timingSafeEqual } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { Secret } from '../secret.ts';

export type SignatureCheck = 'valid' | 'wrong' | 'stale' | 'absent';

const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;
/** How far the timestamp may lie from now, both ways. */
const toleranceSec = 300;

/**
 * Checks the headers that Recall signs its requests with once its workspace has a secret. A callback is a GET: the body
 * that is signed is empty.
 *
 * @param headers by lower-case name
 * @see https://docs.recall.ai/docs/authenticating-requests-from-recallai
 */
export function checkRecallSignature(
  headers: Readonly<Record<string, string | undefined>>,
  secrets: readonly Secret[],
  nowMs: number,
): SignatureCheck {
  const [id = '', timestamp = '', signatures = ''] = names.map((name) => headers[name]);
  if (id === '' && timestamp === '' && signatures === '') return 'absent';
  if (!/^\d{1,12}$/.test(timestamp)) return 'wrong';
  const atMs = Number(timestamp) * 1000;
  const expected = secrets.map((secret) => new Webhook(secret.reveal()).sign(id, new Date(atMs), ''));
  // Several while a secret is rotated.
  const isSigned = signatures.split(' ').some((given) => expected.some((own) => isSame(given, own)));
  if (!isSigned) return 'wrong';
  return Math.abs(nowMs - atMs) <= toleranceSec * 1000 ? 'valid' : 'stale';
}

function isSame(given: string, own: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(own)];
  return one.length === other.length && timingSafeEqual(one, other);
}
