import { z } from 'zod';
import { quoteMasked, type Secret } from '../../secret.ts';

/** What an error body of Zoom says, whichever of its forms it has. */
export interface ZoomError {
  /** OAuth's `error`, when it is a name. */
  readonly name: string | undefined;
  /** Zoom's own number, from `code`, `error` or `errorCode`. */
  readonly code: number | undefined;
  /** Zoom's words, masked, with the name or number. */
  readonly detail: string;
}

const maxDetailLength = 500;
const text = z.string().min(1).optional().catch(undefined);
const scalar = z
  .union([z.string().min(1), z.int()])
  .optional()
  .catch(undefined);
const errorBody = z
  .object({
    error: scalar,
    code: scalar,
    errorCode: scalar,
    reason: text,
    message: text,
    errorMessage: text,
    error_description: text,
  })
  .catch({});

/** The token endpoint says `reason` where OAuth has `error_description`; the API says `code` and `message`. */
export function readZoomError(status: number, body: string, secrets: readonly Secret[]): ZoomError {
  const { error, code, errorCode, reason, message, errorMessage, error_description } = errorBody.parse(parseJson(body));
  const numbers = [code, error, errorCode].map((value) =>
    /^\d{1,6}$/.test(String(value)) ? Number(value) : undefined,
  );
  const number = numbers.find((value) => value !== undefined);
  const name = typeof error === 'string' && !/^\d+$/.test(error) ? error : undefined;
  const words = reason ?? message ?? errorMessage ?? error_description;
  const label = name ?? number?.toString();
  const said = words !== undefined && label !== undefined ? `${words} (${label})` : (words ?? label);
  return {
    name,
    code: number,
    detail: quoteMasked(said ?? `Zoom answered ${status} and said nothing more`, secrets, maxDetailLength),
  };
}

export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Zoom's limits are mostly per second. */
const defaultRetryAfterMs = 5000;
const dayMs = 86_400_000;
/** With a daily limit Zoom gives a date instead of seconds. */
const datedRetryAfterMs = 3_600_000;

/** @see https://developers.zoom.us/docs/api/rate-limits/ */
export function retryAfterMs(header: string | undefined): number {
  if (header === undefined) return defaultRetryAfterMs;
  return /^\d+$/.test(header) ? Math.min(Number(header) * 1000, dayMs) : datedRetryAfterMs;
}
