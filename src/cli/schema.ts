import { z } from 'zod';
import { appsFileSchema } from '../config/apps-file.ts';
import type { CommandProcess } from './command-process.ts';

/** Prints the JSON Schema (draft 2020-12) that the apps file is checked against. */
export function runSchemaCommand(host: CommandProcess): void {
  host.stdout.write(`${JSON.stringify(z.toJSONSchema(appsFileSchema, { io: 'input' }), undefined, 2)}\n`);
}
