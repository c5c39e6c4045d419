import type { AppKey } from '../delivery/names.ts';

/** `sound`; `wrong`, to be mended; `unknown`: it cannot be told from here. */
export const marks = ['sound', 'wrong', 'unknown'] as const;
export type Mark = (typeof marks)[number];

/** What was looked at. */
export const subjects = [
  'public URL',
  'secret agreement',
  'Recall app',
  'credentials',
  'connections',
  'scopes',
] as const;
export type Subject = (typeof subjects)[number];

/** What one look has shown. Holds no secret. */
export interface Finding {
  readonly mark: Mark;
  readonly subject: Subject;
  /** Of one or more lines. */
  readonly text: string;
  /** What to do about it. */
  readonly fix?: string;
}

/** Of one app. */
export interface ChainLine extends Finding {
  readonly app: AppKey;
}

export function sound(subject: Subject, text: string): Finding {
  return { mark: 'sound', subject, text };
}

export function wrong(subject: Subject, text: string, fix: string): Finding {
  return { mark: 'wrong', subject, text, fix };
}

export function unknown(subject: Subject, text: string, fix?: string): Finding {
  return { mark: 'unknown', subject, text, ...(fix !== undefined && { fix }) };
}

const shown = 5;

/** At most five of a list, and how many more there are. */
export function some(items: readonly string[], separator = ', '): string {
  const more = items.length - shown;
  return [...items.slice(0, shown), ...(more > 0 ? [`and ${more} more`] : [])].join(separator);
}
