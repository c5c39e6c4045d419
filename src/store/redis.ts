import { createRedisBackend, withBackend } from 'bullmq';
import { Cluster, Redis } from 'ioredis';
import { RelayError } from '../errors.ts';
import { describeError } from '../log.ts';
import type { BullQueue, BullQueueOptions, BullWorkerOptions, DeliveryProcessor, Engine } from './engine.ts';
import { parseRedisUrl, type RedisTarget } from './redis-url.ts';

type Client = Redis | Cluster;

const { Queue, Worker } = withBackend(createRedisBackend);

/** All keys begin with it, so that the relay can share a Redis. */
const prefix = 'zoom-relay';
const maxReconnectDelayMs = 1000;

/**
 * Redis, Valkey or Dragonfly, single, behind Sentinel, or a Cluster.
 *
 * Two connections, because a blocking or busy worker must not hold up an acknowledgement: one that only adds, one that
 * workers share; each worker makes a third for itself, to block on. Commands wait through an outage instead of failing
 * (`maxRetriesPerRequest: null`): BullMQ's objects would not survive a failed first command, and whether to wait is
 * decided at the edge, by `obstacle()` and the acknowledgement deadline.
 */
export function createRedisEngine(url: string): Engine {
  const target = parseRedisUrl(url);
  if (target === undefined) throw new RelayError('store_unsupported', 'STORE_URL is no Redis URL that is understood');
  let clients: { readonly adding: Client; readonly working: Client } | undefined;
  const closing = new AbortController();
  let lastError = 'not connected yet';

  function open(name: string): Client {
    const client = createClient(target as RedisTarget, name);
    client.on('error', (error) => {
      lastError = describeError(error).message;
    });
    return client;
  }

  return {
    name: 'redis',
    batchesInFlight: 4,

    async connect() {
      clients ??= { adding: open('zoom-relay-add'), working: open('zoom-relay-work') };
      await Promise.all([whenReady(clients.adding, closing.signal), whenReady(clients.working, closing.signal)]);
    },

    obstacle() {
      if (clients?.adding.status === 'ready') return undefined;
      return `Redis is ${clients?.adding.status ?? 'not connected'} (${lastError})`;
    },

    openQueue(name: string, options: BullQueueOptions) {
      return new Queue(name, { ...options, connection: connected().adding, prefix });
    },

    openWorker(name: string, processor: DeliveryProcessor, options: BullWorkerOptions) {
      return new Worker(name, processor, { ...options, connection: connected().working, prefix });
    },

    async jobNames(queue: BullQueue, _queueName: string, ids: readonly string[]) {
      const pipeline = connected().adding.pipeline();
      for (const id of ids) pipeline.hget(queue.toKey(id), 'name');
      const replies = (await pipeline.exec()) ?? [];
      const names = new Map<string, string>();
      for (const [index, id] of ids.entries()) {
        const [error, name] = replies[index] ?? [];
        if (error) throw error;
        if (typeof name === 'string') names.set(id, name);
      }
      return names;
    },

    async ping() {
      await Promise.all([connected().adding.ping(), connected().working.ping()]);
    },

    reset() {
      clients?.adding.disconnect(true);
      clients?.working.disconnect(true);
    },

    async close() {
      closing.abort();
      clients?.adding.disconnect();
      clients?.working.disconnect();
    },
  };

  function connected(): { readonly adding: Client; readonly working: Client } {
    if (clients === undefined) throw new RelayError('store_unavailable', 'Redis is not connected yet');
    return clients;
  }
}

function createClient(target: RedisTarget, connectionName: string): Client {
  const retryDelayMs = (times: number): number => Math.min(50 * 2 ** Math.min(times, 10), maxReconnectDelayMs);
  const shared = {
    ...target.options,
    connectionName,
    maxRetriesPerRequest: null,
    keepAlive: 10_000,
    // A primary that was demoted answers READONLY: reconnecting finds the new one.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  };
  if (target.kind === 'cluster') {
    return new Cluster([...target.nodes], { redisOptions: shared, clusterRetryStrategy: retryDelayMs });
  }
  return new Redis({ ...shared, retryStrategy: retryDelayMs, sentinelRetryStrategy: retryDelayMs });
}

/** Waits as long as it takes; rejects only when closing (ioredis emits no `end` when closed while reconnecting). */
async function whenReady(client: Client, closing: AbortSignal): Promise<void> {
  if (client.status === 'ready') return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onClosing = (): void => reject(new RelayError('store_unavailable', 'the Redis connection was closed'));
  client.once('ready', resolve);
  closing.addEventListener('abort', onClosing, { once: true });
  try {
    await promise;
  } finally {
    client.off('ready', resolve);
    closing.removeEventListener('abort', onClosing);
  }
}
