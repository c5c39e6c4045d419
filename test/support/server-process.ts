import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A server that a test starts, freezes, kills and starts again. */
export class ServerProcess {
  readonly #start: () => ChildProcess;
  readonly #isUp: () => Promise<void>;
  #child: ChildProcess | undefined;

  constructor(start: () => ChildProcess, isUp: () => Promise<void>) {
    this.#start = start;
    this.#isUp = isUp;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async start(): Promise<void> {
    this.#child = this.#start();
    await this.#isUp();
  }

  /** Sends a signal; resolves when the process has ended. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(signal);
    await ended;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }
}

export function spawnQuietly(
  program: string,
  args: readonly string[],
  options: { readonly uid?: number; readonly gid?: number } = {},
): ChildProcess {
  return spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore'], ...options });
}
