import type { Context } from 'hono';
import type { AccessEnv } from '../../access/identity.ts';

/** A request behind `authenticate`. */
export type PageContext = Context<AccessEnv>;

/** Whether whoever asks may act; who may not is shown no buttons that act. */
export function mayOperate(c: PageContext): boolean {
  return c.get('identity').role === 'operate';
}

/** Whether htmx asks, which takes a part of a page. */
export function asksForPart(c: PageContext): boolean {
  return c.req.header('hx-request') === 'true';
}
