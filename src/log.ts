import { type DestinationStream, type Logger, pino } from 'pino';

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

const maxErrorMessageLength = 200;

/**
 * What may be logged of an error: its name, its code and the first line of its message. Nothing else, because errors
 * of the Redis and PostgreSQL clients carry the command or row they failed on, and that holds a body and a signature.
 */
export function describeError(error: unknown): { type: string; code?: string; message: string } {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an Error' };
  const [firstLine = ''] = error.message.split(/\r?\n|, with args beginning with/, 1);
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const message = (firstLine || causeMessage(error)).slice(0, maxErrorMessageLength);
  return { type: error.name, ...code, message };
}

/** Node's own connection errors (`AggregateError`) have an empty message and say why in `errors`. */
function causeMessage(error: Error): string {
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause;
  return inner instanceof Error ? inner.message : '';
}

/** One JSON line per business event, on standard output unless told otherwise. */
export function createLog(level: LogLevel, destination?: DestinationStream): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
