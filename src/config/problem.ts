import { RelayError } from '../errors.ts';

/** What is wrong, named by where it stands: `APPS_FILE apps.acme.recall.region`. Never a value. */
export interface Problem {
  readonly where: string;
  readonly what: string;
}

export type Report = (where: string, what: string) => void;

/** All problems in one error. */
export function configurationInvalid(problems: readonly Problem[]): RelayError {
  const lines = problems.map(({ where, what }) => `  ${where}: ${what}`);
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return new RelayError('configuration_invalid', `the configuration has ${count}:\n${lines.join('\n')}`);
}
