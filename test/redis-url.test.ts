import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRedisUrl } from '../src/store/redis-url.ts';

describe('a single Redis', () => {
  test.each([
    ['redis://cache', { host: 'cache', port: 6379, db: 0 }],
    ['redis://cache/', { host: 'cache', port: 6379, db: 0 }],
    ['redis://cache:6380', { host: 'cache', port: 6380, db: 0 }],
    ['redis://cache/5', { host: 'cache', port: 6379, db: 5 }],
    ['redis://127.0.0.1:6379/15', { host: '127.0.0.1', port: 6379, db: 15 }],
    ['redis://cache.example.com:65535', { host: 'cache.example.com', port: 65_535, db: 0 }],
    ['redis://my_cache-1:6379', { host: 'my_cache-1', port: 6379, db: 0 }],
  ])('%s', (url, options) => {
    expect(parseRedisUrl(url)).toEqual({ kind: 'single', options });
  });

  test.each([
    ['redis://[::1]', '::1', 6379],
    ['redis://[::1]:6380', '::1', 6380],
    ['redis://user:pw@[2001:db8::7]:6380', '2001:db8::7', 6380],
    ['redis://[::ffff:192.0.2.1]', '::ffff:192.0.2.1', 6379],
  ])('an IPv6 address stands in brackets, and is used without: %s', (url, host, port) => {
    expect(parseRedisUrl(url)).toMatchObject({ kind: 'single', options: { host, port } });
  });

  test.each([
    ['redis://user:password@cache', { username: 'user', password: 'password' }],
    ['redis://:password@cache', { password: 'password' }],
    ['redis://user@cache', { username: 'user' }],
    ['redis://user:@cache', { username: 'user' }],
    ['redis://:@cache', {}],
    ['redis://@cache', {}],
    ['redis://us%40er:p%3Aa%2Fs%3Fs%25%23@cache', { username: 'us@er', password: 'p:a/s?s%#' }],
    ['redis://user:p:a:s@cache', { username: 'user', password: 'p:a:s' }],
    ['redis://user:p@ss@cache', { username: 'user', password: 'p@ss' }],
    ['redis://user:a,b@cache', { username: 'user', password: 'a,b' }],
    ['redis://user:a+b@cache', { username: 'user', password: 'a+b' }],
    ['redis://user:p%C3%A9%F0%9F%9A%92@cache', { username: 'user', password: 'pé🚒' }],
  ])('credentials are percent-decoded, and absent when empty: %s', (url, credentials) => {
    const options = { ...credentials, host: 'cache', port: 6379, db: 0 };
    expect(parseRedisUrl(url)).toEqual({ kind: 'single', options });
  });

  test('any user and password can be written with escapes', () => {
    const texts = fc.string({ unit: 'binary', minLength: 1 });
    fc.assert(
      fc.property(texts, texts, (username, password) => {
        const url = `redis://${encodeURIComponent(username)}:${encodeURIComponent(password)}@cache:6380/3`;
        expect(parseRedisUrl(url)).toEqual({
          kind: 'single',
          options: { username, password, host: 'cache', port: 6380, db: 3 },
        });
      }),
    );
  });
});

describe('a Redis behind Sentinel', () => {
  test('has several hosts, each with a port or the default one, and the name of the master', () => {
    expect(parseRedisUrl('redis+sentinel://one:26380,two,[::1]:26381/mymaster')).toEqual({
      kind: 'sentinel',
      options: {
        sentinels: [
          { host: 'one', port: 26_380 },
          { host: 'two', port: 26_379 },
          { host: '::1', port: 26_381 },
        ],
        name: 'mymaster',
        db: 0,
      },
    });
  });

  test('the credentials are those of the master, the sentinels have their own', () => {
    const url = 'redis+sentinel://us%40er:p%2Fw@one/my%20master/2?sentinelPassword=s%26p%3D%25&sentinelUsername=su';
    expect(parseRedisUrl(url)).toEqual({
      kind: 'sentinel',
      options: {
        username: 'us@er',
        password: 'p/w',
        sentinels: [{ host: 'one', port: 26_379 }],
        name: 'my master',
        db: 2,
        sentinelPassword: 's&p=%',
        sentinelUsername: 'su',
      },
    });
    expect(parseRedisUrl('redis+sentinel://one/m?sentinelPassword=s')).toMatchObject({
      options: { sentinelPassword: 's' },
    });
  });

  test('any sentinel password can be written with escapes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (sentinelPassword) => {
        const url = `redis+sentinel://one/m?sentinelPassword=${encodeURIComponent(sentinelPassword)}`;
        expect(parseRedisUrl(url)).toMatchObject({ options: { sentinelPassword } });
      }),
    );
  });
});

