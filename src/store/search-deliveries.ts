import type { DeliveryPage, DeliveryQuery, KeptDelivery } from './kept-delivery.ts';

/** Work for one page: after so many that were looked at, or so many milliseconds, it ends short. */
const maxLookedAt = 20_000;
const maxMs = 400;

/**
 * One page of a search, in steps that each look at few.
 *
 * @param scan a step: a page that may be shorter than its limit
 * @param nowMs on any clock that only goes forward
 */
export async function searchDeliveries(
  scan: (query: DeliveryQuery) => Promise<DeliveryPage>,
  query: DeliveryQuery,
  nowMs: () => number,
): Promise<DeliveryPage> {
  const deliveries: KeptDelivery[] = [];
  if (!mayBeKept(query.text)) return { deliveries, lookedAt: 0 };
  const endMs = nowMs() + maxMs;
  for (let [lookedAt, cursor] = [0, query.cursor]; ; ) {
    const step = await scan({
      ...query,
      limit: query.limit - deliveries.length,
      ...(cursor !== undefined && { cursor }),
    });
    deliveries.push(...step.deliveries);
    lookedAt += step.lookedAt;
    cursor = step.cursor;
    if (cursor === undefined) return { deliveries, lookedAt };
    if (deliveries.length >= query.limit || lookedAt >= maxLookedAt || nowMs() >= endMs) {
      return { deliveries, lookedAt, cursor };
    }
  }
}

/** Neither a NUL nor a lone surrogate is ever in what is kept as text; PostgreSQL would refuse to be asked for one. */
function mayBeKept(text = ''): boolean {
  return !text.includes('\0') && text.isWellFormed();
}
