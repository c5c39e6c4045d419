import { setTimeout as delay } from 'node:timers/promises';

const waits = { tries: 8, firstMs: 100, longestMs: 2000 };

/**
 * Writes what must not be lost to a store that is away for a moment: for about 8 s, since somebody waits for it.
 *
 * @param write does no harm when it is done again
 */
export async function keepTrying<T>(write: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await write();
    } catch (error) {
      if (tries >= waits.tries) throw error;
      await delay(Math.min(waits.firstMs * 2 ** (tries - 1), waits.longestMs));
    }
  }
}
