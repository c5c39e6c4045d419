/** A scrape waits so long for what must be read at most, milliseconds. */
const patienceMs = 2000;
/** However often there are scrapes, nothing is read again before, milliseconds. */
const readAgainAfterMs = 5000;

/**
 * Reads something when there is a scrape, if that was not done just now. Never rejects.
 *
 * @param nowMs milliseconds of a clock that only goes forward
 * @returns whether what is shown is as new as it should be: not when it failed, or takes longer than 2 s
 */
export function readAtScrape(read: () => Promise<void>, nowMs: () => number): () => Promise<boolean> {
  let reading: Promise<boolean> | undefined;
  let readAgainAtMs = Number.NEGATIVE_INFINITY;

  async function succeed(): Promise<boolean> {
    try {
      await read();
      return true;
    } catch {
      return false;
    }
  }

  return async () => {
    if (reading === undefined) {
      if (nowMs() < readAgainAtMs) return true;
      readAgainAtMs = nowMs() + readAgainAfterMs;
      reading = succeed().finally(() => {
        reading = undefined;
      });
    }
    return withinPatience(reading);
  };
}

async function withinPatience(work: Promise<boolean>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(resolve, patienceMs, false);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
