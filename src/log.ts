import { type DestinationStream, type Logger, pino } from 'pino';
import { createTurnStream } from './turn-stream.ts';

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'child'>;

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

const maxErrorMessageLength = 200;

/** One for the process, made when it is first needed. */
let standardOutput: DestinationStream | undefined;

/**
 * What may be logged of an error: its name, its code and the first line of its message. Nothing else, because errors
 * of the Redis and PostgreSQL clients carry the command or row they failed on, and that holds a body and a signature.
 */
export function describeError(error: unknown): { type: string; code?: string; message: string } {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an Error' };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  return { type: error.name, ...code, message: safeMessage(error) || safeMessage(innerOf(error)) };
}

/** The first line, and of Redis' "unknown command" not the arguments it quotes. */
function safeMessage(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const [firstLine = ''] = error.message.split(/\r?\n|, with args beginning with/, 1);
  return firstLine.slice(0, maxErrorMessageLength);
}

/** Node's own connection errors (`AggregateError`) have an empty message and say why in `errors`. */
function innerOf(error: Error): unknown {
  return error instanceof AggregateError ? error.errors[0] : error.cause;
}

function isOfOneNotification(told: { readonly event?: unknown }): boolean {
  return told.event === 'received' || told.event === 'delivered';
}

/** One JSON line per business event, on standard output unless told otherwise; see `createTurnStream`. */
export function createLog(level: LogLevel, destination?: DestinationStream): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError },
    // pino would print the whole message of the error under this key when a line has no message of its own.
    errorKey: 'never-used',
  };
  if (destination !== undefined) return pino(options, destination);
  standardOutput ??= createTurnStream(pino.destination({ fd: 1, sync: true }), isOfOneNotification);
  return pino(options, standardOutput);
}
