import type { AppKey } from '../../delivery/names.ts';
import type { Outcome } from '../../delivery/outcome.ts';
import { RelayError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { parseEvent } from '../../zoom/parse-event.ts';
import type { IntactDelivery, Reached, Target } from '../ports.ts';
import type { HandlerContext } from './define-handlers.ts';
import { isGiveUp } from './give-up.ts';
import type { LocalHandler } from './read-handlers.ts';

/** How much of a thrown message is kept with the attempt, and of a reason to give up, characters. */
const keptMessageLength = 1024;
const keptReasonLength = 200;

/** A handler as a target: parse → run, for no longer than it may take → interpret how it ended. */
export function createHandlerTarget(handler: LocalHandler, app: AppKey, log: Log): Target {
  const closing = new AbortController();
  return {
    async deliver(delivery) {
      const parsed = parseEvent(delivery.content.body);
      if (parsed.kind === 'unreadable') return { outcome: parsed };
      const reached = await runInTime(handler, closing.signal, (signal) => {
        return handler.handle(parsed.event, contextOf(delivery, app, signal, childLog(log, handler, app, delivery)));
      });
      if (reached.outcome.kind === 'delivered' || !closing.signal.aborted) return reached;
      throw new RelayError('shutting_down', 'the handler was interrupted because the relay stops');
    },
    async close() {
      closing.abort(new RelayError('shutting_down', 'the relay stops'));
    },
  };
}

function contextOf(delivery: IntactDelivery, app: AppKey, signal: AbortSignal, log: Log): HandlerContext {
  const { id, attempt, content } = delivery;
  return {
    app,
    notificationId: id,
    attempt,
    receivedAt: new Date(content.receivedAtMs),
    body: content.body,
    signal,
    log,
  };
}

function childLog(log: Log, { key }: LocalHandler, app: AppKey, { id, attempt }: IntactDelivery): Log {
  return log.child({ event: 'handler', app, consumer: key, notificationId: id, attempt });
}

/** A handler that does not heed its signal goes on by itself; what it then does is not waited for. */
async function runInTime(
  { timeoutMs }: LocalHandler,
  closing: AbortSignal,
  run: (signal: AbortSignal) => unknown,
): Promise<Reached> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new DOMException('the handler took too long', 'TimeoutError')), timeoutMs);
  const signal = AbortSignal.any([late.signal, closing]);
  const ended = Promise.withResolvers<Reached>();
  signal.addEventListener('abort', () => ended.resolve({ outcome: { kind: 'unavailable', error: 'timeout' } }), {
    once: true,
  });
  const running = Promise.resolve()
    .then(() => run(signal))
    .then((): Reached => ({ outcome: { kind: 'delivered' } }), reachedByThrow);
  try {
    return await Promise.race([running, ended.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The message stays with the attempt, for operators; only the error's code or name goes to the log. */
function reachedByThrow(error: unknown): Reached {
  if (isGiveUp(error)) return { outcome: { kind: 'gave_up', reason: error.message.slice(0, keptReasonLength) } };
  const message = error instanceof Error ? error.message : `threw ${typeof error}, not an Error`;
  const outcome: Outcome = { kind: 'failed', error: codeOf(error) };
  // PostgreSQL's jsonb takes no NUL.
  return { outcome, response: message.slice(0, keptMessageLength).replaceAll('\0', '\uFFFD') };
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return ('code' in error && typeof error.code === 'string' ? error.code : error.name).slice(0, 100);
}
