import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { AttemptSlots } from '../src/store/attempt-slots.ts';

/** Asks for a slot; `got` says what the answer was, once there is one. */
function ask(slots: AttemptSlots): { got: boolean | undefined } {
  const asked: { got: boolean | undefined } = { got: undefined };
  void slots.take().then((answer) => {
    asked.got = answer;
  });
  return asked;
}

test('so many attempts at once and not one more; who waits goes on in order of arrival', async () => {
  const slots = new AttemptSlots(2, 2);
  const asked = [ask(slots), ask(slots), ask(slots), ask(slots)];
  await turn();
  expect(asked.map(({ got }) => got)).toEqual([true, true, undefined, undefined]);
  slots.free(1);
  await turn();
  expect(asked.map(({ got }) => got)).toEqual([true, true, true, undefined]);
  slots.free(1);
  slots.free(1);
  await turn();
  const next = [ask(slots), ask(slots)];
  await turn();
  expect([asked[3]?.got, next[0]?.got, next[1]?.got]).toEqual([true, true, undefined]);
});

test('some more are claimed while attempts are quick, none ahead while they are slow', () => {
  const slots = new AttemptSlots(16, 12);
  expect(slots.claims).toBe(28);
  const attempt = (tookMs: number, times: number): void => {
    for (let index = 0; index < times; index += 1) {
      void slots.take();
      slots.free(tookMs);
    }
  };
  attempt(1000, 1);
  expect(slots.claims).toBe(28); // one that is slow is no slow consumer
  attempt(1000, 10);
  expect(slots.claims).toBe(16);
  attempt(5, 40);
  expect(slots.claims).toBe(28);
});

test('once closed nobody gets a slot, who waited neither; who has one keeps it', async () => {
  const slots = new AttemptSlots(1, 1);
  const [first, second] = [ask(slots), ask(slots)];
  await turn();
  slots.close();
  const third = ask(slots);
  await turn();
  expect([first.got, second.got, third.got]).toEqual([true, false, false]);
  slots.free(1);
  await turn();
  expect(second.got).toBe(false);
});
