import { isIP } from 'node:net';
import type { MiddlewareHandler } from 'hono';
import { errorResponse } from '../../http-error.ts';

/**
 * Answers 421 to requests for a host this server is not known by, so that a page of somebody's whose name is made to
 * resolve to this address (DNS rebinding) gets nothing. Known are IP addresses, which cannot be rebound, `localhost`
 * and the names given, each with any port.
 *
 * @param names in lower case
 */
export function requireKnownHost(names: readonly string[]): MiddlewareHandler {
  return async (c, next) => {
    const host = hostNameOf(c.req.header('host') ?? '');
    if (host !== undefined && (host === 'localhost' || isIP(host) !== 0 || names.includes(host))) return next();
    return errorResponse(c, 'host_refused', 'not known by this host name: add it to OPERATOR_PUBLIC_HOST');
  };
}

/** Without port and brackets; `undefined` for what is no host. */
function hostNameOf(header: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/.exec(header.toLowerCase()) ?? [];
  return bracketed === undefined ? plain : isIP(bracketed) === 6 ? bracketed : undefined;
}
