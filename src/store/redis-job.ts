import { Job, type JobProgress, type JobsOptions } from 'bullmq';
import type { NewJob } from './engine.ts';

/**
 * The name that a job has on Redis: its label and, if they are known, behind a `#` its handles, a line for each, in lower case.
 * They ride there because they are short and stand apart from the body, for `redis-scan-script.ts`, and are written with it.
 */
export function redisJobName({ label, handles }: Pick<NewJob, 'label' | 'handles'>): string {
  return handles === undefined ? label : `${label}#${handles.join('\n').toLowerCase()}`;
}

const noOptions: JobsOptions = {};

/** A job without its options, which would say its id once more: the policy of this release decides, see `adoptPolicy`. */
export class BareJob<Data, Result, Name extends string, Progress extends JobProgress> extends Job<
  Data,
  Result,
  Name,
  Progress
> {
  override asJSON(): ReturnType<Job['asJSON']> {
    return { ...super.asJSON(), opts: noOptions };
  }
}
