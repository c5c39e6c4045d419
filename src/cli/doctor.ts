import { z } from 'zod';
import type { CommandProcess } from './command-process.ts';
import { askOperatorApi } from './operator-api.ts';

const store = z.object({
  engine: z.string(),
  ready: z.boolean(),
  reason: z.string().optional(),
  findings: z.array(z.object({ level: z.string(), code: z.string(), message: z.string() })),
});
type StoreReport = z.infer<typeof store>;

type Mark = '✓' | '✗' | '?';
interface Line {
  readonly mark: Mark;
  readonly subject: string;
  readonly text: string;
}

const colours: Readonly<Record<Mark, string>> = { '✓': '\x1b[32m', '✗': '\x1b[31m', '?': '\x1b[33m' };

/** One line for each thing checked on a running relay: ✓ sound, ✗ to be mended, ? to be known. Exit code 1 for any ✗. */
export async function runDoctorCommand(host: CommandProcess, options: { readonly json: boolean }): Promise<void> {
  const report = store.parse(JSON.parse(await askOperatorApi(host, '/api/store')));
  const lines = linesOf(report);
  host.stdout.write(options.json ? `${JSON.stringify(report)}\n` : lines.map((line) => format(line, host)).join(''));
  if (lines.some(({ mark }) => mark === '✗')) host.exitCode = 1;
}

function linesOf({ engine, ready, reason, findings }: StoreReport): readonly Line[] {
  const state: Line = ready
    ? { mark: '✓', subject: 'store', text: `${engine}, ready` }
    : { mark: '✗', subject: 'store', text: `${engine}, not ready: ${reason ?? 'no reason known'}` };
  return [
    state,
    ...findings.map(({ level, message }): Line => {
      return { mark: level === 'note' ? '?' : '✗', subject: 'store', text: message };
    }),
  ];
}

function format({ mark, subject, text }: Line, host: CommandProcess): string {
  const shown = host.stdout.isTTY ? `${colours[mark]}${mark}\x1b[0m` : mark;
  return `${shown} ${subject.padEnd(18)}${text}\n`;
}
