#!/usr/bin/env node
import { exitCodeOf } from './cli/exit-code.ts';
import { createProgram } from './cli/program.ts';

const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 24) {
  process.stderr.write(
    `zoom-relay needs Node.js 24 or newer, this is ${process.version}. In a checkout, "npm ci" installs one: use "npm start" or "npm run -s zoom-relay -- COMMAND".\n`,
  );
  process.exit(1);
}

// Nobody reads any more (`zoom-relay … | head`): end as by Ctrl-C, so that what is open is closed.
process.stdout.once('error', () => process.kill(process.pid, 'SIGINT')).on('error', () => {});

try {
  await createProgram(process).parseAsync(process.argv);
} catch (error) {
  process.stderr.write(`zoom-relay: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
