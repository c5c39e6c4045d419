import type { DestinationStream } from 'pino';

/** What takes the lines; it has them all written when it returns from `flushSync`. */
export interface LineSink {
  write(lines: string): unknown;
  flushSync(): void;
}

/**
 * Gathers the lines of one turn of the event loop and hands them on together: a write for each line would be the most
 * expensive thing that happens to a notification. A process that ends, also by an exception, hands on what it has gathered;
 * one that is killed takes the lines of that turn with it.
 */
export function createTurnStream(sink: LineSink): DestinationStream {
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
    write(line) {
      if (lines === '') setImmediate(flush);
      lines += line;
    },
  };
}
