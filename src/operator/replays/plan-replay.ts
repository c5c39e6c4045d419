import { queueNameOf } from '../../delivery/names.ts';
import { findText } from '../deliveries/find-text.ts';
import { queryOf } from '../deliveries/resolve-filter.ts';
import type { ConsumerName, DeliveryQuery, KeptDelivery, OperatorSource } from '../ports.ts';
import type { DeliveryFilter, ReplayPlan } from '../schemas.ts';

/** More than that is for another replay. */
const maxItems = 100_000;
const pageSize = 1000;

export interface ReplayWish {
  /** Resolved; means one consumer. */
  readonly filter: DeliveryFilter;
  readonly resign: boolean;
  readonly force: boolean;
}

/** When deliveries go out signed afresh without being asked to: what `RESIGN=always` does to those older than that. */
export interface ResignAlways {
  readonly olderThanMs: number;
}

/**
 * Which deliveries a replay would take, oldest first, as of now: what ends after `nowMs` is not among them.
 *
 * @throws RelayError `store_unavailable`
 */
export async function planReplay(
  source: Pick<OperatorSource, 'search'>,
  name: ConsumerName,
  wish: ReplayWish,
  resignAlways: ResignAlways | undefined,
  nowMs: number,
): Promise<{ readonly plan: ReplayPlan; readonly ids: readonly string[] }> {
  const tally = new Tally(wish, resignAlways, nowMs);
  const { filter } = wish;
  const query: DeliveryQuery = {
    ...queryOf(filter),
    ...(filter.q !== undefined && { text: filter.q }),
    ...(filter.state === 'dead' || filter.state === 'delivered'
      ? { endedBeforeMs: nowMs }
      : { untilMs: upTo(filter, nowMs) }),
    order: 'oldest',
    limit: pageSize,
    isBrief: filter.q === undefined,
  };
  for (let cursor: string | undefined, more = true; more && !tally.isFull; ) {
    const page = await source.search(queueNameOf(name.app, name.consumer), { ...query, ...(cursor && { cursor }) });
    for (const kept of page.deliveries) if (filter.q === undefined || findText(kept, filter.q)) tally.take(kept);
    cursor = page.cursor;
    more = cursor !== undefined;
  }
  return { plan: tally.plan(), ids: tally.ids };
}

function upTo({ until }: DeliveryFilter, nowMs: number): number {
  return until === undefined ? nowMs : Math.min(Date.parse(until), nowMs);
}

class Tally {
  readonly ids: string[] = [];
  isFull = false;
  readonly #wish: ReplayWish;
  readonly #resignAlways: ResignAlways | undefined;
  readonly #nowMs: number;
  #oldestMs = Number.POSITIVE_INFINITY;
  #newestMs = Number.NEGATIVE_INFINITY;
  #delivered = 0;
  #onTheirWay = 0;
  #resigned = 0;

  constructor(wish: ReplayWish, resignAlways: ResignAlways | undefined, nowMs: number) {
    this.#wish = wish;
    this.#resignAlways = resignAlways;
    this.#nowMs = nowMs;
  }

  take({ id, state, addedAtMs }: KeptDelivery): void {
    if (this.ids.length >= maxItems) {
      this.isFull = true;
      return;
    }
    if (state === 'delivered') this.#delivered += 1;
    if (state === 'delivered' && !this.#wish.force) return;
    if (state === 'waiting' || state === 'delayed' || state === 'active') this.#onTheirWay += 1;
    if (this.#wish.resign || this.#isResigned(addedAtMs)) this.#resigned += 1;
    this.ids.push(id);
    this.#oldestMs = Math.min(this.#oldestMs, addedAtMs);
    this.#newestMs = Math.max(this.#newestMs, addedAtMs);
  }

  plan(): ReplayPlan {
    return {
      total: this.ids.length,
      ...(this.ids.length > 0 && {
        oldestReceivedAt: new Date(this.#oldestMs).toISOString(),
        newestReceivedAt: new Date(this.#newestMs).toISOString(),
      }),
      alreadyDelivered: this.#delivered,
      onTheirWay: this.#onTheirWay,
      wouldBeResigned: this.#resigned,
      isTruncated: this.isFull,
    };
  }

  #isResigned(addedAtMs: number): boolean {
    return this.#resignAlways !== undefined && this.#nowMs - addedAtMs > this.#resignAlways.olderThanMs;
  }
}
