import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { uniqueBody } from './support/bodies.ts';
import { eventually } from './support/eventually.ts';
import { stopAfterEach } from './support/keep.ts';
import { type PostgresServer, startPostgres } from './support/postgres-server.ts';
import { type RedisServer, startRedis } from './support/redis-server.ts';
import { startTestRelay, type TestRelay } from './support/test-relay.ts';

const keep = stopAfterEach();

/** `post` gives up after 2 s and throws: an answer at all is an answer in time. */
async function expectTurnedAway(relay: TestRelay): Promise<void> {
  const answer = await relay.post(uniqueBody());
  expect(answer.status).toBe(503);
  expect(answer.headers['retry-after']).toBe('5');
}

/** Sends notifications until one is accepted, then waits until Recall has it. */
async function expectRecovery(relay: TestRelay): Promise<void> {
  const body = await eventually('a notification is accepted again', async () => {
    const candidate = uniqueBody();
    return (await relay.post(candidate)).status === 204 && candidate;
  });
  await relay.recall.seen((request) => request.body.equals(body));
}

describe('Redis', () => {
  async function startBoth(...redisArgs: string[]): Promise<{ redis: RedisServer; relay: TestRelay }> {
    const redis = await keep(startRedis(...redisArgs));
    const relay = await keep(startTestRelay(redis.url));
    expect((await relay.post(uniqueBody())).status).toBe(204);
    return { redis, relay };
  }

  test('frozen: 503 within 2 s for each of many at once, then recovers and loses nothing acknowledged', async () => {
    const { redis, relay } = await startBoth();
    redis.process.signal('SIGSTOP');
    await Promise.all(Array.from({ length: 50 }, () => expectTurnedAway(relay)));
    await expectTurnedAway(relay);
    redis.process.signal('SIGCONT');
    await expectRecovery(relay);
  });

  test('frozen for longer than connections are given to answer: recovers', async () => {
    const { redis, relay } = await startBoth();
    redis.process.signal('SIGSTOP');
    await eventually('found not ready', () => !relay.relay.health().ready);
    await expectTurnedAway(relay);
    await eventually('made anew', () => relay.logged.some(({ event }) => event === 'store_connections_reset'));
    redis.process.signal('SIGCONT');
    await eventually('found ready', () => relay.relay.health().ready);
    await expectRecovery(relay);
  });

  test('killed and started again: 503 meanwhile, what was accepted before arrives', async () => {
    const { redis, relay } = await startBoth();
    const waiting = uniqueBody();
    relay.recall.misbehave((request) => request.socket.destroy());
    expect((await relay.post(waiting)).status).toBe(204);
    await relay.recall.seen((request) => request.body.equals(waiting));
    await redis.process.end('SIGKILL');
    await eventually('found not ready', () => !relay.relay.health().ready);
    await expectTurnedAway(relay);
    await redis.process.start();
    await relay.recall.seen((request) => request.body.equals(waiting) && request.status === 200);
    await expectRecovery(relay);
  });

  test('full with noeviction: 503 until there is room', async () => {
    const { redis, relay } = await startBoth('--maxmemory-policy', 'noeviction');
    await redis.command('CONFIG', 'SET', 'maxmemory', '1mb');
    await expectTurnedAway(relay);
    expect(relay.relay.health()).toMatchObject({ ready: false, reason: expect.stringContaining('OOM') });
    await redis.command('CONFIG', 'SET', 'maxmemory', '0');
    await eventually('ready without any notification', () => relay.relay.health().ready);
    await expectRecovery(relay);
  });

  test('read-only: 503 until it takes writes', async () => {
    const { redis, relay } = await startBoth();
    await redis.command('REPLICAOF', '127.0.0.1', '1');
    await expectTurnedAway(relay);
    await redis.command('REPLICAOF', 'NO', 'ONE');
    await expectRecovery(relay);
  });

  test('down at start: the relay waits, says it is not ready, answers 503, and works once Redis is there', async () => {
    const redis = await keep(startRedis());
    await redis.process.end('SIGKILL');
    const relay = await keep(startTestRelay(redis.url, { awaitReady: false }));
    expect(relay.relay.health()).toMatchObject({ ready: false });
    const readyz = await fetch(new URL('/readyz', relay.endpoint));
    expect(readyz.status).toBe(503);
    expect(await readyz.text()).not.toContain('127.0.0.1');
    await expectTurnedAway(relay);
    await redis.process.start();
    await eventually('ready', () => relay.relay.health().ready);
    await expectRecovery(relay);
  });
});

describe('PostgreSQL', () => {
  async function startBoth(): Promise<{ postgres: PostgresServer; relay: TestRelay }> {
    const postgres = await keep(startPostgres());
    const relay = await keep(startTestRelay(postgres.urlOf('postgres')));
    expect((await relay.post(uniqueBody())).status).toBe(204);
    return { postgres, relay };
  }

  test('killed and started again: 503 meanwhile, then recovers', async () => {
    const { postgres, relay } = await startBoth();
    await postgres.process.end('SIGQUIT');
    await expectTurnedAway(relay);
    await postgres.process.start();
    await expectRecovery(relay);
  });

  test('holding every write back: 503 at the deadline, then recovers', async () => {
    const { postgres, relay } = await startBoth();
    const locker = new Client({ connectionString: postgres.urlOf('postgres') });
    await locker.connect();
    await locker.query('BEGIN');
    await locker.query('LOCK TABLE bullmq.job IN ACCESS EXCLUSIVE MODE');
    await expectTurnedAway(relay);
    await locker.query('COMMIT');
    await locker.end();
    await expectRecovery(relay);
  });

  test.each([0, 1, 2, 3, 4, 5])(
    'with %i connections left at start: the relay waits for more, then works, workers too',
    async (left) => {
      const slots = 12;
      const reserved = ['-c', 'superuser_reserved_connections=0'];
      const postgres = await keep(
        startPostgres('-c', `max_connections=${slots}`, ...reserved, '-c', 'max_wal_senders=0'),
      );
      const taken = Array.from(
        { length: slots - left },
        () => new Client({ connectionString: postgres.urlOf('postgres') }),
      );
      await Promise.all(taken.map((client) => client.connect()));
      const relay = await keep(startTestRelay(postgres.urlOf('postgres'), { awaitReady: false }));
      await eventually('it has been tried', () =>
        relay.logged.some(({ event }) => event === 'store_away' || event === 'store_ready' || event === 'worker_error'),
      );
      await Promise.all(taken.map((client) => client.end()));
      await eventually('ready', () => relay.relay.health().ready);
      await expectRecovery(relay);
    },
  );

  test('a URL with options of its own', async () => {
    const postgres = await keep(startPostgres());
    const relay = await keep(startTestRelay(`${postgres.urlOf('postgres')}?options=-c%20statement_timeout%3D5000`));
    await expectRecovery(relay);
  });

  test('down at start: the relay waits and works once PostgreSQL is there', async () => {
    const postgres = await keep(startPostgres());
    await postgres.process.end('SIGQUIT');
    const relay = await keep(startTestRelay(postgres.urlOf('postgres'), { awaitReady: false }));
    await expectTurnedAway(relay);
    await postgres.process.start();
    await eventually('ready', () => relay.relay.health().ready);
    await expectRecovery(relay);
  });
});
