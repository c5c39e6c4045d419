import { afterEach } from 'vitest';

interface Stoppable {
  stop(): Promise<unknown>;
}

/** Gives a `keep` that stops what a test has started when the test ends, the last first. */
export function stopAfterEach(): <T extends Stoppable>(starting: T | Promise<T>) => Promise<T> {
  const running: Stoppable[] = [];
  afterEach(async () => {
    for (const part of running.splice(0).toReversed()) await part.stop();
  });
  return async (starting) => {
    const part = await starting;
    running.push(part);
    return part;
  };
}
