import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export interface RelayProcess {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly errors: string[];
  /** Resolves with the first log line, past or future, whose `event` is this one. */
  logged(event: string): Promise<Record<string, unknown>>;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

/** `zoom-relay …` as a process of its own, with only the environment given. */
export function spawnRelay(args: readonly string[], env: Readonly<Record<string, string | undefined>>): RelayProcess {
  const child = spawn(process.execPath, [main, ...args], { env: { PATH: process.env.PATH, ...env }, stdio: 'pipe' });
  const lines: string[] = [];
  const errors: string[] = [];
  const watchers = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const watch of watchers) watch();
  });
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal);
  return {
    child,
    lines,
    errors,
    ended,
    async logged(event) {
      const find = () => lines.map(parseLine).find((line) => line?.event === event);
      const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
      const watch = (): void => {
        const found = find();
        if (found !== undefined) resolve(found);
      };
      watchers.add(watch);
      watch();
      void ended.then((how) => reject(new Error(`ended with ${how} before logging ${event}: ${errors.join('\n')}`)));
      return promise.finally(() => watchers.delete(watch));
    },
  };
}

function parseLine(line: string): Record<string, unknown> | undefined {
  return line.startsWith('{') ? JSON.parse(line) : undefined;
}
