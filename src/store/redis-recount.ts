import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { minuteMs } from './minutes.ts';
import type { RedisScripts } from './redis-scripts.ts';
import { runScript } from './run-script.ts';

/** Jobs that one script looks at, so that none holds up Redis for long. */
const lookedAtOnce = 1000;
/** What is younger is left to the process that is adding it, which would else be told that it was not the first. */
const settledAfterMs = 5000;
/** How long it rests after each script, for each millisecond that the script took, and at most: a twentieth of the time. */
const restForEach = 19;
const longestRestMs = 2000;
/** Longer than any rest, and soon over when the process dies. */
const leaseMs = 10_000;

/**
 * Counts jobs that are not in the index with the moment at which they were added, and puts them there; see `redis-ledger.ts`.
 * Looks where jobs go one after the other, at the newest first.
 * KEYS: the ledger, the index, the lease. ARGV: the prefix of the queue's keys, the minute, who has the lease, for how long,
 * before when jobs must have been added, '1' to look at all of them, the place to look at, from where in it, at how many.
 * Answers place and from where to go on: place 0 when there is nothing more to look for, -1 while another has the lease.
 */
const countMissed = `
local prefix, minute, holder, lease, before = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local place, from, left = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local places = {
  { 'wait', 'LRANGE' }, { 'paused', 'LRANGE' }, { 'prioritized', 'ZREVRANGE' }, { 'active', 'LRANGE' },
  { 'delayed', 'ZREVRANGE' }, { 'completed', 'ZREVRANGE' }, { 'failed', 'ZREVRANGE' },
}
local function numberOf(key, field) return tonumber(redis.call('HGET', prefix .. key, field) or nil) or 0 end
local function isEnough()
  if ARGV[6] == '1' then return false end
  local off = numberOf('ledger', 'accepted') + numberOf('ledger', 'backFromDelivered') + numberOf('ledger', 'backFromDead')
    - numberOf('metrics:completed', 'count') - numberOf('metrics:failed', 'count')
  for _, list in ipairs({ 'wait', 'paused', 'active' }) do off = off - redis.call('LLEN', prefix .. list) end
  for _, set in ipairs({ 'delayed', 'prioritized' }) do off = off - redis.call('ZCARD', prefix .. set) end
  return off >= 0
end

if isEnough() then return { 0, 0 } end
if (redis.call('GET', KEYS[3]) or holder) ~= holder then return { -1, 0 } end
redis.call('SET', KEYS[3], holder, 'PX', lease)
local new = 0
while places[place] and left > 0 do
  local name, range = unpack(places[place])
  local ids = redis.call(range, prefix .. name, from, from + left - 1)
  for _, id in ipairs(ids) do
    local job = redis.call('HMGET', prefix .. id, 'timestamp', 'counted')
    local addedAt = tonumber(job[1] or nil)
    if addedAt and addedAt < before and tonumber(redis.call('ZSCORE', KEYS[2], id) or nil) ~= addedAt then
      redis.call('ZADD', KEYS[2], job[1], id)
      if not job[2] then new = new + 1 end
    end
  end
  if #ids < left then place, from = place + 1, 0 else from = from + left end
  left = left - #ids
end
if new > 0 then
  redis.call('HINCRBY', KEYS[1], 'accepted', new)
  redis.call('HINCRBY', KEYS[1], minute, new)
end
if not places[place] or isEnough() then return { 0, 0 } end
return { place, from }`;

/** Where to look: a place, counted from 1, and how far in it. */
type Position = readonly [place: number, from: number];

interface RecountTimes {
  /** Milliseconds on a clock that only goes forward. */
  readonly clockMs: () => number;
  readonly rest: (ms: number, closing: AbortSignal) => Promise<unknown>;
}

const recountTimes: RecountTimes = {
  clockMs: () => performance.now(),
  rest: (ms, closing) => delay(ms, undefined, { signal: closing, ref: false }),
};

/**
 * Counts what a process that was killed had stored, but not counted yet. In the background: one queue at a time, a twentieth
 * of the time, by one process, until no more deliveries are there than were counted.
 */
export class RedisRecounts {
  readonly #client: () => RedisScripts;
  readonly #nowMs: () => number;
  readonly #closing: AbortSignal;
  readonly #times: RecountTimes;
  readonly #holder = randomUUID();
  readonly #wanted = new Set<string>();
  #running: Promise<void> | undefined;

  constructor(
    client: () => RedisScripts,
    nowMs: () => number,
    closing: AbortSignal,
    times: RecountTimes = recountTimes,
  ) {
    this.#client = client;
    this.#nowMs = nowMs;
    this.#closing = closing;
    this.#times = times;
  }

  /**
   * Begins with a queue, unless it is under way. When the store goes away under it, it ends: upkeep begins anew.
   *
   * @param prefix of the queue's keys, with the colon at its end
   */
  begin(prefix: string): void {
    this.#wanted.add(prefix);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /**
   * Looks at all jobs that are kept, and puts into the index those that are not there.
   *
   * @returns whether all were looked at, and not by another process
   */
  async completeIndex(prefix: string): Promise<boolean> {
    return this.#walk(prefix, true);
  }

  async #run(): Promise<void> {
    for (const prefix of this.#wanted) {
      await this.#walk(prefix, false).catch(() => undefined);
      this.#wanted.delete(prefix);
    }
  }

  async #walk(prefix: string, isForAll: boolean): Promise<boolean> {
    let position: Position = [1, 0];
    while (position[0] > 0) {
      const startedAtMs = this.#times.clockMs();
      position = await this.#look(prefix, isForAll, position);
      const tookMs = this.#times.clockMs() - startedAtMs;
      await this.#times.rest(Math.min(tookMs * restForEach, longestRestMs), this.#closing);
    }
    return position[0] === 0;
  }

  async #look(prefix: string, isForAll: boolean, position: Position): Promise<Position> {
    const nowMs = this.#nowMs();
    const keys = ['ledger', 'index', 'recount'].map((key) => `${prefix}${key}`);
    const lease = [Math.floor(nowMs / minuteMs), this.#holder, leaseMs, nowMs - settledAfterMs];
    const where = [isForAll ? 1 : 0, ...position, lookedAtOnce];
    const answer = await runScript(this.#client(), countMissed, keys.length, ...keys, prefix, ...lease, ...where);
    const [place = 0, from = 0] = Array.isArray(answer) ? answer.map(Number) : [];
    return [place, from];
  }
}
