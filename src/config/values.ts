import { z } from 'zod';
import { Secret } from '../secret.ts';

/**
 * Readers of single values. Each takes the text of a variable, `undefined` when it is not set (or empty), and gives a
 * value or an issue whose message says what is expected and never what was given.
 */

const text = z
  .string()
  .optional()
  .transform((value) => (value?.trim() ? value.trim() : undefined));

export function optionalText() {
  return text;
}

export function integer(bounds: { min: number; max: number; default: number }) {
  return text.transform((value, context) => {
    if (value === undefined) return bounds.default;
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= bounds.min && number <= bounds.max) return number;
    return fail(context, `must be a whole number from ${bounds.min} to ${bounds.max}`);
  });
}

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `500ms`, `90s`, `5m`, `72h`, `7d` → milliseconds; `undefined` for any other text. */
export function parseDuration(value: string): number | undefined {
  const [, amount, unit] = /^(\d{1,9})(ms|[smhd])$/.exec(value) ?? [];
  return amount === undefined ? undefined : Number(amount) * unitMs[unit as keyof typeof unitMs];
}

/** A duration between the bounds, which are written the same way. */
export function duration(bounds: { min: string; max: string; default: string }) {
  const [min = 0, max = 0] = [bounds.min, bounds.max].map(parseDuration);
  return text.transform((value, context) => {
    const ms = parseDuration(value ?? bounds.default);
    if (ms !== undefined && ms >= min && ms <= max) return ms;
    return fail(context, `must be a duration from ${bounds.min} to ${bounds.max}, as 90s, 5m, 72h or 7d`);
  });
}

const maxScheduleSteps = 50;

/** Durations separated by commas, 100 ms to 24 h each; `none` for no retries. */
export function schedule(defaultValue: string) {
  return text.transform((value, context) => {
    if (value === 'none') return [];
    const steps = (value ?? defaultValue).split(',').map((step) => parseDuration(step.trim()));
    const valid = steps.filter((ms) => ms !== undefined && ms >= 100 && ms <= unitMs.d);
    if (valid.length === steps.length && steps.length <= maxScheduleSteps) return valid as number[];
    return fail(context, `must be up to ${maxScheduleSteps} durations from 100ms to 24h separated by commas, or none`);
  });
}

export function oneOf<const Values extends readonly string[]>(values: Values, defaultValue: Values[number]) {
  return text.transform((value, context): Values[number] => {
    const found = values.find((candidate) => candidate === (value ?? defaultValue));
    return found ?? fail(context, `must be one of ${values.join(', ')}`);
  });
}

/** Host name or address to listen on. */
export function host(defaultValue: string) {
  return text.transform((value, context) => {
    if (value === undefined) return defaultValue;
    return /^[A-Za-z0-9.:_-]{1,253}$/.test(value) ? value : fail(context, 'must be a host name or an IP address');
  });
}

const minTokenLength = 16;

/** Zoom's are 22 characters; a much shorter one is a mistake, and an empty one would let anyone in. */
export function secretToken(value: string): Secret | undefined {
  const token = value.trim();
  return token.length >= minTokenLength && /^[\x21-\x7e]+$/.test(token) ? new Secret(token) : undefined;
}

export const secretTokenRule = `must be ${minTokenLength} or more printable characters without spaces`;

/** Adds an issue and stands in for the value; the schema then fails as a whole. */
export function fail(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}
