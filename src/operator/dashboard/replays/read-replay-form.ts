import { type ReplayInput, rateRule, replayInput } from '../../schemas.ts';
import { type ReadFilter, readFilter } from '../deliveries/read-filter.ts';

export interface ReadReplayForm {
  readonly read: ReadFilter;
  /** As typed, to be shown again. */
  readonly reason: string;
  readonly rate: string;
  readonly resign: boolean;
  readonly force: boolean;
  /** Absent when something is wrong, or no app and consumer is chosen. */
  readonly input?: ReplayInput;
  readonly problems: Readonly<{ reason?: string; rate?: string }>;
}

const defaultRate = '20';

/** @param fields of the query or of the posted form */
export function readReplayForm(fields: Readonly<Record<string, string>>): ReadReplayForm {
  const { reason = '', rate = defaultRate, resign, force, ...rest } = fields;
  const read = readFilter(rest);
  const typed = { reason, rate, resign: resign === 'true', force: force === 'true' };
  const problems = {
    ...(replayInput.shape.reason.safeParse(reason).success ? {} : { reason: 'must have at most 500 characters' }),
    ...(replayInput.shape.rate.safeParse(Number(rate)).success ? {} : { rate: rateRule }),
  };
  const isValid = Object.keys(problems).length + Object.keys(read.problems).length === 0;
  const parsed = replayInput.safeParse({
    filter: read.filter,
    ...(reason !== '' && { reason }),
    rate: Number(rate),
    resign: typed.resign,
    force: typed.force,
  });
  return { read, ...typed, problems, ...(isValid && parsed.success && { input: parsed.data }) };
}

/** What a plan depends on besides the filter: another choice needs another look at the plan. */
export function choiceOf({ resign, force }: { resign: boolean; force: boolean }): string {
  return `${resign ? 'resign' : ''},${force ? 'force' : ''}`;
}
