import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RelayError } from '../src/errors.ts';
import { Batcher, type BatchLimits, type Budget } from '../src/store/batcher.ts';

interface Write {
  readonly items: readonly string[];
  succeed(): void;
  fail(error: Error): void;
}

interface Bench {
  readonly batcher: Batcher<string, string>;
  /** The writes begun, in order; each ends when the test says so. */
  readonly writes: readonly Write[];
  readonly budget: Budget;
  write(index: number): Write;
  /** The time as the batcher sees it. */
  clock: { nowMs: number };
}

const wide = { maxBatchItems: 100, maxBatchBytes: 1_000_000, batchesInFlight: 2, stuckAfterMs: 1000 };

/** A batcher over a store whose writes hang until they are told to end; an item's result is its name in capitals. */
function createBench(limits: Partial<BatchLimits> = {}): Bench {
  const writes: Write[] = [];
  const budget = limits.budget ?? { items: 1000, bytes: 1_000_000 };
  const clock = { nowMs: 0 };
  const write = (items: readonly string[]): Promise<readonly string[]> => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    writes.push({ items, succeed: () => resolve(items.map((item) => item.toUpperCase())), fail: reject });
    return promise;
  };
  return {
    batcher: new Batcher(write, { ...wide, ...limits, budget }, () => clock.nowMs),
    writes,
    budget,
    clock,
    write: (index) => writes[index] ?? expect.unreachable(`there is no write ${index}`),
  };
}

/** As many turns of the event loop as any batch here needs to begin. */
async function turns(): Promise<void> {
  for (let count = 0; count < 10; count += 1) await turn();
}

async function codeOf(refused: Promise<string>): Promise<string> {
  const error = await refused.then(
    () => expect.unreachable('it was accepted'),
    (reason: unknown) => reason,
  );
  return error instanceof RelayError ? error.code : expect.unreachable('it is no RelayError');
}

