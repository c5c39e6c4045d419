import { describe, expect, test } from 'vitest';
import { judgePostgres, judgeRedis, parseRedisInfo } from '../src/store/findings.ts';
import { eventually } from './support/eventually.ts';
import { stopAfterEach } from './support/keep.ts';
import { startRedis } from './support/redis-server.ts';
import { startTestRelay } from './support/test-relay.ts';

const keep = stopAfterEach();

describe('a Redis is judged', () => {
  const sound = { maxmemory_policy: 'noeviction', aof_enabled: '1', used_memory: '10', maxmemory: '100' };
  const always = new Map([['appendfsync', 'always']]);
  const codes = (info: Record<string, string>, settings: ReadonlyMap<string, string> | undefined) =>
    judgeRedis(new Map(Object.entries({ ...sound, ...info })), settings).map(({ level, code }) => `${level} ${code}`);

  test.each([
    ['sound', {}, always, []],
    ['evicting', { maxmemory_policy: 'allkeys-lru' }, always, ['fatal evicts']],
    ['evicting what expires', { maxmemory_policy: 'volatile-ttl' }, always, ['fatal evicts']],
    ['nearly full', { used_memory: '95' }, always, ['warning nearly_full']],
    ['without a limit', { used_memory: '95', maxmemory: '0' }, always, []],
    ['flushing once a second', {}, new Map([['appendfsync', 'everysec']]), ['warning flushes_late']],
    ['with snapshots only', { aof_enabled: '0' }, new Map([['save', '60 1']]), ['warning not_persistent']],
    ['in memory only', { aof_enabled: '0' }, new Map([['save', '']]), ['warning not_persistent']],
    ['that may not be asked', { aof_enabled: '0' }, undefined, ['warning cannot_ask']],
  ])('%s', (_what, info, settings, expected) => {
    expect(codes(info, settings)).toEqual(expected);
  });

  test('INFO is read with its line ends', () => {
    expect(parseRedisInfo('# Memory\r\nmaxmemory_policy:noeviction\r\n').get('maxmemory_policy')).toBe('noeviction');
  });
});

test.each([
  ['sound', { server_version_num: '160000', synchronous_commit: 'on', fsync: 'on' }, []],
  ['too old', { server_version_num: '130012', synchronous_commit: 'on', fsync: 'on' }, ['version_unsupported']],
  [
    'committing late',
    { server_version_num: '160000', synchronous_commit: 'off', fsync: 'off' },
    ['commits_late', 'not_flushed'],
  ],
])('a PostgreSQL is judged: %s', (_what, settings, expected) => {
  expect(judgePostgres(new Map(Object.entries(settings))).map(({ code }) => code)).toEqual(expected);
});

test('a Redis that evicts is refused, naming the fix; DANGEROUSLY_ALLOW_EVICTION=1 starts all the same', async () => {
  const redis = await keep(startRedis('--maxmemory-policy', 'allkeys-lru'));
  const refused = await keep(startTestRelay(redis.url, { awaitReady: false }));
  const failure = await refused.relay.failed;
  expect(failure).toMatchObject({
    code: 'store_unsafe',
    message: expect.stringContaining('maxmemory-policy noeviction'),
  });
  const allowed = await keep(startTestRelay(redis.url, { env: { DANGEROUSLY_ALLOW_EVICTION: '1' } }));
  expect(allowed.logged).toContainEqual(expect.objectContaining({ event: 'store_finding', code: 'evicts' }));
});

test('a Redis without persistence is a loud warning and a metric', async () => {
  const redis = await keep(startRedis('--appendonly', 'no'));
  const relay = await keep(startTestRelay(redis.url));
  await eventually('warned', () =>
    relay.logged.find(({ code, level }) => code === 'not_persistent' && level === 'warn'),
  );
  const metrics = await (await fetch(new URL('/metrics', relay.relay.privateUrl))).text();
  expect(metrics).toContain('zoom_relay_store_findings{level="warning",code="not_persistent"} 1');
});
