import type { MiddlewareHandler } from 'hono';
import { errorResponse } from '../../http-error.ts';
import type { AccessEnv, OperatorRole } from './identity.ts';

/** Comes after `authenticate`. Who may `operate` may `read`. */
export function requireRole(role: OperatorRole): MiddlewareHandler<AccessEnv> {
  return async (c, next) => {
    const { role: own } = c.get('identity');
    if (own === 'operate' || own === role) return next();
    return errorResponse(c, 'role_insufficient', `this needs a token with the role ${role}`);
  };
}