describe('batches', () => {
  test('what is added in one turn of the event loop goes out in one write', async () => {
    const { batcher, writes, write } = createBench();
    const results = ['a', 'b', 'c'].map((item) => batcher.add(item, 1));
    expect(writes).toHaveLength(0);
    await Promise.resolve();
    const later = batcher.add('d', 1);
    await turns();
    expect(writes.map(({ items }) => items)).toEqual([['a', 'b', 'c', 'd']]);
    write(0).succeed();
    expect(await Promise.all([...results, later])).toEqual(['A', 'B', 'C', 'D']);
  });

  test('what is added in a later turn goes out in a write of its own', async () => {
    const { batcher, writes, write } = createBench();
    const first = batcher.add('a', 1);
    await turns();
    const second = batcher.add('b', 1);
    await turns();
    expect(writes.map(({ items }) => items)).toEqual([['a'], ['b']]);
    write(1).succeed();
    expect(await second).toBe('B');
    write(0).succeed();
    expect(await first).toBe('A');
  });

  test('no more writes than allowed are under way; what arrives meanwhile forms the next batch', async () => {
    const { batcher, writes, write } = createBench({ batchesInFlight: 2 });
    const results: Promise<string>[] = [];
    for (const item of ['a', 'b', 'c', 'd']) {
      results.push(batcher.add(item, 1));
      await turns();
    }
    expect(writes.map(({ items }) => items)).toEqual([['a'], ['b']]);
    write(0).succeed();
    await turns();
    expect(writes.map(({ items }) => items)).toEqual([['a'], ['b'], ['c', 'd']]);
    write(2).succeed();
    write(1).succeed();
    expect(await Promise.all(results)).toEqual(['A', 'B', 'C', 'D']);
  });

  test('a batch holds at most so many items', async () => {
    const { batcher, writes } = createBench({ maxBatchItems: 3, batchesInFlight: 9 });
    for (const item of 'abcdefg') void batcher.add(item, 1);
    await turns();
    expect(writes.map(({ items }) => items.join(''))).toEqual(['abc', 'def', 'g']);
  });

  test('a batch holds at most so many bytes, and an item beyond that goes alone', async () => {
    const { batcher, writes } = createBench({ maxBatchBytes: 10, batchesInFlight: 9 });
    const sizes = { a: 4, b: 6, c: 1, d: 10, e: 11, f: 5, g: 6 };
    for (const [item, sizeBytes] of Object.entries(sizes)) void batcher.add(item, sizeBytes);
    await turns();
    expect(writes.map(({ items }) => items.join(''))).toEqual(['ab', 'c', 'd', 'e', 'f', 'g']);
  });

  test('whatever arrives when, every item is written once, in order, within the limits, and gets its own result', async () => {
    const arrival = fc.record({
      sizeBytes: fc.integer({ min: 1, max: 15 }),
      pause: fc.nat({ max: 2 }),
      fails: fc.boolean(),
    });
    const limits = fc.record({
      maxBatchItems: fc.integer({ min: 1, max: 5 }),
      maxBatchBytes: fc.integer({ min: 1, max: 30 }),
      batchesInFlight: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(arrival, { maxLength: 30 }), limits, fc.nat({ max: 3 }), async (arrivals, own, ms) => {
        const budget = { items: 1000, bytes: 1_000_000 };
        const batches: (readonly number[])[] = [];
        let [underWay, most] = [0, 0];
        const write = async (items: readonly number[]): Promise<readonly number[]> => {
          batches.push(items);
          underWay += 1;
          most = Math.max(most, underWay);
          for (let count = 0; count < ms; count += 1) await turn();
          underWay -= 1;
          if (items.some((item) => arrivals[item]?.fails)) throw new Error(`write of ${items}`);
          return items.map((item) => item * 2);
        };
        const batcher = new Batcher(write, { ...wide, ...own, budget }, () => 0);
        const results: Promise<PromiseSettledResult<number>[]>[] = [];
        for (const [item, { sizeBytes, pause }] of arrivals.entries()) {
          results.push(Promise.allSettled([batcher.add(item, sizeBytes)]));
          for (let count = 0; count < pause; count += 1) await turn();
        }
        const settled = (await Promise.all(results)).flat();
        const sizeOf = (items: readonly number[]) =>
          items.reduce((sum, item) => sum + (arrivals[item]?.sizeBytes ?? 0), 0);
        expect(batches.flat()).toEqual([...arrivals.keys()]);
        expect(most).toBeLessThanOrEqual(own.batchesInFlight);
        for (const batch of batches) {
          expect(batch.length).toBeLessThanOrEqual(own.maxBatchItems);
          if (batch.length > 1) expect(sizeOf(batch)).toBeLessThanOrEqual(own.maxBatchBytes);
          const failed = batch.some((item) => arrivals[item]?.fails);
          for (const item of batch) {
            expect(settled[item]).toEqual(
              failed
                ? { status: 'rejected', reason: new Error(`write of ${batch}`) }
                : { status: 'fulfilled', value: item * 2 },
            );
          }
        }
        expect(budget).toEqual({ items: 1000, bytes: 1_000_000 });
      }),
    );
  });
});

describe('a failed write', () => {
  test('rejects its own batch with its own error, and later ones work', async () => {
    const { batcher, write } = createBench();
    const error = new Error('the disk is full');
    const failed = [batcher.add('a', 1), batcher.add('b', 1)];
    const outcome = Promise.allSettled(failed);
    await turns();
    const other = batcher.add('c', 1);
    await turns();
    write(0).fail(error);
    expect(await outcome).toEqual([
      { status: 'rejected', reason: error },
      { status: 'rejected', reason: error },
    ]);
    write(1).succeed();
    expect(await other).toBe('C');
    const later = batcher.add('d', 1);
    await turns();
    write(2).succeed();
    expect(await later).toBe('D');
  });

  test('that throws before it returns a promise is a failed write too', async () => {
    const budget = { items: 1, bytes: 1 };
    const write = (items: readonly string[]): Promise<readonly string[]> => {
      if (items.includes('bad')) throw new Error('not serialisable');
      return Promise.resolve(items);
    };
    const batcher = new Batcher(write, { ...wide, budget }, () => 0);
    await expect(batcher.add('bad', 1)).rejects.toThrow('not serialisable');
    expect(await batcher.add('good', 1)).toBe('good');
    expect(budget).toEqual({ items: 1, bytes: 1 });
  });
});

