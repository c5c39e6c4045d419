import { RelayError } from '../errors.ts';

/** sysexits' EX_CONFIG: an orchestrator need not try again before the configuration has changed. */
const configurationExitCode = 78;

export function exitCodeOf(error: unknown): number {
  return error instanceof RelayError && error.code === 'configuration_invalid' ? configurationExitCode : 1;
}
