import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

const respawnDelayMs = 200;
const maxSpawns = 50;

/** A server that a test starts, freezes, kills and starts again. */
export class ServerProcess {
  readonly #spawn: () => ChildProcess;
  readonly #isUp: () => Promise<void>;
  #child: ChildProcess | undefined;

  constructor(spawnServer: () => ChildProcess, isUp: () => Promise<void>) {
    this.#spawn = spawnServer;
    this.#isUp = isUp;
  }

  /** Resolves when it answers. One that ends at once (PostgreSQL, while children of a killed one live) is tried again. */
  async start(): Promise<void> {
    const up = new AbortController();
    const respawning = this.#keepSpawning(up.signal);
    await Promise.race([this.#isUp(), respawning]).finally(() => up.abort());
  }

  async #keepSpawning(up: AbortSignal): Promise<never> {
    for (let spawns = 0; spawns < maxSpawns; spawns += 1) {
      const child = this.#spawn();
      this.#child = child;
      await once(child, 'exit', { signal: up }).catch(() => undefined);
      if (up.aborted) break;
      await delay(respawnDelayMs);
    }
    return up.aborted ? new Promise<never>(() => {}) : Promise.reject(new Error('the server does not stay up'));
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
