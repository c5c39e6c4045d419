import type { AttemptRecord } from '../delivery/attempt.ts';

/**
 * Reads attempt records back from the stack traces of a job, where `delivery-worker.ts` puts them. The stack of a
 * surprise is none.
 *
 * @param stacktrace a list of texts, or anything else
 */
export function readAttemptRecords(stacktrace: unknown): readonly AttemptRecord[] {
  if (!Array.isArray(stacktrace)) return [];
  return stacktrace.flatMap((text: unknown) => {
    try {
      const value: unknown = JSON.parse(String(text));
      return isAttemptRecord(value) ? [value] : [];
    } catch {
      return [];
    }
  });
}

export function isAttemptRecord(value: unknown): value is AttemptRecord {
  return (
    typeof value === 'object' && value !== null && 'attempt' in value && 'outcome' in value && 'startedAtMs' in value
  );
}
