import { RelayError } from '../errors.ts';
import type { RedisScripts } from './redis-scripts.ts';
import { runScript } from './run-script.ts';
import type { QueueState } from './store.ts';

/** Jobs that are looked at from either end of a list or set. */
const fromEitherEnd = 500;

/**
 * Counts, and looks for the smallest `timestamp`, which is when a job was added. BullMQ takes jobs from the right of
 * `wait` and pushes to the left, also those that come back from `delayed`: the oldest may lie at either end.
 * KEYS: meta, which tells the slot. ARGV: the prefix of the queue's keys, how many to look at from either end.
 */
const countJobs = `
local prefix, few = ARGV[1], tonumber(ARGV[2])
local oldest = false
local function look(ids)
  for _, id in ipairs(ids) do
    local at = tonumber(redis.call('HGET', prefix .. id, 'timestamp'))
    if at and (not oldest or at < oldest) then oldest = at end
  end
end
local function count(name, countCommand, rangeCommand)
  local length = redis.call(countCommand, prefix .. name)
  if rangeCommand and length <= 2 * few then look(redis.call(rangeCommand, prefix .. name, 0, -1))
  elseif rangeCommand then
    look(redis.call(rangeCommand, prefix .. name, 0, few - 1))
    look(redis.call(rangeCommand, prefix .. name, -few, -1))
  end
  return length
end
local waiting = count('wait', 'LLEN', 'LRANGE') + count('paused', 'LLEN', 'LRANGE')
  + count('prioritized', 'ZCARD', 'ZRANGE')
local delayed, active = count('delayed', 'ZCARD', 'ZRANGE'), count('active', 'LLEN', 'LRANGE')
local delivered, dead = count('completed', 'ZCARD'), count('failed', 'ZCARD')
local isPaused = redis.call('HEXISTS', KEYS[1], 'paused')
return { waiting, delayed, active, delivered, dead, isPaused, oldest and string.format('%.0f', oldest) }`;

/** @param prefix of the queue's keys, with the colon at its end */
export async function readQueueState(client: RedisScripts, prefix: string): Promise<QueueState> {
  const answer = await runScript(client, countJobs, 1, `${prefix}meta`, prefix, fromEitherEnd);
  if (!Array.isArray(answer)) throw new RelayError('internal', 'Redis answered something else');
  const [waiting, delayed, active, delivered, dead, isPaused, oldest] = answer.map(Number);
  return {
    waiting: waiting ?? 0,
    delayed: delayed ?? 0,
    active: active ?? 0,
    delivered: delivered ?? 0,
    dead: dead ?? 0,
    isPaused: isPaused === 1,
    oldestPendingAtMs: oldest || undefined, // Lua's false arrives as null
  };
}
