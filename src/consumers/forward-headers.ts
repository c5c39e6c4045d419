/** Names this hop, as RFC 9110 §7.6.3 asks of a gateway. */
const via = '1.1 zoom-relay';

/**
 * The headers of a forwarded notification: those kept at receipt, untouched, and `via`. `content-length` and `host`
 * are the sender's.
 */
export function forwardHeaders(received: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return { ...received, via };
}
