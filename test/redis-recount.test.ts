import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { RedisRecounts } from '../src/store/redis-recount.ts';
import { eventually } from './support/eventually.ts';

test('a recount goes on with others when a store answers an error, and none waits for it', async () => {
  const asked: string[] = [];
  const closing = new AbortController();
  const client = {
    eval: () => Promise.reject(new Error('no text is sent')),
    async evalsha(_script: string, _count: number, ledger: string | number, ...rest: (string | number)[]) {
      asked.push(`${ledger} ${rest[8]} ${rest[9]}`);
      if (String(ledger).startsWith('broken')) throw new Error('READONLY');
      return asked.length > 3 ? [0, 0] : [asked.length, 1000];
    },
  };
  const recounts = new RedisRecounts(() => client, Date.now, closing.signal);
  for (const prefix of ['broken:', 'a:', 'a:']) expect(recounts.begin(prefix)).toBeUndefined();
  await eventually('ended', () => asked.length === 4);
  await delay(50);
  expect(asked).toEqual(['broken:ledger 1 0', 'a:ledger 1 0', 'a:ledger 2 1000', 'a:ledger 3 1000']);
  recounts.begin('a:');
  await eventually('anew', () => asked.length === 5);
});

test('a recount rests nineteen times as long as it looked, and leaves a queue to the process that is at it', async () => {
  const atMs: number[] = [];
  let answer = [1, 1000];
  const client = {
    eval: () => Promise.reject(new Error('no text is sent')),
    async evalsha() {
      atMs.push(performance.now());
      const now = answer;
      await delay(10);
      return now;
    },
  };
  const closing = new AbortController();
  const recounts = new RedisRecounts(() => client, Date.now, closing.signal);
  recounts.begin('a:');
  await eventually('three looks', () => atMs.length === 3);
  for (const [index, at] of atMs.entries()) if (index > 0) expect(at - (atMs[index - 1] ?? 0)).toBeGreaterThan(190);
  answer = [-1, 0];
  await eventually('another has it', () => atMs.length === 4);
  await delay(300);
  expect(atMs).toHaveLength(4);
  expect(await recounts.completeIndex('a:')).toBe(false);
  closing.abort();
});
