import { hash } from 'node:crypto';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** An app's key in routes, queue names and logs: `default`, `acme`. */
export type AppKey = Branded<'AppKey'>;
/** A consumer's key: `recall`, `directory`, the name of an HTTP consumer, `on-meeting-created` for a handler. */
export type ConsumerKey = Branded<'ConsumerKey'>;
/** The first 32 hex digits of SHA-256 over the raw body. Job id, idempotency key, what operators copy. */
export type NotificationId = Branded<'NotificationId'>;
/** The BullMQ queue of one (app, consumer). */
export type QueueName = Branded<'QueueName'>;

const keyPattern = /^[a-z0-9][a-z0-9_-]{0,39}$/;
/** For error messages. */
export const keyRule = '1 to 40 of a-z 0-9 - _, the first a letter or digit';

export function parseAppKey(text: string): AppKey | undefined {
  return keyPattern.test(text) ? (text as AppKey) : undefined;
}

const consumerKeyPattern = /^[a-z0-9][a-z0-9_-]{0,59}$/;
/** For error messages. */
export const consumerKeyRule = '1 to 60 of a-z 0-9 - _, the first a letter or digit';

export function parseConsumerKey(text: string): ConsumerKey | undefined {
  return consumerKeyPattern.test(text) ? (text as ConsumerKey) : undefined;
}

/** The consumer every notification of every app goes to. */
export const recallConsumer = 'recall' as ConsumerKey;
/** The built-in handler that keeps the directory. */
export const directoryConsumer = 'directory' as ConsumerKey;
/** The built-in handler that ends connections whose app was removed at Zoom. */
export const connectionsConsumer = 'connections' as ConsumerKey;
/** Begins the key of every handler that has no name of its own, and of no other consumer. */
export const handlerPrefix = 'on-';

/** Whether a key is the product's own, so that nobody else can take it. */
export function isReservedConsumer(key: ConsumerKey): boolean {
  return key === recallConsumer || key === directoryConsumer || key === connectionsConsumer;
}

/**
 * Identifies a notification by what it says: Zoom's own retries (same bytes, new timestamp and signature) and
 * overlapping subscriptions get the same id, and so fold into one delivery per consumer.
 */
export function notificationIdOf(body: Uint8Array): NotificationId {
  return hash('sha256', body, 'hex').slice(0, 32) as NotificationId;
}

/**
 * The queue of one (app, consumer): `{acme.recall}`. The braces make it a Redis Cluster hash tag, so that all keys of
 * one queue lie in one slot, and different queues spread over the cluster. Keys hold no dot, so the name is unambiguous.
 */
export function queueNameOf(app: AppKey, consumer: ConsumerKey): QueueName {
  return `{${app}.${consumer}}` as QueueName;
}
