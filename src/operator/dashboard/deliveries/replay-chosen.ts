import { RelayError } from '../../../errors.ts';
import type { ReplayResult } from '../../ports.ts';
import type { DeliveryDetail } from '../../schemas.ts';
import type { DeliveryName, ReplayOneWish } from '../../service.ts';
import type { DashboardService } from '../ports.ts';

export interface ChosenDelivery {
  readonly name: DeliveryName;
  /** Absent when it is not kept any more. */
  readonly delivery?: DeliveryDetail;
}

export interface ChosenResult {
  readonly name: DeliveryName;
  /** Absent when it was not asked for, because asking for one before it failed. */
  readonly result?: ReplayResult;
}

export interface ReplayedChosen {
  readonly results: readonly ChosenResult[];
  /** Why some were not asked for. */
  readonly failure?: RelayError;
}

/** @throws RelayError `store_unavailable` */
export async function readChosenDeliveries(
  service: Pick<DashboardService, 'readDelivery'>,
  names: readonly DeliveryName[],
): Promise<readonly ChosenDelivery[]> {
  return Promise.all(
    names.map(async (name) => {
      try {
        return { name, delivery: await service.readDelivery(name) };
      } catch (error) {
        if (isGone(error)) return { name };
        throw error;
      }
    }),
  );
}

/**
 * Asks for one after the other, each as if it had been asked for alone: with its own entry in the audit. Ends at the first
 * that fails, and tells what was done until then.
 */
export async function replayChosen(
  service: Pick<DashboardService, 'replayOne'>,
  names: readonly DeliveryName[],
  wish: ReplayOneWish,
  who: string,
): Promise<ReplayedChosen> {
  const results: ChosenResult[] = [];
  for (const name of names) {
    try {
      results.push({ name, result: await service.replayOne(name, wish, who) });
    } catch (error) {
      if (isGone(error)) results.push({ name, result: 'gone' });
      else if (error instanceof RelayError) {
        return {
          results: [...results, ...names.slice(results.length).map((rest) => ({ name: rest }))],
          failure: error,
        };
      } else throw error;
    }
  }
  return { results };
}

function isGone(error: unknown): boolean {
  return error instanceof RelayError && error.code === 'delivery_unknown';
}
