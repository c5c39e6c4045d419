/**
 * Whether a request that changes something was made by a page of this server, as far as the browser tells: by
 * `Sec-Fetch-Site`, and by `Origin` held against `Host`. What a browser does not send is not held against it.
 *
 * @param allowNone also what no page made, but the user (Sec-Fetch-Site `none`)
 */
export function isSameOrigin(header: (name: string) => string | undefined, allowNone: boolean): boolean {
  const site = header('sec-fetch-site');
  if (site !== undefined && site !== 'same-origin' && !(allowNone && site === 'none')) return false;
  const origin = header('origin');
  return origin === undefined || hostOf(origin) === hostOf(`${schemeOf(origin)}://${header('host')}`);
}

function schemeOf(origin: string): string {
  return origin.startsWith('https:') ? 'https' : 'http';
}

/** With the port unless it is the scheme's own; of `null` and other texts that are no origin, themselves. */
function hostOf(origin: string): string {
  return /^https?:\/\/[^/?#@\\]+$/.test(origin) && URL.canParse(origin) ? new URL(origin).host : origin;
}
