import { RelayError } from '../errors.ts';

/**
 * The promise's own end, or `ack_deadline_passed` after `deadlineMs`, whichever is first. The work itself goes on; for
 * a delivery that is harmless, because adding it again folds.
 *
 * @throws RelayError `ack_deadline_passed`
 */
export async function withDeadline<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new RelayError('ack_deadline_passed', `the store did not answer within ${deadlineMs} ms`)),
    deadlineMs,
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
