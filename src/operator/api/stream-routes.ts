import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { matchesEvent, parseEventPattern } from '../../delivery/event-pattern.ts';
import { errorResponse } from '../../http-error.ts';
import type { AccessEnv } from '../access/identity.ts';
import type { LiveTail } from '../live-tail.ts';
import type { ConsumerName } from '../ports.ts';
import { type DeliveryFilter, type DeliveryRow, deliveryFilter } from '../schemas.ts';
import { unknownName } from '../unknown-name.ts';
import { describeIssues } from './route-parts.ts';

/** A comment that keeps proxies from closing the connection, milliseconds. */
const keepAliveMs = 15_000;
/** A reader that is so far behind is let go. */
const maxBehind = 1000;

/**
 * `GET /api/stream`: deliveries as they come and change, as server-sent events; the filter's app, consumer,
 * state and event hold.
 *
 * @param consumers all that are configured
 * @param stopping ends all streams
 */
export function createStreamRoutes(
  tail: Pick<LiveTail, 'listen'>,
  consumers: readonly ConsumerName[],
  stopping: AbortSignal,
): Hono<AccessEnv> {
  const routes = new Hono<AccessEnv>();
  routes.get('/api/stream', (c) => {
    const parsed = deliveryFilter.safeParse(c.req.query());
    if (!parsed.success) return errorResponse(c, 'input_invalid', describeIssues(parsed.error.issues));
    const unknown = unknownName(consumers, parsed.data);
    if (unknown !== undefined) return errorResponse(c, unknown.code, unknown.message);
    const rows: DeliveryRow[] = [];
    let wake = (): void => {};
    const end = tail.listen((row) => {
      if (!isMeant(row, parsed.data)) return;
      rows.push(row);
      wake();
    });
    if (end === undefined) return errorResponse(c, 'overloaded', 'too many listen already; try again later');
    return streamSSE(c, async (stream) => {
      stream.onAbort(() => wake());
      stopping.addEventListener('abort', () => wake());
      await stream.write(': deliveries as they come\n\n');
      while (!stream.aborted && !stopping.aborted && rows.length < maxBehind) {
        const row = rows.shift();
        if (row === undefined) await waitForMore();
        else await stream.writeSSE({ event: 'delivery', data: JSON.stringify(row) });
        if (row === undefined && rows.length === 0) await stream.write(': still here\n\n');
      }
      end();
    });

    function waitForMore(): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, keepAliveMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
      return promise;
    }
  });
  return routes;
}

function isMeant(row: DeliveryRow, { app, consumer, state, event }: DeliveryFilter): boolean {
  const pattern = event === undefined ? undefined : parseEventPattern(event);
  const isEvent = pattern === undefined || matchesEvent([pattern], row.event);
  return (
    (app ?? row.app) === row.app &&
    (consumer ?? row.consumer) === row.consumer &&
    (state ?? row.state) === row.state &&
    isEvent
  );
}
