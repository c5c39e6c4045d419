import { isIP } from 'node:net';

/**
 * Whether a base URL may stand in for Recall's: `https:` anywhere, `http:` to loopback only, because the signature
 * headers and the body are as good as a password.
 */
export function isAllowedBaseUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '' || /[?#\s]/.test(text)) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
}

export const baseUrlRule =
  'must be an https: URL without user, query or fragment (http: only to 127.0.0.0/8, [::1] or localhost)';

function isLoopback(hostname: string): boolean {
  if (hostname === 'localhost' || hostname === '[::1]') return true;
  return isIP(hostname) === 4 && hostname.startsWith('127.');
}
