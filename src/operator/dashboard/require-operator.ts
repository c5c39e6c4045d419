import type { MiddlewareHandler } from 'hono';
import { RelayError } from '../../errors.ts';
import type { AccessEnv } from '../access/identity.ts';
import { requireRole } from '../access/require-role.ts';

/** `requireRole('operate')`, whose refusal is shown as a page. */
export const requireOperator: MiddlewareHandler<AccessEnv> = async (c, next) => {
  const refusal = await requireRole('operate')(c, next);
  if (refusal instanceof Response)
    throw new RelayError('role_insufficient', 'this needs a token with the role operate');
};
