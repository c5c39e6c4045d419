import type { DestinationStream } from 'pino';

/** What takes the lines; it has them all written when it returns from `flushSync`. */
export interface LineSink {
  write(lines: string): unknown;
  flushSync(): void;
}

/** What was given to the log for a line, as pino tells a destination that asks for it. */
interface Told {
  lastObj?: unknown;
}

/**
 * Gathers the lines of one turn of the event loop that are written for each notification, and hands them on together: a write
 * for each would be the most expensive thing that happens to it. All other lines go out at once, behind what is gathered. A
 * process that ends, also by an exception, hands on what it has gathered; one that is killed takes that with it.
 *
 * @param isGathered of what is given to the log, which may wait for the end of the turn
 * @see https://getpino.io/#/docs/api?id=metadata
 */
export function createTurnStream(sink: LineSink, isGathered: (told: object) => boolean): DestinationStream {
  let lines = '';
  const flush = (): void => {
    if (lines === '') return;
    const taken = lines;
    lines = '';
    sink.write(taken);
  };
  process.once('exit', () => {
    flush();
    sink.flushSync();
  });
  return {
    [Symbol.for('pino.metadata')]: true,
    write(this: Told, line: string) {
      if (lines === '') setImmediate(flush);
      lines += line;
      const { lastObj } = this;
      if (typeof lastObj !== 'object' || lastObj === null || !isGathered(lastObj)) flush();
    },
  } as DestinationStream;
}
