import type { CommandProcess } from './command-process.ts';
import { harmless } from './one-line.ts';

export type Mark = '✓' | '✗' | '?';

/** One thing that was checked. */
export interface Line {
  readonly mark: Mark;
  readonly subject: string;
  /** When it is of one app. */
  readonly app?: string;
  readonly text: string;
  /** What to do about it. */
  readonly fix?: string;
}

const colours: Readonly<Record<Mark, string>> = { '✓': '\x1b[32m', '✗': '\x1b[31m', '?': '\x1b[33m' };
const subjectWidth = 18;

/** @param namesApps whether lines of apps say of which one */
export function formatLine({ mark, subject, app, text, fix }: Line, namesApps: boolean, host: CommandProcess): string {
  const shown = host.stdout.isTTY ? `${colours[mark]}${mark}\x1b[0m` : mark;
  const whose = app !== undefined && namesApps ? `${app}: ` : '';
  const whole = `${whose}${text}${fix === undefined ? '' : `\n→ ${fix.replaceAll('\n', '\n  ')}`}`;
  const lines = whole.split('\n').map(harmless);
  return `${shown} ${subject.padEnd(subjectWidth)}${lines.join(`\n${' '.repeat(subjectWidth + 2)}`)}\n`;
}
