import type { CommandProcess } from '../../src/cli/command-process.ts';
import { createProgram } from '../../src/cli/program.ts';
import type { Environment } from '../../src/config.ts';
import type { TestRelay } from './test-relay.ts';

export interface CommandResult {
  readonly out: string;
  readonly exitCode: number;
}

/** Runs `zoom-relay ARGS` in this process against a relay, as from a pipe; rejects with what the command throws. */
export function runCommand(relay: TestRelay, ...args: readonly string[]): Promise<CommandResult> {
  const env = { ZOOM_RELAY_URL: relay.relay.privateUrl.href, OPERATOR_TOKEN: 'operator-token-for-tests' };
  return runCommandIn(env, ...args);
}

/** The same in an environment of the test's own. */
export async function runCommandIn(env: Environment, ...args: readonly string[]): Promise<CommandResult> {
  const out: string[] = [];
  const write = (text: string): boolean => out.push(text) > 0;
  const host = {
    env,
    stdout: { ...process.stdout, isTTY: false, write },
    stderr: { ...process.stderr, isTTY: false, write },
    on: process.on.bind(process),
    off: process.off.bind(process),
  } as unknown as CommandProcess;
  await createProgram(host)
    .exitOverride()
    .parseAsync(['node', 'zoom-relay', ...args]);
  return { out: out.join(''), exitCode: Number(host.exitCode ?? 0) };
}
