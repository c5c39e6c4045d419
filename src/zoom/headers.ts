/** Header names in lower case to values as received; an absent header has no entry. */
export type ZoomHeaders = Readonly<Record<string, string>>;

/**
 * The headers kept and passed on with a body. Everything else Zoom sends stays here: `authorization` and `clientid`
 * are credentials, the rest belongs to the hop.
 *
 * @see README.md, "Promises", 3
 */
export const forwardedHeaders = [
  'content-type',
  'user-agent',
  'x-zm-signature',
  'x-zm-request-timestamp',
  'x-zm-request-id',
  'x-zm-trackingid',
  'traceparent',
] as const;

/** Picks what is kept, values untouched. Reads a `node:http` header object. */
export function pickForwardedHeaders(received: Readonly<Record<string, string | string[] | undefined>>): ZoomHeaders {
  const kept: Record<string, string> = {};
  for (const name of forwardedHeaders) {
    const value = received[name];
    if (typeof value === 'string') kept[name] = value;
  }
  return kept;
}
