import { setTimeout as delay } from 'node:timers/promises';
import { createRedisBackend, type JobJson, withBackend } from 'bullmq';
import { Cluster, Redis } from 'ioredis';
import type { AttemptRecord } from '../delivery/attempt.ts';
import type { StoredDelivery } from '../delivery/stored-delivery.ts';
import { RelayError } from '../errors.ts';
import { describeError } from '../log.ts';
import { CoalescingRedis } from './coalescing-redis.ts';
import type {
  BullQueue,
  BullQueueOptions,
  BullWorkerOptions,
  DeliveryJob,
  DeliveryProcessor,
  Engine,
  NewJob,
} from './engine.ts';
import { type Finding, judgeRedis, parseRedisInfo } from './findings.ts';
import type { DeliveryQuery, NewReplayMark } from './kept-delivery.ts';
import { dayMinutes } from './minutes.ts';
import { AddingQueue } from './redis-add.ts';
import { locateDeliveries, readKeptDelivery } from './redis-deliveries.ts';
import { RedisIndexes } from './redis-index.ts';
import { countIntake, forgetOldMinutes, readIntake, readQueueAccount } from './redis-ledger.ts';
import { readNextWork } from './redis-next-work.ts';
import { readQueueState } from './redis-queue-state.ts';
import { openRecordKeys } from './redis-records.ts';
import { RedisRecounts } from './redis-recount.ts';
import { replayDelivery } from './redis-replay.ts';
import { scanDeliveries } from './redis-search.ts';
import { parseRedisUrl, type RedisTarget } from './redis-url.ts';
import { runScript } from './run-script.ts';

type Client = Redis | Cluster;

const { Worker } = withBackend(createRedisBackend);

/**
 * BullMQ cannot take a job whose data is not JSON and would try for ever: such data is replaced by a readable remark.
 * And it asks again at once after an answer such as OOM or READONLY: here after a pause.
 */
class TolerantWorker extends Worker<StoredDelivery, AttemptRecord> {
  protected override async moveToActive(token: string, name?: string): Promise<DeliveryJob> {
    try {
      return await super.moveToActive(token, name);
    } catch (error) {
      await delay(pauseAfterErrorMs);
      throw error;
    }
  }

  protected override createJob(job: JobJson, id: string): DeliveryJob {
    try {
      return super.createJob(job, id);
    } catch (error) {
      if (error instanceof SyntaxError) return super.createJob({ ...job, data: '"not JSON"' }, id);
      throw error;
    }
  }
}

/** All keys begin with it, so that the relay can share a Redis. */
const prefix = 'zoom-relay';
const maxReconnectDelayMs = 1000;
const pauseAfterErrorMs = 1000;
/** Queues that one script looks at: some tenths of a millisecond in which Redis does nothing else. */
const lookedAtAtOnce = 100;

/** A key beside or of a BullMQ queue, in the queue's hash slot. */
function keyOf(queueName: string, name: string): string {
  return `${prefix}:${queueName}:${name}`;
}

function intakeKeyOf(app: string): string {
  return `${prefix}:{${app}}:intake`;
}

/** An absent key counts as the empty text. */
const compareAndSwap = `
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1`;

/**
 * Redis, Valkey or Dragonfly, single, behind Sentinel, or a Cluster.
 *
 * Two connections, because a blocking or busy worker must not hold up an acknowledgement: one that only adds, one that
 * workers share; each worker makes one more for itself, to block on; where they come and go, one hears when. Commands wait through an outage instead of failing
 * (`maxRetriesPerRequest: null`): BullMQ's objects would not survive a failed first command, and whether to wait is
 * decided at the edge, by `obstacle()` and the acknowledgement deadline.
 */
