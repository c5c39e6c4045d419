import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Decision } from '../src/delivery/decide.ts';
import type { QueueName } from '../src/delivery/names.ts';
import { alwaysAttended } from '../src/store/attendance.ts';
import { engines, type TestStore } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { stopAfterEach } from './support/keep.ts';
import { startPostgres } from './support/postgres-server.ts';
import { startRedis } from './support/redis-server.ts';
import {
  add,
  delivered,
  longMs,
  lookOften,
  lookOnce,
  newQueues,
  type Process,
  type ProcessOptions,
  startProcess,
} from './support/store-process.ts';

describe.each(engines)('more queues than have workers all the time, on $engine', ({ engine, createStore }) => {
  const keep = stopAfterEach();
  let folder: TestStore;
  let queues: readonly QueueName[];
  let queue: QueueName;

  beforeEach(async () => {
    folder = await createStore();
    await keep({ stop: folder.remove });
    queues = newQueues();
    queue = queues[7] as QueueName;
  });

  const start = (options: Omit<ProcessOptions, 'queues'> = {}): Promise<Process> => {
    return keep(startProcess(folder.url, { queues, ...options }));
  };

  test('a queue that is idle has no worker; what the same process adds is delivered without a look', async () => {
    const one = await start({ times: lookOnce });
    expect([...one.attended]).toEqual([]);
    await add(one.store, queue);
    await delivered(one.store, queue);
    expect([...one.attended]).toEqual([[queue, 1]]);
    expect(one.looks()).toBe(1);
  });

  test('workers go when there is no work, and come back', async () => {
    const one = await start({ times: lookOften });
    for (const count of [1, 2, 3]) {
      await add(one.store, queue);
      await delivered(one.store, queue, count);
      await eventually('gone', () => one.attended.size === 0);
    }
    expect(one.opened.filter((name) => name === queue).length).toBeGreaterThanOrEqual(3);
    expect(one.claimed).toHaveLength(3);
  });

  test('what waited before the process started is found', async () => {
    const before = await startProcess(folder.url, { queues });
    await add(before.store, queue);
    await before.stop();
    const one = await start({ times: lookOnce });
    await delivered(one.store, queue);
    expect([...one.attended.keys()]).toEqual([queue]);
  });

  test('a retry that is due later has no worker meanwhile, and one in time', async () => {
    const decide = (_queue: QueueName, attempts: number): Decision =>
      attempts === 1 ? { kind: 'retry', delayMs: 4000 } : { kind: 'done' };
    const one = await start({ times: lookOften, decide });
    await add(one.store, queue);
    await eventually('delayed, and nobody there', async () => {
      return one.attended.size === 0 && (await one.store.queueState(queue)).delayed === 1;
    });
    await delivered(one.store, queue);
    expect(one.claimed).toHaveLength(2);
  });

  test('a queue that is held for long, and one that is paused, have no worker; resumed, it has', async () => {
    const held = queues[9] as QueueName;
    const decide = (name: QueueName): Decision =>
      name === held ? { kind: 'hold', delayMs: longMs } : { kind: 'done' };
    const one = await start({ times: lookOften, decide });
    await one.store.pause(queue);
    await add(one.store, queue);
    await add(one.store, held);
    await eventually('held', () => one.claimed.length === 1);
    await eventually('nobody there', () => one.attended.size === 0);
    expect(await one.store.queueState(queue)).toMatchObject({ waiting: 1, isPaused: true });
    expect(await one.store.queueState(held)).toMatchObject({ waiting: 1 });
    await one.store.resume(queue);
    await delivered(one.store, queue);
  });

  test('all queues at once: none waits for another, also not for one that hangs', async () => {
    const { promise: hanging, resolve } = Promise.withResolvers<Decision>();
    const decide = (name: QueueName) => (name === queue ? hanging : ({ kind: 'done' } as const));
    const one = await start({ times: lookOnce, decide });
    for (const name of [queue, queue, queue]) await add(one.store, name);
    await eventually('it hangs', () => one.claimed.length === 1);
    const others = queues.filter((name) => name !== queue);
    await Promise.all(others.map((name) => add(one.store, name)));
    for (const name of others) await delivered(one.store, name);
    resolve({ kind: 'done' });
    await delivered(one.store, queue, 3);
    expect(one.attended.size).toBe(queues.length);
  });

  test('stopped, all workers are closed, also those that are opening, and none comes any more; others are told', async () => {
    const announced: string[] = [];
    const one = await start({ times: lookOften, other: { announce: async (name) => void announced.push(name) } });
    await add(one.store, queue);
    await delivered(one.store, queue);
    const adding = queues.map((name) => add(one.store, name));
    await Promise.all(adding);
    await one.store.stopWorkers();
    expect([...one.attended]).toEqual([]);
    expect(announced).toEqual([]); // it saw to them itself
    const opened = one.opened.length;
    await add(one.store, queue);
    expect(announced).toEqual([queue]);
    await one.store.stopWorkers();
    await one.stop();
    expect(one.opened).toHaveLength(opened);
  });

  test('with as many as have workers all the time, all have one at once, and nobody looks', async () => {
    const few = newQueues(alwaysAttended);
    const one = await keep(startProcess(folder.url, { queues: few, times: lookOften }));
    await eventually('all there', () => one.attended.size === few.length);
    await add(one.store, few[3] as QueueName);
    await delivered(one.store, few[3] as QueueName);
    expect(one.attended.size).toBe(few.length);
    expect(one.looks()).toBe(0);
  });

  if (engine !== 'embedded') {
    describe('several processes', () => {
      test('what another process adds is told of', async () => {
        const [one, edge] = [await start({ times: lookOnce }), await start()];
        // Nobody says when a process has begun to hear.
        await eventually('delivered', async () => {
          await add(edge.store, queue);
          return (await edge.store.queueState(queue)).delivered > 0;
        });
        expect([...one.attended]).toEqual([[queue, 1]]);
        expect(one.looks()).toBe(1);
      });

      test('what another process resumes, or puts back, is told of', async () => {
        const [died, paused] = [queues[1] as QueueName, queues[2] as QueueName];
        const edge = await start();
        const first = await startProcess(folder.url, {
          queues,
          times: lookOnce,
          decide: () => ({ kind: 'dead', reason: 'corrupt' }),
        });
        const id = await add(first.store, died);
        await eventually('dead', async () => (await first.store.queueState(died)).dead === 1);
        await first.stop();
        await edge.store.pause(paused);
        await add(edge.store, paused);
        const one = await start({ times: lookOnce });
        expect([...one.attended]).toEqual([]);
        const mark = { replayId: randomUUID(), atMs: Date.now(), resign: false };
        await eventually('both delivered', async () => {
          await edge.store.resume(paused);
          await edge.store.replay(died, id, mark, false);
          const states = await Promise.all([died, paused].map((name) => edge.store.queueState(name)));
          return states.every((state) => state.delivered === 1);
        });
      });

      test('what was not heard is found by a look', async () => {
        const [one, edge] = [await start({ times: lookOften, other: { hear: () => {} } }), await start()];
        await add(edge.store, queue);
        await delivered(edge.store, queue);
        await eventually('gone', () => one.attended.size === 0);
      });

      test('a delivery whose worker was killed is taken over', async () => {
        const edge = await start();
        const id = await add(edge.store, queue);
        await abandon(folder.url, queue, id);
        expect(await edge.store.queueState(queue)).toMatchObject({ waiting: 0, active: 1 });
        const one = await start({ times: lookOften });
        await delivered(edge.store, queue);
        expect(one.claimed.map((claim) => claim.id)).toEqual([id]);
        await eventually('gone', () => one.attended.size === 0);
      });

      test.each([
        ['fails', () => Promise.reject(new Error('NOPERM'))],
        ['hangs', () => new Promise<void>(() => {})],
      ])('what is added while telling of it %s is acknowledged, and found by a look', async (_what, announce) => {
        await start({ times: lookOften, other: { hear: () => {} } });
        const edge = await start({ other: { announce } });
        await add(edge.store, queue);
        await delivered(edge.store, queue);
      });
    });
  }
});

