import { RelayError } from '../errors.ts';

/**
 * The work's own end, or a rejection after `limitMs`. The work itself goes on.
 *
 * @throws RelayError `store_unavailable` when it takes longer
 */
export async function inTime<T>(work: Promise<T>, limitMs: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new RelayError('store_unavailable', 'the store does not answer')), limitMs);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
