import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { AppKey, ConsumerKey } from '../../delivery/names.ts';
import type { AccessEnv } from '../access/identity.ts';
import { cursorRule, errorBody, pageLimit } from '../schemas.ts';

/** What the routes of the operator API have in common. */

export const before = z.string().max(200, cursorRule).optional().describe('from the page before');
export const limit = pageLimit;

export function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { content: { 'application/json': { schema } }, description };
}

export const refusals = {
  400: json(errorBody, 'the input is not what it must be: see the message'),
  401: json(errorBody, 'no token, or not one of this relay'),
  403: json(errorBody, 'the token may only read, or the page was not of this relay'),
  404: json(errorBody, 'there is no such thing, or not any more'),
  409: json(errorBody, 'it collides with what is under way'),
  503: json(errorBody, 'the store is away'),
};

/** Names what is wrong by where it stands; never the value. */
export function describeIssues(issues: readonly z.core.$ZodIssue[]): string {
  const faults = issues.map(({ path, message }) => `${path.join('.') || 'the input'}: ${message}`);
  return [...new Set(faults)].join('; ');
}

export function whoOf(c: Context<AccessEnv>): string {
  return c.get('identity').name;
}

/** The wire format knows neither readonly nor brands. */
type Mutable<Value> = Value extends AppKey | ConsumerKey
  ? string
  : Value extends readonly (infer Item)[]
    ? Mutable<Item>[]
    : Value extends object
      ? { -readonly [Key in keyof Value]: Mutable<Value[Key]> }
      : Value;

export function mutable<Value>(value: Value): Mutable<Value> {
  return value as Mutable<Value>;
}