/** Leaves a delivery as a worker does that was killed, once its lock has expired. */
async function abandon(url: string, queue: QueueName, id: string): Promise<void> {
  if (url.startsWith('redis')) {
    const client = new Redis(url);
    await client.lmove(`zoom-relay:${queue}:wait`, `zoom-relay:${queue}:active`, 'RIGHT', 'LEFT');
    client.disconnect();
    return;
  }
  const client = new Client({ connectionString: url });
  await client.connect();
  const text = `UPDATE bullmq.job SET state = 'active', lock_token = 'gone', locked_until_ms = 1 WHERE queue = $1 AND id = $2`;
  await client.query(text, [queue, id]);
  await client.end();
}

describe('more queues than have workers all the time, and a store that is killed and started again', () => {
  const keep = stopAfterEach();
  const servers = [
    ['Redis', async () => keep(startRedis()).then((redis) => ({ process: redis.process, url: redis.url }))],
    [
      'PostgreSQL',
      async () => keep(startPostgres()).then((pg) => ({ process: pg.process, url: pg.urlOf('postgres') })),
    ],
  ] as const;

  test.each(servers)('%s: what another process adds is heard of again', async (_name, startServer) => {
    const { process, url } = await startServer();
    const queues = newQueues();
    const one = await keep(startProcess(url, { queues, times: lookOnce }));
    const edge = await keep(startProcess(url, { queues }));
    await process.end('SIGQUIT');
    await eventually('found away', () => !one.store.status().ready && !edge.store.status().ready);
    await process.start();
    await eventually('found back', () => one.store.status().ready && edge.store.status().ready);
    const [queue] = queues as [QueueName];
    await eventually('delivered', async () => {
      await add(edge.store, queue);
      return (await edge.store.queueState(queue)).delivered > 0;
    });
    expect(one.looks()).toBe(1);
  });

  test.each(servers)('%s: workers that were there go on, and looks find what is due', async (_name, startServer) => {
    const { process, url } = await startServer();
    const queues = newQueues();
    const [retried, waiting] = queues as [QueueName, QueueName];
    const decide = (_queue: QueueName, attempts: number): Decision =>
      attempts === 1 ? { kind: 'retry', delayMs: 100 } : { kind: 'done' };
    const edge = await keep(startProcess(url, { queues }));
    const one = await keep(startProcess(url, { queues, times: lookOften, decide, other: { hear: () => {} } }));
    await edge.store.pause(waiting);
    await add(edge.store, waiting);
    await add(one.store, retried);
    await eventually('attempted', () => one.claimed.length > 0);
    await process.end('SIGQUIT');
    await eventually('found away', () => !one.store.status().ready && !edge.store.status().ready);
    await process.start();
    await eventually('found back', () => one.store.status().ready && edge.store.status().ready);
    await edge.store.resume(waiting);
    for (const queue of [retried, waiting]) await delivered(edge.store, queue);
  });
});