describe('budget', () => {
  test('too many items are refused as overloaded, until a write has ended', async () => {
    const { batcher, write } = createBench({ budget: { items: 2, bytes: 1000 }, batchesInFlight: 1 });
    const first = batcher.add('a', 1);
    await turns();
    const second = batcher.add('b', 1);
    expect(await codeOf(batcher.add('c', 1))).toBe('overloaded');
    write(0).succeed();
    await first;
    const third = batcher.add('c', 1);
    await turns();
    write(1).succeed();
    expect(await Promise.all([second, third])).toEqual(['B', 'C']);
  });

  test('too many bytes are refused as overloaded, up to the last byte they are not', async () => {
    const { batcher, budget } = createBench({ budget: { items: 1000, bytes: 10 } });
    void batcher.add('a', 6);
    expect(await codeOf(batcher.add('b', 5))).toBe('overloaded');
    void batcher.add('c', 4);
    expect(budget).toEqual({ items: 998, bytes: 0 });
    expect(await codeOf(batcher.add('d', 1))).toBe('overloaded');
  });

  test('what is refused costs nothing', async () => {
    const { batcher, budget, writes } = createBench({ budget: { items: 5, bytes: 5 } });
    expect(await codeOf(batcher.add('a', 6))).toBe('overloaded');
    expect(budget).toEqual({ items: 5, bytes: 5 });
    await turns();
    expect(writes).toHaveLength(0);
  });

  test('is given back when a write succeeds and when it fails', async () => {
    const { batcher, budget, write } = createBench({ budget: { items: 2, bytes: 10 } });
    const good = batcher.add('a', 4);
    await turns();
    const bad = Promise.allSettled([batcher.add('b', 6)]);
    await turns();
    expect(budget).toEqual({ items: 0, bytes: 0 });
    write(0).succeed();
    await good;
    expect(budget).toEqual({ items: 1, bytes: 4 });
    write(1).fail(new Error('no'));
    await bad;
    expect(budget).toEqual({ items: 2, bytes: 10 });
  });

  test('is shared by all batchers that have it', async () => {
    const budget = { items: 2, bytes: 100 };
    const [one, other] = [createBench({ budget }), createBench({ budget })];
    const first = one.batcher.add('a', 1);
    void other.batcher.add('b', 1);
    expect(await codeOf(other.batcher.add('c', 1))).toBe('overloaded');
    await turns();
    one.write(0).succeed();
    await first;
    const third = other.batcher.add('c', 1);
    await turns();
    other.write(1).succeed();
    expect(await third).toBe('C');
  });
});

describe('a write that hangs', () => {
  test('makes new items refused as store_unavailable once it has taken too long, and no more when it ends', async () => {
    const { batcher, clock, write } = createBench({ stuckAfterMs: 1000, batchesInFlight: 1 });
    const hanging = batcher.add('a', 1);
    await turns();
    clock.nowMs = 1000;
    const waiting = batcher.add('b', 1);
    clock.nowMs = 1001;
    expect(await codeOf(batcher.add('c', 1))).toBe('store_unavailable');
    write(0).succeed();
    expect(await hanging).toBe('A');
    const later = batcher.add('d', 1);
    await turns();
    expect(write(1).items).toEqual(['b', 'd']);
    write(1).succeed();
    expect(await Promise.all([waiting, later])).toEqual(['B', 'D']);
  });

  test('is one, even when younger writes come and go', async () => {
    const { batcher, clock, write } = createBench({ stuckAfterMs: 1000, batchesInFlight: 2 });
    const hanging = Promise.allSettled([batcher.add('a', 1)]);
    await turns();
    clock.nowMs = 900;
    const younger = batcher.add('b', 1);
    await turns();
    write(1).succeed();
    await younger;
    clock.nowMs = 1001;
    expect(await codeOf(batcher.add('c', 1))).toBe('store_unavailable');
    write(0).fail(new Error('gone'));
    await hanging;
    const later = batcher.add('d', 1);
    await turns();
    write(2).succeed();
    expect(await later).toBe('D');
  });

  test('is counted from when it began, not from when its items were added', async () => {
    const { batcher, clock, write } = createBench({ stuckAfterMs: 1000, batchesInFlight: 1 });
    const first = batcher.add('a', 1);
    await turns();
    const second = batcher.add('b', 1);
    clock.nowMs = 900;
    write(0).succeed();
    await first;
    await turns();
    clock.nowMs = 1800;
    const third = batcher.add('c', 1);
    write(1).succeed();
    await second;
    await turns();
    write(2).succeed();
    expect(await third).toBe('C');
  });

  test('what is refused meanwhile costs no budget', async () => {
    const { batcher, clock, budget } = createBench({ budget: { items: 5, bytes: 5 } });
    void batcher.add('a', 1);
    await turns();
    clock.nowMs = wide.stuckAfterMs + 1;
    expect(await codeOf(batcher.add('b', 1))).toBe('store_unavailable');
    expect(budget).toEqual({ items: 4, bytes: 4 });
  });
});
