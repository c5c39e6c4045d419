import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { errorResponse } from '../../http-error.ts';

/** @param what is limited, for the message: `the form` */
export function limitBody(maxBytes: number, what: string): MiddlewareHandler {
  const limit = bodyLimit({
    maxSize: maxBytes,
    onError: (c) => errorResponse(c, 'body_too_large', `${what} must have at most ${maxBytes} bytes`),
  });
  return (c, next) => {
    const { url, method, headers, body } = c.req.raw;
    // Where no length is announced (chunks; a DELETE without a body), bodyLimit makes a new request of the old one, which
    // Node refuses for those of its server's adapter.
    if (body !== null && !headers.has('content-length')) {
      c.req.raw = new Request(url, { method, headers, body, duplex: 'half' });
    }
    return limit(c, next);
  };
}
