import type { Context } from 'hono';

/** One documented call of the API. `:id` in a path is a uuid. */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** Which of the documented limits per minute holds. */
  readonly limit: 'lists' | 'others';
  readonly answer: (c: Context) => Response | Promise<Response>;
}

export function notFound(c: Context): Response {
  return c.json({ detail: 'Not found.' }, 404);
}