export function createRedisEngine(url: string): Engine {
  const target = parseRedisUrl(url);
  if (target === undefined) throw new RelayError('store_unsupported', 'STORE_URL is no Redis URL that is understood');
  let clients: { readonly adding: Client; readonly working: Client } | undefined;
  /** Only where workers come and go. */
  let hearing: Client | undefined;
  const channel = `${prefix}:work:${target.kind === 'cluster' ? 0 : (target.options.db ?? 0)}`; // shared by all databases
  const closing = new AbortController();
  const recounts = new RedisRecounts(() => connected().working, Date.now, closing.signal);
  const indexes = new RedisIndexes(() => connected().working, recounts);
  let lastError = 'it does not answer';

  function open(name: string): Client {
    const client = createClient(target as RedisTarget, name);
    client.setMaxListeners(0); // each queue and worker listens for errors of its own
    client.on('error', (error) => {
      lastError = describeError(error).message;
    });
    return client;
  }

  return {
    name: 'redis',
    batchesInFlight: 4,
    removesAsJobsFinish: true,
    removeExpired: (queueName: string) => indexes.tidy(keyOf(queueName, '')),

    async connect() {
      clients ??= { adding: open('zoom-relay-add'), working: open('zoom-relay-work') };
      const both = [clients.adding, clients.working];
      await Promise.all(both.map((client) => whenReady(client, closing.signal)));
      if (target.kind !== 'cluster')
        await Promise.all(both.map((client) => selectDatabase(client, target.options.db ?? 0)));
    },

    obstacle() {
      return clients?.adding.status === 'ready' ? undefined : `Redis cannot be reached (${lastError})`;
    },

    openQueue(name: string, options: BullQueueOptions) {
      return new AddingQueue(name, { ...options, connection: connected().adding, prefix });
    },

    openWorker(name: string, processor: DeliveryProcessor, options: BullWorkerOptions) {
      return new TolerantWorker(name, processor, {
        ...options,
        metrics: { maxDataPoints: dayMinutes },
        connection: connected().working,
        prefix,
      });
    },

    nextWork: (queueNames: readonly string[]) => {
      const { working } = connected();
      const prefixes = queueNames.map((name) => keyOf(name, ''));
      return readNextWork(working, prefixes, working instanceof Redis ? lookedAtAtOnce : 1, Date.now());
    },

    async announce(queueName: string) {
      await connected().working.publish(channel, queueName);
    },

    hear(onAnnounced: (queueName: string) => void, onError: (error: unknown) => void) {
      hearing ??= open('zoom-relay-hear');
      hearing.on('message', (_channel: string, queueName: string) => onAnnounced(queueName));
      hearing.subscribe(channel).catch(onError); // ioredis subscribes again after an outage
    },

    async add(queue: BullQueue, queueName: string, jobs: readonly NewJob[]) {
      if (!(queue instanceof AddingQueue)) throw new RelayError('internal', 'a queue of another engine');
      return queue.addAndMark(connected().adding, keyOf(queueName, ''), jobs, Date.now());
    },

    account: (queueName: string) => readQueueAccount(connected().adding, keyOf(queueName, ''), Date.now()),

    queueState: (queueName: string) => readQueueState(connected().adding, keyOf(queueName, '')),

    scan: (queueName: string, query: DeliveryQuery) => {
      return scanDeliveries(connected().working, keyOf(queueName, ''), query);
    },

    delivery: (queueName: string, id: string) => readKeptDelivery(connected().working, keyOf(queueName, ''), id),

    whereabouts: (queueName: string, ids: readonly string[]) => {
      return locateDeliveries(connected().working, keyOf(queueName, ''), ids);
    },

    replay: (queueName: string, id: string, mark: NewReplayMark, isForced: boolean) => {
      return replayDelivery(connected().working, keyOf(queueName, ''), id, mark, isForced);
    },

    async recount(queueName: string) {
      recounts.begin(keyOf(queueName, ''));
    },

    countIntake: (app: string, counts: Readonly<Record<string, number>>) => {
      return countIntake(connected().adding, intakeKeyOf(app), counts, Date.now());
    },

    intake: (app: string) => readIntake(connected().adding, intakeKeyOf(app), Date.now()),

    async forgetOldMinutes(queueNames: readonly string[], apps: readonly string[]) {
      const keys = [...queueNames.map((name) => keyOf(name, 'ledger')), ...apps.map(intakeKeyOf)];
      await Promise.all(keys.map((key) => forgetOldMinutes(connected().adding, key, Date.now())));
    },

    sharedText(queueName: string, name: string) {
      const key = keyOf(queueName, name);
      return {
        read: async () => (await connected().working.get(key)) ?? undefined,
        swap: async (expected: string | undefined, next: string) => {
          return (await runScript(connected().working, compareAndSwap, 1, key, expected ?? '', next)) === 1;
        },
      };
    },

    records: (space: string) =>
      openRecordKeys(() => connected().working, keyOf(`{records.${space}}`, 'record'), Date.now),

    async inspect() {
      const findings = await Promise.all(primaries(connected().adding).map(inspectNode));
      return findings.flat();
    },

    async ping() {
      await Promise.all([connected().adding.ping(), connected().working.ping()]);
    },

    async probeWrite() {
      await connected().adding.set(`${prefix}:probe`, Date.now());
    },

    reset() {
      clients?.adding.disconnect(true);
      clients?.working.disconnect(true);
      hearing?.disconnect(true);
    },

    async close() {
      closing.abort();
      clients?.adding.disconnect();
      clients?.working.disconnect();
      hearing?.disconnect();
    },
  };

  function connected(): { readonly adding: Client; readonly working: Client } {
    if (clients === undefined) throw new RelayError('store_unavailable', 'Redis is not connected yet');
    return clients;
  }
}

/** Every node that takes writes. */
function primaries(client: Client): readonly Redis[] {
  return client instanceof Redis ? [client] : client.nodes('master');
}

async function inspectNode(node: Redis): Promise<readonly Finding[]> {
  const info = parseRedisInfo(await node.info());
  const settings = await node.config('GET', 'append*', 'save').catch(() => undefined); // managed services forbid it
  return judgeRedis(info, settings === undefined ? undefined : pairs(settings));
}

/** `[name, value, name, value]`, as Redis lists settings, or a map of them. */
function pairs(list: unknown): ReadonlyMap<string, string> {
  const flat = Array.isArray(list)
    ? list.map(String)
    : Object.entries(list ?? {})
        .flat()
        .map(String);
  return new Map(flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? ''] as const] : [])));
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
  return new CoalescingRedis({ ...shared, retryStrategy: retryDelayMs, sentinelRetryStrategy: retryDelayMs });
}

/** ioredis goes on with database 0 when the one asked for does not exist: somebody else's keys. */
async function selectDatabase(client: Client, db: number): Promise<void> {
  try {
    await client.select(db);
  } catch (cause) {
    throw new RelayError(
      'store_unsupported',
      `Redis has no database ${db}: change the number at the end of STORE_URL`,
      { cause },
    );
  }
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
