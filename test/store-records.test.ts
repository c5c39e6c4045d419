import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLog } from '../src/log.ts';
import { openStore } from '../src/store/open-store.ts';
import type { Records, Store } from '../src/store/store.ts';
import { createRedisDatabase, engines } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { findProgram } from './support/find-program.ts';
import { stopAfterEach } from './support/keep.ts';
import { startRedis } from './support/redis-server.ts';

const keep = stopAfterEach();

function create(url: string): Store {
  const setup = { url, queues: [], apps: [], workers: 0, log: createLog('silent'), allowEviction: false };
  return openStore({ ...setup, upkeepIntervalMs: 200, nowMs: () => performance.now(), onFatal: () => {} });
}

async function open(url: string): Promise<Store> {
  const store = create(url);
  store.open();
  await eventually('open', () => store.status().ready);
  return store;
}

const newSpace = (): string => `test-${randomUUID()}`;
const past = (): number => Date.now() - 1;
const future = (): number => Date.now() + 3_600_000;

async function put(records: Records, key: string, value = key, tags: readonly string[] = []): Promise<void> {
  expect(await records.swap(key, undefined, { value, tags })).toBe(true);
}

async function keysOf(records: Records, query: Partial<Parameters<Records['list']>[0]> = {}): Promise<string[]> {
  return (await records.list({ limit: 1000, ...query })).map(({ key }) => key);
}

