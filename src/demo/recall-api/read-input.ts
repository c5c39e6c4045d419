import type { Context } from 'hono';
import type { z } from 'zod';

export type Input<T> =
  | { readonly kind: 'read'; readonly value: T }
  | { readonly kind: 'refused'; readonly response: Response };

/** The JSON of a request; what does not fit the schema is refused as Django REST framework refuses it. */
export async function readInput<T>(c: Context, schema: z.ZodType<T>): Promise<Input<T>> {
  const type = c.req.header('content-type') ?? '';
  if (!/^application\/json\s*(?:;|$)/i.test(type)) {
    return refuse(c.json({ detail: `Unsupported media type "${type}" in request.` }, 415));
  }
  const json = parseJson(await c.req.text());
  if (json === undefined) return refuse(c.json({ detail: 'JSON parse error' }, 400));
  const result = schema.safeParse(json.value);
  return result.success ? { kind: 'read', value: result.data } : refuse(c.json(describe(result.error.issues), 400));
}

function refuse(response: Response): Input<never> {
  return { kind: 'refused', response };
}

function describe(issues: readonly z.core.$ZodIssue[]): Record<string, readonly string[]> {
  const fields: Record<string, string[]> = {};
  for (const issue of issues) {
    const names = issue.code === 'unrecognized_keys' ? issue.keys : [issue.path.join('.') || 'non_field_errors'];
    for (const name of names) fields[name] = [...(fields[name] ?? []), describeIssue(issue)];
  }
  return fields;
}

function describeIssue(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return 'There is no such field.';
    case 'invalid_type':
      return issue.input === undefined ? 'This field is required.' : `Not a valid ${issue.expected}.`;
    case 'too_big':
      return `Ensure this field has no more than ${issue.maximum} characters.`;
    case 'too_small':
      return 'This field may not be blank.';
    default:
      return issue.message;
  }
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
