import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startRedis } from '../support/redis-server.ts';
import { spawnRelay } from '../support/relay-process.ts';
import { testEnvironment } from '../support/test-relay.ts';
import type { Figure } from './format-figures.ts';

/** Longer than all that is done once at start or every half minute. */
const settleMs = 35_000;
const watchedSec = 120;
/** Recall's and the directory's. */
const queues = 2;

/** What an idle relay with one app and all roles asks of a Redis. */
export async function benchIdle(say: (line: string) => void): Promise<readonly Figure[]> {
  const redis = await startRedis();
  const url = `redis://127.0.0.1:${redis.port}/0`;
  const env = testEnvironment(url, 'http://127.0.0.1:9');
  const relay = spawnRelay(['start'], { ...env, RETAIN_DIRECTORY: '90d', LOG_LEVEL: 'info' });
  try {
    await relay.logged('store_ready');
    await delay(settleMs);
    say(`idle for ${watchedSec} s`);
    const client = new Redis(redis.port);
    const monitor = await client.monitor();
    const sent = new Map<string, number>();
    let byScripts = 0;
    monitor.on('monitor', (_atSec: string, [name = '']: readonly string[], source: string) => {
      if (source === 'lua') byScripts += 1;
      else sent.set(name, (sent.get(name) ?? 0) + 1);
    });
    await delay(watchedSec * 1000);
    monitor.disconnect();
    client.disconnect();
    const all = [...sent.values()].reduce((sum, count) => sum + count, 0);
    const perSecond = (count: number): number => count / watchedSec;
    return [
      { what: 'commands sent', value: perSecond(all), unit: '/s' },
      { what: 'for each queue', value: perSecond(all) / queues, unit: '/s' },
      { what: 'run by scripts, besides', value: perSecond(byScripts), unit: '/s' },
      ...[...sent]
        .toSorted(([, a], [, b]) => b - a)
        .map(([name, count]) => ({ what: `  ${name}`, value: perSecond(count), unit: '/s' })),
    ];
  } finally {
    relay.child.kill('SIGTERM');
    await relay.ended;
    await redis.stop();
  }
}
