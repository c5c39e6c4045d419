import type { PageContext } from './parts/page-context.ts';

/** The fields of a posted form that are texts; empty ones are left out, as in the query of a form. */
export async function readForm(c: PageContext): Promise<Readonly<Record<string, string>>> {
  return withoutEmpty(await c.req.parseBody());
}

export function readQuery(c: PageContext): Readonly<Record<string, string>> {
  return withoutEmpty(c.req.query());
}

function withoutEmpty(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const given = Object.entries(fields).flatMap(([name, value]) => {
    return typeof value === 'string' && value.trim() !== '' ? [[name, value.trim()] as const] : [];
  });
  return Object.fromEntries(given);
}
