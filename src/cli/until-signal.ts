import type { CommandProcess } from './command-process.ts';

/** Resolves at the next SIGTERM or SIGINT. */
export async function untilSignal(host: CommandProcess): Promise<undefined> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onSignal = (): void => resolve();
  host.on('SIGTERM', onSignal);
  host.on('SIGINT', onSignal);
  await promise;
  host.off('SIGTERM', onSignal);
  host.off('SIGINT', onSignal);
  return undefined;
}
