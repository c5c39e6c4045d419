import { startRelay } from '../compose.ts';
import { loadConfig, type Role } from '../config.ts';
import { createLog } from '../log.ts';
import type { CommandProcess } from './command-process.ts';
import { untilSignal } from './until-signal.ts';

/** Longer than a stop may take by itself; an orchestrator kills after 30 s. */
const forcedExitMs = 29_000;

/**
 * Runs the relay until SIGTERM or SIGINT, then stops it and exits 0. A second signal exits at once.
 *
 * @throws RelayError when it cannot run: configuration, ports, an unusable store
 */
export async function runStartCommand(host: CommandProcess, wantedRoles: readonly Role[]): Promise<void> {
  const config = loadConfig(host.env, wantedRoles);
  const log = createLog(config.logLevel);
  // A promise that a handler forgot must not take intake down with it.
  if (config.handlers !== undefined) {
    host.on('unhandledRejection', (reason) => log.error({ event: 'unhandled_rejection', err: reason }));
  }
  const relay = await startRelay(config, log);
  const signalled = untilSignal(host); // before anybody can know that there is something to stop
  log.info({ event: 'listening', public: relay.publicUrl?.href, private: relay.privateUrl.href });
  const failure = await Promise.race([signalled, relay.failed]);
  setTimeout(() => process.exit(failure === undefined ? 0 : 1), forcedExitMs).unref();
  void untilSignal(host).then(() => process.exit(130));
  await relay.stop();
  if (failure !== undefined) throw failure;
}
