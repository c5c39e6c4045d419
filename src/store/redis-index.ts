import type { Client } from './redis-ledger.ts';
import type { RedisRecounts } from './redis-recount.ts';
import { runScript } from './run-script.ts';

/** Entries that one script looks at, so that none holds up Redis for long. */
const sweptAtOnce = 1000;
/** Entries that are looked at for each that must be gone, and at least, in one go. */
const sweptForEach = 20;
const leastSwept = 50_000;

/**
 * By how many entries the index exceeds the jobs that are kept: BullMQ removes jobs as they finish, and knows nothing of it.
 * KEYS: meta, which tells the slot. ARGV: the prefix of the queue's keys. Answers how many entries there are, and by how
 * many that is too many.
 */
const countHoles = `
local prefix = ARGV[1]
local kept = 0
for _, list in ipairs({ 'wait', 'paused', 'active' }) do kept = kept + redis.call('LLEN', prefix .. list) end
for _, set in ipairs({ 'delayed', 'prioritized', 'completed', 'failed' }) do kept = kept + redis.call('ZCARD', prefix .. set) end
local size = redis.call('ZCARD', prefix .. 'index')
return { size, size - kept }`;

/** KEYS: the index. ARGV: the prefix of the queue's keys, rank from, rank to. Answers how many were looked at and removed. */
const sweep = `
local ids = redis.call('ZRANGE', KEYS[1], ARGV[2], ARGV[3])
local gone = {}
for _, id in ipairs(ids) do
  if redis.call('EXISTS', ARGV[1] .. id) == 0 then gone[#gone + 1] = id end
end
if #gone > 0 then redis.call('ZREM', KEYS[1], unpack(gone)) end
return { #ids, #gone }`;

/** Keeps the indexes of queues in step with the jobs that are kept, each from where it was left. */
export class RedisIndexes {
  readonly #client: () => Client;
  readonly #recounts: RedisRecounts;
  readonly #ranks = new Map<string, number>();

  constructor(client: () => Client, recounts: RedisRecounts) {
    this.#client = client;
    this.#recounts = recounts;
  }

  /**
   * Removes entries whose job is gone: first the oldest, as long as there are such among them, then a slice further on,
   * another one each time. Also begins to count what a killed process could not.
   *
   * @param prefix of the queue's keys, with the colon at its end
   */
  async tidy(prefix: string): Promise<void> {
    await this.#indexOnce(prefix);
    this.#recounts.begin(prefix);
    const [size, surplus] = numbers(await runScript(this.#client(), countHoles, 1, `${prefix}meta`, prefix));
    let [holes, left] = [surplus, Math.min(size, Math.max(leastSwept, sweptForEach * surplus))];
    let [rank, isAtOldest] = [0, true];
    while (holes > 0 && left > 0) {
      const [seen, gone] = await this.#sweep(prefix, rank);
      holes -= gone;
      left -= sweptAtOnce;
      rank = seen < sweptAtOnce ? 0 : rank + seen - gone;
      if (isAtOldest && gone === 0) {
        rank = Math.max(rank, this.#ranks.get(prefix) ?? 0);
        isAtOldest = false;
      }
    }
    if (!isAtOldest) this.#ranks.set(prefix, rank);
  }

  async #sweep(prefix: string, rank: number): Promise<readonly [seen: number, gone: number]> {
    const to = rank + sweptAtOnce - 1;
    return numbers(await runScript(this.#client(), sweep, 1, `${prefix}index`, prefix, rank, to));
  }

  /** Jobs that were kept before there was an index are taken into it. */
  async #indexOnce(prefix: string): Promise<void> {
    if ((await this.#client().hexists(`${prefix}ledger`, 'indexed')) === 1) return;
    if (await this.#recounts.completeIndex(prefix)) await this.#client().hset(`${prefix}ledger`, 'indexed', 1);
  }
}

function numbers(answer: unknown): readonly [number, number] {
  const [first = 0, second = 0] = Array.isArray(answer) ? answer.map(Number) : [];
  return [first, second];
}
