import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 20;

/** Asks until the check holds (returns something other than `undefined` or `false`); fails after `patienceMs`. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | undefined | false> | T | undefined | false,
  patienceMs = 40_000,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const result = await check();
    if (result !== undefined && result !== false) return result;
    if (performance.now() > deadline) throw new Error(`${what}: not so after ${patienceMs} ms`);
    await delay(pollMs);
  }
}