describe.each(engines)('records on $engine', ({ engine, createStore }) => {
  let folder: Awaited<ReturnType<typeof createStore>>;
  let store: Store;
  /** Another process, where there can be one. */
  let other: Store;
  beforeAll(async () => {
    folder = await createStore();
    store = await open(folder.url);
    other = engine === 'embedded' ? store : await open(folder.url);
  });
  afterAll(async () => {
    await Promise.all([store.close(), other.close()]);
    await folder.remove();
  });

  test('a swap changes the record only if it is as expected, for all processes', async () => {
    const space = newSpace();
    const [here, there] = [store.records(space), other.records(space)];
    expect(await here.read('a')).toBeUndefined();
    expect(await here.swap('a', 'something', { value: '1' })).toBe(false);
    expect(await here.swap('a', undefined, { value: '1' })).toBe(true);
    expect(await there.read('a')).toBe('1');
    expect(await there.swap('a', undefined, { value: '2' })).toBe(false);
    expect(await there.swap('a', '2', { value: '2' })).toBe(false);
    expect(await there.swap('a', '1', { value: '' })).toBe(true);
    expect(await here.read('a')).toBe('');
    expect(await here.swap('a', undefined, { value: '3' })).toBe(false);
    expect(await here.swap('a', '', { value: '3' })).toBe(true);
    expect(await there.remove('a')).toBe(true);
    expect(await here.remove('a')).toBe(false);
    expect(await here.read('a')).toBeUndefined();
    expect(await keysOf(here)).toEqual([]);
  });

  test('of 50 increments that race, none is lost', async () => {
    const space = newSpace();
    const increment = async (records: Records): Promise<void> => {
      for (;;) {
        const before = await records.read('count');
        if (await records.swap('count', before, { value: String(Number(before ?? 0) + 1), tags: ['t'] })) return;
      }
    };
    const [here, there] = [store.records(space), other.records(space)];
    await Promise.all(Array.from({ length: 50 }, (_nothing, index) => increment(index % 2 === 0 ? here : there)));
    expect(await here.read('count')).toBe('50');
    expect(await there.list({ tag: 't', limit: 10 })).toEqual([{ key: 'count', value: '50' }]);
  });

  test('a record past its expiry is not there: not read, not listed, not removed, not expected, but replaced', async () => {
    const records = store.records(newSpace());
    await records.swap('a', undefined, { value: 'old', tags: ['t'], expiresAtMs: past() });
    await records.swap('b', undefined, { value: 'kept', tags: ['t'], expiresAtMs: future() });
    expect(await records.read('a')).toBeUndefined();
    expect(await keysOf(records)).toEqual(['b']);
    expect(await keysOf(records, { tag: 't' })).toEqual(['b']);
    expect(await records.swap('a', 'old', { value: 'new' })).toBe(false);
    expect(await records.swap('a', undefined, { value: 'new' })).toBe(true);
    expect(await records.read('a')).toBe('new'); // and the old expiry and tags are gone with it
    expect(await keysOf(records)).toEqual(['b', 'a']);
    expect(await keysOf(records, { tag: 't' })).toEqual(['b']);
    expect(await records.swap('b', 'kept', { value: 'short', expiresAtMs: past() })).toBe(true);
    expect(await records.remove('b')).toBe(false);
    expect(await records.swap('c', undefined, { value: 'ends', expiresAtMs: future() })).toBe(true);
    expect(await records.swap('c', 'ends', { value: 'lasts' })).toBe(true);
    expect(await records.read('c')).toBe('lasts');
  });

  test('a record is found by the tags it has, not by those it had', async () => {
    const records = store.records(newSpace());
    const tags = ['red', 'ro"und\\', '\u0001漢 🚒'];
    await put(records, 'a', 'a', tags);
    await put(records, 'b', 'b', ['red', 'red']);
    await put(records, 'c', 'c');
    for (const tag of tags) expect(await keysOf(records, { tag })).toContain('a');
    expect(await keysOf(records, { tag: 'red' })).toEqual(['b', 'a']);
    expect(await records.swap('a', 'a', { value: 'a2', tags: ['blue'] })).toBe(true);
    for (const tag of tags) expect(await keysOf(records, { tag })).not.toContain('a');
    expect(await records.list({ tag: 'blue', limit: 5 })).toEqual([{ key: 'a', value: 'a2' }]);
    expect(await records.swap('a', 'a2', { value: 'a3' })).toBe(true);
    expect(await keysOf(records, { tag: 'blue' })).toEqual([]);
    expect(await records.remove('b')).toBe(true);
    expect(await keysOf(records, { tag: 'red' })).toEqual([]);
    expect(await keysOf(records)).toEqual(['c', 'a']);
  });

  test('keys are listed from the highest byte down, by prefix, below a key', async () => {
    const records = store.records(newSpace());
    const ascending = ['A', 'B', 'a', 'a%', 'a%b', 'a_', 'aa', 'z', 'é', '漢', '\uffff', '\uffffx', '😀', '\u{10ffff}'];
    for (const key of ascending.toSorted()) await put(records, key);
    const descending = ascending.toReversed();
    expect(await keysOf(records)).toEqual(descending);
    expect(await keysOf(records, { limit: 3 })).toEqual(descending.slice(0, 3));
    expect(await keysOf(records, { limit: 0 })).toEqual([]);
    expect(await keysOf(records, { prefix: 'a' })).toEqual(['aa', 'a_', 'a%b', 'a%', 'a']);
    expect(await keysOf(records, { prefix: 'a%' })).toEqual(['a%b', 'a%']);
    expect(await keysOf(records, { prefix: 'a', before: 'a_' })).toEqual(['a%b', 'a%', 'a']);
    expect(await keysOf(records, { prefix: 'a', before: 'é' })).toHaveLength(5);
    expect(await keysOf(records, { prefix: 'z', before: 'a' })).toEqual([]);
    expect(await keysOf(records, { before: '😀', limit: 2 })).toEqual(['\uffffx', '\uffff']);
    expect(await keysOf(records, { prefix: '\u{10ffff}' })).toEqual(['\u{10ffff}']);
  });

  test('paging gives every record once, whatever is added meanwhile', async () => {
    const space = newSpace();
    const [records, elsewhere] = [store.records(space), other.records(space)];
    const keys = Array.from({ length: 25 }, (_nothing, index) => `key-${String(index).padStart(3, '0')}`);
    await Promise.all(keys.map((key) => put(records, key, key, ['paged'])));
    const seen: string[] = [];
    for (let added = 0; added < keys.length; added += 1) {
      const before = seen.at(-1);
      const page = await records.list({ tag: 'paged', prefix: 'key-', limit: 4, ...(before && { before }) });
      if (page.length === 0) break;
      seen.push(...page.map(({ key }) => key));
      await put(elsewhere, `key-9${added}`, 'newer', ['paged']);
    }
    expect(seen).toEqual(keys.toReversed());
  });

  test('any well-formed text comes back as it was; spaces do not see each other', async () => {
    const [records, another] = [store.records(newSpace()), store.records(newSpace())];
    const values = ['', ' \r\n\t\u0001\u007f', '"\\\u2028{}[]', 'é 漢 🚒 \uffff', 'x'.repeat(1_000_000)];
    for (const [index, value] of values.entries()) {
      await put(records, `${'漢'.repeat(199)}${index}`, value);
      expect(await records.read(`${'漢'.repeat(199)}${index}`)).toBe(value);
    }
    expect(await records.list({ limit: 2 })).toEqual([
      { key: `${'漢'.repeat(199)}4`, value: values[4] },
      { key: `${'漢'.repeat(199)}3`, value: values[3] },
    ]);
    expect(await keysOf(another)).toEqual([]);
    expect(await another.read(`${'漢'.repeat(199)}0`)).toBeUndefined();
  });

  test('text that a store could not keep is refused, and nothing is changed', async () => {
    const records = store.records(newSpace());
    const long = 'x'.repeat(201);
    const refused = [
      ...['', long, 'a\0', '\ud800'].flatMap((key) => [
        records.read(key),
        records.swap(key, undefined, { value: '' }),
        records.remove(key),
        records.swap('key', undefined, { value: '', tags: [key] }),
        records.list({ limit: 1, tag: key }),
      ]),
      ...['a\0', '\ud800'].flatMap((text) => [
        records.swap('key', undefined, { value: text }),
        records.swap('key', text, { value: '' }),
        records.list({ limit: 1, prefix: text }),
        records.list({ limit: 1, before: text }),
      ]),
      records.swap('key', undefined, { value: '', expiresAtMs: 0.5 }),
      records.list({ limit: -1 }),
      records.list({ limit: Number.NaN }),
    ];
    for (const answer of refused) await expect(answer).rejects.toMatchObject({ name: 'RelayError', code: 'internal' });
    expect(await keysOf(records)).toEqual([]);
    for (const space of ['', 'A', 'a}b', 'a b', 'x'.repeat(101)]) {
      expect(() => store.records(space)).toThrow(expect.objectContaining({ code: 'internal' }));
    }
  });
});