describe('connections', () => {
  const keep = stopAfterEach();

  async function attendAll(url: string): Promise<void> {
    const queues = newQueues();
    const one = await keep(startProcess(url, { queues, times: lookOnce }));
    await Promise.all(queues.map((queue) => add(one.store, queue)));
    await Promise.all(queues.map((queue) => delivered(one.store, queue)));
    expect(one.attended.size).toBe(queues.length);
  }

  test('on postgres, one listens for all workers that are there', async () => {
    const postgres = await keep(startPostgres());
    await attendAll(postgres.urlOf('postgres'));
    const text = `SELECT application_name AS name, query FROM pg_stat_activity WHERE application_name LIKE 'zoom-relay%'`;
    const connections = (await postgres.query(text)) as { readonly query: string }[];
    expect(connections.filter(({ query }) => query.includes('LISTEN'))).toHaveLength(1);
    expect(connections.length).toBeLessThanOrEqual(4 + 12 + 1);
  });

  test('on redis, a process whose queues are idle has three', async () => {
    const redis = await keep(startRedis());
    await keep(startProcess(redis.url, { queues: newQueues(), times: lookOnce }));
    const lines = String(await redis.command('CLIENT', 'LIST'))
      .trim()
      .split('\n');
    const names = lines.map((line) => / name=(\S*)/.exec(line)?.[1]).filter(Boolean);
    expect(names.toSorted()).toEqual(['zoom-relay-add', 'zoom-relay-hear', 'zoom-relay-work']);
  });
});
