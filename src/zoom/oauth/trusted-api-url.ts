/**
 * The origin of an account's API as Zoom gives it in `api_url`, when it is a host of `zoom.us` by https: access tokens
 * are sent there. `undefined` for any other, and when there is none.
 */
export function trustedApiUrl(given: unknown): string | undefined {
  const url = typeof given === 'string' ? URL.parse(given) : null;
  if (url === null || url.protocol !== 'https:' || url.port !== '') return undefined;
  return url.hostname === 'zoom.us' || url.hostname.endsWith('.zoom.us') ? url.origin : undefined;
}
