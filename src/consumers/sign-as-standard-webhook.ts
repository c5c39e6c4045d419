import { Webhook } from 'standardwebhooks';
import type { Secret } from '../secret.ts';
import { forwardHeaders } from './forward-headers.ts';
import type { SignedHeaders } from './http-target.ts';
import type { IntactDelivery } from './ports.ts';

/** Zoom's signature and body together are as good as Zoom's secret towards whoever accepts them: they stay here. */
const keptFromConsumer = ['x-zm-signature', 'x-zm-request-timestamp'];

/**
 * Standard Webhooks headers, for a consumer that is not to hold Zoom's Secret Token: `webhook-id` is the
 * `notificationId`, `webhook-timestamp` is the attempt's own, in seconds. The signature covers the body as text; a body
 * that is no UTF-8 is covered as the official packages decode it (U+FFFD for what is invalid).
 *
 * @param secrets `whsec_…` or its base64 alone; two while rotating: both sign
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signAsStandardWebhook(secrets: readonly Secret[]) {
  const signers = secrets.map((secret) => new Webhook(secret.reveal()));
  return ({ id, content }: IntactDelivery, nowMs: number): SignedHeaders => {
    const { body } = content;
    const payload = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    const timestampSec = Math.floor(nowMs / 1000);
    const signatures = signers.map((signer) => signer.sign(id, new Date(timestampSec * 1000), payload));
    const passedOn = Object.entries(content.headers).filter(([name]) => !keptFromConsumer.includes(name));
    const headers = {
      ...forwardHeaders(Object.fromEntries(passedOn)),
      'webhook-id': id,
      'webhook-timestamp': String(timestampSec),
      'webhook-signature': signatures.join(' '),
    };
    return { headers };
  };
}