describe('a Redis Cluster', () => {
  test.each([
    ['redis+cluster://one', [{ host: 'one', port: 6379 }]],
    ['redis+cluster://one/', [{ host: 'one', port: 6379 }]],
    [
      'redis+cluster://one:7000,two,[::1]:7002',
      [
        { host: 'one', port: 7000 },
        { host: 'two', port: 6379 },
        { host: '::1', port: 7002 },
      ],
    ],
  ])('is known by some of its nodes: %s', (url, nodes) => {
    expect(parseRedisUrl(url)).toEqual({ kind: 'cluster', nodes, options: {} });
  });

  test('has one user for all nodes', () => {
    expect(parseRedisUrl('redis+cluster://user:pw@one,two')).toMatchObject({
      kind: 'cluster',
      options: { username: 'user', password: 'pw' },
    });
  });
});

describe('TLS', () => {
  test('rediss means TLS to the server, in every form', () => {
    expect(parseRedisUrl('rediss://cache:6380/1')).toEqual({
      kind: 'single',
      options: { host: 'cache', port: 6380, db: 1, tls: {} },
    });
    expect(parseRedisUrl('rediss+cluster://one')).toEqual({
      kind: 'cluster',
      nodes: [{ host: 'one', port: 6379 }],
      options: { tls: {} },
    });
    expect(parseRedisUrl('rediss+sentinel://one/m')).toEqual({
      kind: 'sentinel',
      options: {
        tls: {},
        sentinels: [{ host: 'one', port: 26_379 }],
        name: 'm',
        db: 0,
        enableTLSForSentinelMode: true,
        sentinelTLS: {},
      },
    });
  });

  test.each(['redis://cache', 'redis+sentinel://one/m', 'redis+cluster://one'])('%s is without it', (url) => {
    expect(parseRedisUrl(url)?.options).not.toHaveProperty('tls');
    expect(parseRedisUrl(url)?.options).not.toHaveProperty('enableTLSForSentinelMode');
  });
});

describe('refused', () => {
  test.each([
    ['nothing', ''],
    ['a host alone', 'cache:6379'],
    ['another scheme', 'http://cache'],
    ['PostgreSQL', 'postgres://user:pw@db/relay'],
    ['a socket', 'unix:///run/redis.sock'],
    ['an unknown kind', 'redis+ring://one'],
    ['a scheme with one slash', 'redis:/cache'],
    ['a scheme in the middle', ' redis://cache'],
    ['no host', 'redis://'],
    ['no host but a database', 'redis:///1'],
    ['no host but a port', 'redis://:6379'],
    ['no host but credentials', 'redis://user:pw@'],
    ['a port that is no number', 'redis://cache:abc'],
    ['an empty port', 'redis://cache:'],
    ['a port out of range', 'redis://cache:65536'],
    ['a database that is no number', 'redis://cache/main'],
    ['a negative database', 'redis://cache/-1'],
    ['two databases', 'redis://cache/1/2'],
    ['a fragment', 'redis://cache/1#x'],
    ['several hosts without a kind', 'redis://one,two'],
    ['an empty host among several', 'redis+cluster://one,,two'],
    ['a comma at the end', 'redis+cluster://one,'],
    ['a space after a comma', 'redis+cluster://one, two'],
    ['a cluster with a database', 'redis+cluster://one/1'],
    ['a sentinel without the name of the master', 'redis+sentinel://one,two'],
    ['a sentinel with a database that is no number', 'redis+sentinel://one/m/x'],
    ['a sentinel with more than a name and a database', 'redis+sentinel://one/m/1/2'],
    ['a sentinel without a host', 'redis+sentinel:///m'],
    ['an IPv6 address without brackets', 'redis://2001:db8::7'],
    ['an IPv6 address with one bracket', 'redis://[::1'],
    ['a host with a slash written as an escape', 'redis://ca%2Fche'],
    ['a stray % in the password', 'redis://user:100%@cache'],
    ['a stray % in the name of the master', 'redis+sentinel://one/100%'],
    ['a slash in the password that is not escaped', 'redis://user:pa/ss@cache'],
    ['a question mark in the password that is not escaped', 'redis://user:pa?ss@cache'],
  ])('%s: %j', (_name, url) => {
    expect(parseRedisUrl(url)).toBeUndefined();
  });

  test('no text whatever makes it throw', () => {
    const schemes = fc.constantFrom('redis://', 'rediss://', 'redis+sentinel://', 'redis+cluster://', '');
    const tails = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'a1:/@,?%[]&=') }));
    fc.assert(
      fc.property(schemes, tails, (scheme, tail) => {
        const target = parseRedisUrl(scheme + tail);
        expect(target === undefined || ['single', 'sentinel', 'cluster'].includes(target.kind)).toBe(true);
      }),
    );
  });
});
