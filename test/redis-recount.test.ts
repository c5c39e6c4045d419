import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { RedisRecounts } from '../src/store/redis-recount.ts';
import { eventually } from './support/eventually.ts';

interface Stage {
  readonly recounts: RedisRecounts;
  /** The ledger, the place and from where in it, of each look. */
  readonly asked: string[];
  /** How long it rested after each, milliseconds. */
  readonly restedMs: number[];
}

/** @param answer of a store, of which each look takes 10 ms */
function stage(answer: (ledger: string, look: number) => number[]): Stage {
  const [asked, restedMs]: [string[], number[]] = [[], []];
  let clockMs = 0;
  const client = {
    eval: () => Promise.reject(new Error('no text is sent')),
    async evalsha(_hash: string, _count: number, ledger: string | number, ...rest: (string | number)[]) {
      asked.push(`${ledger} ${rest[8]} ${rest[9]}`);
      clockMs += 10;
      return answer(String(ledger), asked.length);
    },
  };
  const times = { clockMs: () => clockMs, rest: async (ms: number) => void restedMs.push(ms) };
  return { recounts: new RedisRecounts(() => client, Date.now, new AbortController().signal, times), asked, restedMs };
}

test('a recount goes on with others when a store answers an error, and none waits for it', async () => {
  const { recounts, asked } = stage((ledger, look) => {
    if (ledger.startsWith('broken')) throw new Error('READONLY');
    return look > 3 ? [0, 0] : [look, 1000];
  });
  for (const prefix of ['broken:', 'a:', 'a:']) expect(recounts.begin(prefix)).toBeUndefined();
  await eventually('ended', () => asked.length === 4);
  for (let turns = 0; turns < 10; turns += 1) await turn();
  expect(asked).toEqual(['broken:ledger 1 0', 'a:ledger 1 0', 'a:ledger 2 1000', 'a:ledger 3 1000']);
  recounts.begin('a:');
  await eventually('anew', () => asked.length === 5);
});

test('a recount rests nineteen times as long as it looked, at most 2 s', async () => {
  const { recounts, restedMs } = stage((_ledger, look) => (look < 3 ? [1, 1000 * look] : [0, 0]));
  expect(await recounts.completeIndex('a:')).toBe(true);
  expect(restedMs).toEqual([190, 190, 190]);
});

test('a queue is left to the process that is at it', async () => {
  const { recounts, asked } = stage((_ledger, look) => (look < 3 ? [1, 1000] : [-1, 0]));
  expect(await recounts.completeIndex('a:')).toBe(false);
  expect(asked).toHaveLength(3);
});
