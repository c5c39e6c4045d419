import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { errorResponse } from '../http-error.ts';
import type { Secret } from '../secret.ts';

/** Lets only `Authorization: Bearer TOKEN` through; compared in constant time, whatever its length. */
export function requireBearer(token: Secret): MiddlewareHandler {
  const expected = digest(token.reveal());
  return async (c, next) => {
    const [, given = ''] = /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '') ?? [];
    if (timingSafeEqual(digest(given), expected)) return next();
    c.header('www-authenticate', 'Bearer');
    return errorResponse(c, 'token_invalid', 'Authorization: Bearer and the OPERATOR_TOKEN are needed');
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
