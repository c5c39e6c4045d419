import type { FreshSignature } from '../delivery/attempt.ts';

/** Names this hop, as RFC 9110 §7.6.3 asks of a gateway. */
const via = '1.1 zoom-relay';

/**
 * The headers of a forwarded notification: those kept at receipt, untouched, and `via`. `content-length` and `host`
 * are the sender's.
 *
 * @param fresh goes out in place of Zoom's timestamp and signature when the policy asks for it
 */
export function forwardHeaders(
  received: Readonly<Record<string, string>>,
  fresh?: FreshSignature,
): Readonly<Record<string, string>> {
  if (fresh === undefined) return { ...received, via };
  return { ...received, 'x-zm-request-timestamp': fresh.timestamp, 'x-zm-signature': fresh.signature, via };
}
