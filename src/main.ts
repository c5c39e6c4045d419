#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { exitCodeOf } from './cli/exit-code.ts';

const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 24) {
  process.stderr.write(
    `zoom-relay needs Node.js 24 or newer, this is ${process.version}. In a checkout, "npm ci" installs one: use "npm start" or "npm run -s zoom-relay -- COMMAND".\n`,
  );
  process.exit(1);
}

// Half of what loading takes is making JavaScript of TypeScript. In a folder that only who installed this can write to:
// whoever can write there can run code here. Where it cannot be written to, there is no cache.
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/zoom-relay', import.meta.url)));
const { createProgram } = await import('./cli/program.ts');

// Nobody reads any more (`zoom-relay … | head`): end as by Ctrl-C, so that what is open is closed.
process.stdout.once('error', () => process.kill(process.pid, 'SIGINT')).on('error', () => {});

try {
  await createProgram(process).parseAsync(process.argv);
} catch (error) {
  process.stderr.write(`zoom-relay: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
