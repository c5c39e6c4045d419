import { hashOf } from './secrets.ts';

/** Each start of consent keeps a record for an hour: a link must not be a way to fill the store. */
const startsAtMost = 20;
const windowMs = 10 * 60_000;
const rememberedLinks = 10_000;

/** How often a link may be opened: 20 times in 10 minutes, in each process. */
export class LinkLimiter {
  readonly #starts = new Map<string, { readonly sinceMs: number; count: number }>();

  /** Counts one; tells whether it is one too many. */
  isLimited(link: string, nowMs: number): boolean {
    const key = hashOf(link);
    const known = this.#starts.get(key);
    const starts = known !== undefined && nowMs - known.sinceMs < windowMs ? known : { sinceMs: nowMs, count: 0 };
    this.#starts.delete(key); // so that the map is in the order of last use
    this.#starts.set(key, starts);
    const [oldest] = this.#starts.keys();
    if (this.#starts.size > rememberedLinks && oldest !== undefined) this.#starts.delete(oldest);
    starts.count += 1;
    return starts.count > startsAtMost;
  }
}
