import type { z } from 'zod';

/** A stored record; one that cannot be read, of another version or not JSON, counts as absent. */
export function parseRecord<Kept>(schema: z.ZodType<Kept>, value: string | undefined): Kept | undefined {
  if (value === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(value)).data;
  } catch {
    return undefined;
  }
}
