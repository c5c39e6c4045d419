import type { MiddlewareHandler } from 'hono';

interface FirstResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: ArrayBuffer;
}

interface Entry {
  readonly startedAtMs: number;
  /** `undefined` while the first request is being answered. */
  response: FirstResponse | undefined;
}

const keptMs = 60 * 60_000;

/**
 * `Idempotency-Key`: for an hour, the same key on the same path gets the first response again, also a failure; 409
 * while the first is being answered. What is asked is not compared.
 *
 * @see https://docs.recall.ai/reference/idempotency
 */
export function createIdempotency(nowMs: () => number): MiddlewareHandler {
  const entries = new Map<string, Entry>();
  return async (c, next) => {
    const key = c.req.header('idempotency-key');
    if (key === undefined) return next();
    const id = `${c.req.path} ${key}`;
    const known = entries.get(id);
    if (known !== undefined && nowMs() < known.startedAtMs + keptMs) {
      if (known.response === undefined)
        return c.json({ detail: 'A request with this idempotency key is in progress.' }, 409);
      return new Response(known.response.body, known.response);
    }
    const entry: Entry = { startedAtMs: nowMs(), response: undefined };
    entries.set(id, entry);
    await next();
    const { status, headers } = c.res;
    entry.response = { status, headers, body: await c.res.clone().arrayBuffer() };
  };
}
