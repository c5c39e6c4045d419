import type { AppKey } from '../../delivery/names.ts';

/** How many connections of an app there are, and how many of them need somebody. */
export interface ConnectionFigures {
  readonly app: AppKey;
  readonly total: number;
  /** Those that only the person can mend. */
  readonly needPerson: number;
  /** Those whose refresh or registration fails, and is tried again. */
  readonly failing: number;
}

export type ReadConnectionFigures = () => Promise<readonly ConnectionFigures[]>;

/** A reading goes through all connections: it is not made again before, milliseconds. */
const readAgainAfterMs = 60_000;

/**
 * The figures of each app, at most a minute old. What could not be read is read anew by the next who asks.
 *
 * @param nowMs milliseconds of a clock that only goes forward
 */
export function createFiguresReader(
  apps: readonly AppKey[],
  readHealth: (app: AppKey) => Promise<Omit<ConnectionFigures, 'app'>>,
  nowMs: () => number,
): ReadConnectionFigures {
  let reading: Promise<readonly ConnectionFigures[]> | undefined;
  let readAtMs = Number.NEGATIVE_INFINITY;
  return () => {
    if (reading !== undefined && nowMs() - readAtMs < readAgainAfterMs) return reading;
    const current = Promise.all(apps.map(async (app) => ({ app, ...(await readHealth(app)) })));
    current.catch(() => {
      if (reading === current) reading = undefined;
    });
    readAtMs = nowMs();
    reading = current;
    return current;
  };
}
