import { z } from 'zod';
import { parseDuration, parseSchedule, scheduleRule } from '../duration.ts';
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

/** A duration between the bounds, which are written the same way. */
export function duration(bounds: { min: string; max: string; default: string }) {
  const [min = 0, max = 0] = [bounds.min, bounds.max].map(parseDuration);
  return text.transform((value, context) => {
    const ms = parseDuration(value ?? bounds.default);
    if (ms !== undefined && ms >= min && ms <= max) return ms;
    return fail(context, `must be a duration from ${bounds.min} to ${bounds.max}, as 90s, 5m, 72h or 7d`);
  });
}

/** A duration, or `none`: `undefined`. */
export function durationOrNone(bounds: { min: string; max: string; default: string }) {
  const some = duration(bounds);
  return text.transform((value, context): number | undefined => {
    if (value === 'none') return undefined;
    const parsed = some.safeParse(value);
    return parsed.data ?? fail(context, `${parsed.error?.issues[0]?.message ?? 'is not valid'}; or none`);
  });
}

/** Durations separated by commas, 100 ms to 24 h each; `none` for no retries. */
export function schedule(defaultValue: string) {
  return text.transform((value, context): readonly number[] => {
    if (value === 'none') return [];
    const parsed = parseSchedule((value ?? defaultValue).split(','));
    return parsed ?? fail(context, `must be ${scheduleRule} separated by commas, or none`);
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

const hostName = /^[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9_])?$/;

/** Names of hosts separated by commas, none by default; in lower case. */
export function hostNames() {
  return text.transform((value, context): readonly string[] => {
    const names = value === undefined ? [] : value.split(',').map((name) => name.trim().toLowerCase());
    const isEach = names.every((name) => hostName.test(name));
    return isEach ? names : fail(context, 'must be host names without ports, separated by commas');
  });
}

const minTokenLength = 16;

/** Zoom's are 22 characters; a much shorter one is a mistake, and an empty one would let anyone in. */
export function secretToken(value: string): Secret | undefined {
  const token = value.trim();
  return token.length >= minTokenLength && /^[\x21-\x7e]+$/.test(token) ? new Secret(token) : undefined;
}

export const secretTokenRule = `must be ${minTokenLength} or more printable characters without spaces`;

export function optionalSecret() {
  return text.transform((value, context) => {
    return value === undefined ? undefined : (secretToken(value) ?? fail(context, secretTokenRule));
  });
}

const webhookSecretBytes = { min: 24, max: 64 };

/** A Standard Webhooks secret: `whsec_` and the base64 of 24 to 64 bytes, or that base64 alone. */
export function webhookSecret(value: string): Secret | undefined {
  const text = value.trim();
  const base64 = text.replace(/^whsec_/, '');
  const bytes = Buffer.from(base64, 'base64');
  const isWhole = bytes.toString('base64') === base64;
  return isWhole && bytes.length >= webhookSecretBytes.min && bytes.length <= webhookSecretBytes.max
    ? new Secret(text)
    : undefined;
}

export const webhookSecretRule =
  'must be whsec_ and the base64 of 24 to 64 bytes: make one with echo "whsec_$(openssl rand -base64 32)"';

export const workspaceSecretRule = "must be the workspace secret as Recall's dashboard shows it: whsec_ and base64";

/** One secret, or two separated by a comma while rotating. */
export function secrets(parse: (text: string) => Secret | undefined, rule: string) {
  return text.transform((value, context): readonly Secret[] => {
    const given = value === undefined ? [] : value.split(',').map(parse);
    const valid = given.filter((each) => each !== undefined);
    if (valid.length === given.length && given.length <= 2) return valid;
    return fail(context, `${rule}; two of them, separated by a comma, while rotating`);
  });
}

const encryptionKeyBytes = 32;

/** 32 bytes as base64 or base64url. */
export function encryptionKey(value: string): Secret | undefined {
  const key = value.trim();
  const isForm = /^[A-Za-z0-9+/_-]{43}=?$/.test(key);
  return isForm && Buffer.from(key, 'base64').length === encryptionKeyBytes ? new Secret(key) : undefined;
}

export const encryptionKeyRule = 'must be 32 bytes as base64: make one with "openssl rand -base64 32"';

/** Adds an issue and stands in for the value; the schema then fails as a whole. */
export function fail(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}
