import type { NewJob } from './engine.ts';

/**
 * The name that a job has on Redis: its label and, if they are known, behind a `#` its handles, a line for each, in lower case.
 * They ride there because they are short and stand apart from the body, for `redis-scan-script.ts`, and are written with it.
 */
export function redisJobName({ label, handles }: Pick<NewJob, 'label' | 'handles'>): string {
  return handles === undefined ? label : `${label}#${handles.join('\n').toLowerCase()}`;
}
