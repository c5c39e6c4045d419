/**
 * The query of the next page. Only the query of a link is taken, and only of one to the host that was asked, so that
 * nothing in an answer decides where the API key goes. The scheme may differ: behind a proxy that ends TLS, Django
 * writes `http:`.
 *
 * @param link as in `next`
 * @returns `undefined` for a link that leads elsewhere
 */
export function queryOfNextPage(link: string, baseUrl: string): Readonly<Record<string, string>> | undefined {
  const url = URL.parse(link, baseUrl);
  if (url === null || url.host !== new URL(baseUrl).host) return undefined;
  return Object.fromEntries(url.searchParams);
}
