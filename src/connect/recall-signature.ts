import { Webhook } from 'standardwebhooks';
import type { Secret } from '../secret.ts';

export type SignatureCheck = 'valid' | 'wrong' | 'absent';

const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;

/**
 * Checks the headers that Recall signs its requests with once its workspace has a secret. A callback is a GET: the body
 * that is signed is empty. At most 5 minutes old.
 *
 * @param headers by lower-case name
 * @see https://docs.recall.ai/docs/authenticating-requests-from-recallai
 */
export function checkRecallSignature(
  headers: Readonly<Record<string, string | undefined>>,
  secrets: readonly Secret[],
): SignatureCheck {
  const given = Object.fromEntries(names.map((name) => [name, headers[name] ?? '']));
  if (names.every((name) => given[name] === '')) return 'absent';
  return secrets.some((secret) => isSignedBy(secret, given)) ? 'valid' : 'wrong';
}

function isSignedBy(secret: Secret, headers: Record<string, string>): boolean {
  try {
    new Webhook(secret.reveal()).verify('', headers);
    return true;
  } catch {
    return false;
  }
}
