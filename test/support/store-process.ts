import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Decision } from '../../src/delivery/decide.ts';
import {
  type AppKey,
  notificationIdOf,
  type QueueName,
  queueNameOf,
  recallConsumer,
} from '../../src/delivery/names.ts';
import { encodeDelivery } from '../../src/delivery/stored-delivery.ts';
import { createLog } from '../../src/log.ts';
import { type AttendanceTimes, alwaysAttended } from '../../src/store/attendance.ts';
import { BullStore } from '../../src/store/bull-store.ts';
import { createEmbeddedEngine } from '../../src/store/embedded.ts';
import type { Engine } from '../../src/store/engine.ts';
import { createPostgresEngine } from '../../src/store/postgres.ts';
import { createRedisEngine } from '../../src/store/redis.ts';
import type { ClaimedDelivery, SettledDelivery } from '../../src/store/store.ts';
import { uniqueBody } from './bodies.ts';
import { eventually } from './eventually.ts';

export const longMs = 3_600_000;
/** One look at the start, and then none: whatever is delivered later was told of. */
export const lookOnce: AttendanceTimes = { lookMs: longMs, idleMs: longMs };
export const lookOften: AttendanceTimes = { lookMs: 50, idleMs: 100 };

/** Names that no other test has; unless told otherwise, of more queues than have workers all the time. */
export function newQueues(count = alwaysAttended + 4): readonly QueueName[] {
  const run = randomUUID();
  return Array.from({ length: count }, (_nothing, index) => queueNameOf(`a${run}-${index}` as AppKey, recallConsumer));
}

function createEngine(url: string, workers: number): Engine {
  if (url.startsWith('file:')) return createEmbeddedEngine(url.slice('file:'.length), () => {});
  return url.startsWith('postgres') ? createPostgresEngine(url, workers) : createRedisEngine(url);
}

export interface Process {
  readonly store: BullStore;
  /** Of each queue how many workers it has here at this moment; none is not listed. */
  readonly attended: ReadonlyMap<string, number>;
  /** The queues workers were opened on, each time. */
  readonly opened: readonly string[];
  readonly looks: () => number;
  /** Attempts, in order. */
  readonly claimed: readonly ClaimedDelivery[];
  stop(): Promise<void>;
}

export interface ProcessOptions {
  readonly queues: readonly QueueName[];
  /** Absent: it only adds, as an edge does. */
  readonly times?: AttendanceTimes;
  readonly decide?: (queue: QueueName, attempts: number) => Decision | Promise<Decision>;
  /** Parts of the engine that this process has otherwise. */
  readonly other?: Partial<Engine>;
}

/** A store as one process has it, its workers counted. */
export async function startProcess(url: string, { queues, times, decide, other }: ProcessOptions): Promise<Process> {
  const engine = createEngine(url, times === undefined ? 0 : queues.length);
  const [attended, opened, claimed] = [new Map<string, number>(), [] as string[], [] as ClaimedDelivery[]];
  let looks = 0;
  const count = (name: string, change: number): void => {
    const now = (attended.get(name) ?? 0) + change;
    if (now === 0) attended.delete(name);
    else attended.set(name, now);
  };
  const watched: Engine = {
    ...engine,
    async nextWork(names) {
      const found = await engine.nextWork(names);
      looks += 1;
      return found;
    },
    openWorker(name, processor, options) {
      const worker = engine.openWorker(name, processor, options);
      const close = worker.close.bind(worker);
      opened.push(name);
      count(name, 1);
      worker.close = (force) => {
        count(name, -1);
        return close(force);
      };
      return worker;
    },
    ...other,
  };
  const store = new BullStore(watched, {
    queues,
    apps: [],
    workers: times === undefined ? 0 : queues.length,
    ...(times !== undefined && { attendance: times }),
    log: createLog('silent'),
    allowEviction: false,
    nowMs: () => performance.now(),
    onFatal: () => {},
  });
  const retention = { retainDeliveredMs: longMs, retainDeliveredCount: 1000, retainDeadMs: longMs };
  for (const queue of times === undefined ? [] : queues) {
    store.work(queue, { concurrency: 1, lockMs: 60_000, ...retention }, async (delivery) => {
      claimed.push(delivery);
      const attempts = claimed.filter(({ id }) => id === delivery.id).length;
      return settle((await decide?.(queue, attempts)) ?? { kind: 'done' });
    });
  }
  store.open();
  await eventually('open', () => store.status().ready);
  if (times !== undefined && queues.length > alwaysAttended) await eventually('looked', () => looks > 0);
  return { store, attended, opened, looks: () => looks, claimed, stop: () => store.close() };
}

function settle(decision: Decision): SettledDelivery {
  return { decision, record: { attempt: 1, startedAtMs: 0, durationMs: 0, outcome: 'delivered', worker: 'test' } };
}

/** Adds a delivery nobody has added before. @returns its id */
export async function add(store: BullStore, queue: QueueName): Promise<string> {
  const body = uniqueBody();
  const data = encodeDelivery({ body, headers: {}, receivedAtMs: 0, secretId: '' });
  const id = notificationIdOf(body);
  expect(await store.add([{ queue, id, label: 'meeting.created', data, sizeBytes: body.length }])).toEqual([true]);
  return id;
}

export async function delivered(store: BullStore, queue: QueueName, count = 1): Promise<void> {
  await eventually('delivered', async () => (await store.queueState(queue)).delivered >= count);
}