describe('what is kept of records', () => {
  const unpromised = { code: 'store_unavailable', name: 'RelayError' };

  test.each(engines)(
    'on $engine, records may be asked for before the store is open, and answer once it is',
    async ({ createStore }) => {
      const folder = await createStore();
      const store = create(folder.url);
      const records = store.records('early');
      await expect(records.read('a')).rejects.toMatchObject(unpromised);
      await expect(records.swap('a', undefined, { value: '' })).rejects.toMatchObject(unpromised);
      await expect(records.list({ limit: 1 })).rejects.toMatchObject(unpromised);
      await expect(records.remove('a')).rejects.toMatchObject(unpromised);
      store.open();
      await eventually('open', () => store.status().ready);
      expect(await records.read('never')).toBeUndefined();
      await store.close();
      await folder.remove();
    },
  );

  test('on redis, a record that is asked for while the store is away is refused, and read once it is back', async () => {
    const server = await keep(startRedis());
    const store = await open(server.url);
    await keep({ stop: () => store.close() });
    await put(store.records('space'), 'a');
    await server.process.end('SIGKILL');
    await eventually('away', () => !store.status().ready);
    await expect(store.records('space').read('a')).rejects.toMatchObject(unpromised);
    await server.process.start();
    await eventually('back', () => store.status().ready);
    expect(await store.records('space').read('a')).toBe('a');
  });

  /** More than one batch of any engine. */
  const manyExpired = Array.from({ length: 2100 }, (_nothing, index) => `expired-${index}`);

  async function putExpired(records: Records): Promise<void> {
    const change = { value: '', tags: ['t', 'expiring'], expiresAtMs: past() };
    await Promise.all(manyExpired.map((key) => records.swap(key, undefined, change)));
    await put(records, 'kept', 'kept', ['t']);
    expect(await records.swap('later', undefined, { value: '', expiresAtMs: future() })).toBe(true);
  }

  test('on postgres, upkeep removes what has expired and nothing else', async () => {
    const database = await engines[2].createStore();
    const store = await open(database.url);
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await putExpired(store.records('space'));
    const left = await eventually('tidied up', async () => {
      const { rows } = await client.query<{ key: string }>('SELECT key FROM zoom_relay.record ORDER BY key');
      return rows.length <= 2 && rows.map(({ key }) => key);
    });
    expect(left).toEqual(['kept', 'later']);
    await client.end();
    await store.close();
    await database.remove();
  });

  test('on redis, upkeep removes what has expired from all indexes, also what Redis itself has removed', async () => {
    const { url } = await createRedisDatabase();
    const space = newSpace();
    const base = `zoom-relay:{records.${space}}:record`;
    const store = await open(url);
    const client = new Redis(url);
    await putExpired(store.records(space));
    await store.records(space).swap('gone', undefined, { value: '', tags: ['t'], expiresAtMs: future() });
    await client.del(`${base}:gone`);
    await client.zadd(`${base}-expiry`, past(), 'gone');
    const left = await eventually('tidied up', async () => {
      const keys = await client.keys(`${base}*`);
      return keys.length <= 6 && (await client.zscore(`${base}-index`, 'gone')) === null && keys.toSorted();
    });
    expect(left).toEqual([
      `${base}-expiry`,
      `${base}-index`,
      `${base}-tag:t`,
      `${base}-tags`,
      `${base}:kept`,
      `${base}:later`,
    ]);
    expect(await client.zrange(`${base}-tag:t`, '0', '-1')).toEqual(['kept']);
    expect(await client.hkeys(`${base}-tags`)).toEqual(['kept']);
    expect(await client.zrange(`${base}-index`, '0', '-1')).toEqual(['kept', 'later']);
    expect(await client.zrange(`${base}-expiry`, '0', '-1')).toEqual(['later']);
    expect(await client.pttl(`${base}:later`)).toBeGreaterThan(3_600_000); // later than the relay removes it
    client.disconnect();
    await store.close();
  });

  test('on redis, a list skips records that are gone from under its index and is as long as it was asked to be', async () => {
    const { url } = await createRedisDatabase();
    const space = newSpace();
    const store = await open(url);
    const records = store.records(space);
    const client = new Redis(url);
    const keys = Array.from({ length: 2500 }, (_nothing, index) => String(index).padStart(4, '0'));
    await Promise.all(keys.map((key) => put(records, key, key, ['t'])));
    const gone = keys.slice(3, -3); // more than are looked at in one go
    await client.del(...gone.map((key) => `zoom-relay:{records.${space}}:record:${key}`));
    const left = ['2499', '2498', '2497', '0002', '0001', '0000'];
    expect(await keysOf(records)).toEqual(left);
    expect(await keysOf(records, { tag: 't', limit: 5 })).toEqual(left.slice(0, 5));
    expect(await keysOf(records, { prefix: '0', before: '0002' })).toEqual(['0001', '0000']);
    client.disconnect();
    await store.close();
  });

  test('in a Redis Cluster, each space lies in one slot, and spaces in many', async () => {
    const nodes = await Promise.all(
      [1, 2, 3].map(() => keep(startRedis('--cluster-enabled', 'yes', '--databases', '1'))),
    );
    const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
    const redisCli = findProgram('redis-cli') ?? 'redis-cli';
    execFileSync(redisCli, ['--cluster', 'create', ...addresses, '--cluster-yes'], { stdio: 'ignore' });
    await eventually('the cluster is up', async () =>
      String(await nodes[2]?.command('CLUSTER', 'INFO')).includes('cluster_state:ok'),
    );
    const store = await open(`redis+cluster://${addresses.join(',')}`);
    await keep({ stop: () => store.close() });
    const spaces = Array.from({ length: 12 }, (_nothing, index) => store.records(`space-${index}`));
    for (const records of spaces) {
      await records.swap('old', undefined, { value: '', tags: ['t'], expiresAtMs: past() });
      await put(records, 'a', 'a', ['t', 'u']);
      expect(await records.swap('a', 'a', { value: 'b', tags: ['t'] })).toBe(true);
      expect(await records.list({ tag: 't', limit: 5 })).toEqual([{ key: 'a', value: 'b' }]);
    }
    // Upkeep may also come between the lines above.
    await eventually('tidied up', async () => {
      const kept = await Promise.all(nodes.map((node) => node.command('KEYS', '*-expiry')));
      return kept.flat().length === 0;
    });
    const used = await Promise.all(nodes.map((node) => node.command('KEYS', '*:record:a')));
    expect(used.flat()).toHaveLength(spaces.length);
    for (const keys of used) expect(keys).not.toEqual([]);
  });
});
