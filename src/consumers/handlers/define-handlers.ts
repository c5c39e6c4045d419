import type { Log } from '../../log.ts';
import type { KnownEventName, OtherZoomEvent, ZoomEvent } from '../../zoom/events.ts';

/** What a handler is told besides the event. */
export interface HandlerContext {
  /** The app's key: `default`, `acme`. */
  readonly app: string;
  /** The same each time this notification is handled: the idempotency key. 32 hex digits. */
  readonly notificationId: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly receivedAt: Date;
  /** The raw body, byte for byte. */
  readonly body: Uint8Array;
  /** Aborts when the attempt has taken as long as it may (30 s unless told otherwise), or the relay has to stop. */
  readonly signal: AbortSignal;
  /** Adds app, consumer, notificationId and attempt to each line. Do not log bodies or tokens. */
  readonly log: HandlerLog;
}

export type HandlerLog = Pick<Log, 'debug' | 'info' | 'warn' | 'error'>;

/** Returning ends the delivery. A throw has it tried again by the schedule; `throw new GiveUp(reason)` does not. */
export type Handle<Event> = (event: Event, context: HandlerContext) => unknown;

/** A handler with settings of its own. */
export interface HandlerSettings<Event> {
  readonly handle: Handle<Event>;
  /**
   * The consumer's key in queues, logs and metrics; `on-meeting-created` for `meeting.created` unless told otherwise.
   * Needed when an event has several handlers. What is queued stays with the name: do not change it lightly.
   */
  readonly name?: string;
  /** Only notifications of these apps; all of them unless told otherwise. */
  readonly apps?: readonly string[];
  /** Runs at once in each worker process, 1 to 1,000; `DELIVERY_CONCURRENCY` unless told otherwise. */
  readonly concurrency?: number;
  /** Waits between attempts (`['5s', '1m']`), empty for no retries; `RETRY_SCHEDULE` unless told otherwise. */
  readonly retrySchedule?: readonly string[];
  /** For one attempt, 100ms to 10m; `30s` unless told otherwise. */
  readonly timeout?: string;
}

export type HandlerEntry<Event> =
  | Handle<Event>
  | HandlerSettings<Event>
  | readonly (Handle<Event> | HandlerSettings<Event>)[];

/** Handlers by event name, by prefix (`meeting.*`), or for every notification that names an event (`*`). */
export type HandlerMap = { readonly [Name in KnownEventName]?: HandlerEntry<ZoomEvent<Name>> } & {
  readonly [prefix: `${string}.*`]: HandlerEntry<OtherZoomEvent>;
} & { readonly '*'?: HandlerEntry<OtherZoomEvent> };

/** Recognised across copies of this module. */
const mark: unique symbol = Symbol.for('zoom-relay.handlers');

export interface Handlers {
  readonly [mark]: HandlerMap;
}

/**
 * The company's own handlers, to be the default export of the module that `HANDLERS` names. Each handler is a consumer
 * with its own queue, concurrency, schedule, circuit and attempt log; an event may have several, and each runs.
 */
export function defineHandlers(handlers: HandlerMap): Handlers {
  return { [mark]: handlers };
}

/** The map, or `undefined` for anything that `defineHandlers` did not make. */
export function handlerMapOf(value: unknown): object | undefined {
  if (typeof value !== 'object' || value === null || !(mark in value)) return undefined;
  const map = value[mark];
  return typeof map === 'object' && map !== null ? map : undefined;
}
