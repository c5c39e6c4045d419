import { RelayError } from '../errors.ts';
import type { RedisScripts } from './redis-scripts.ts';
import { runScript } from './run-script.ts';

/** In the order in which the script takes them apart. */
const keyNames = ['active', 'wait', 'delayed', 'meta', 'limiter'] as const;

/**
 * For each queue the milliseconds until a worker finds something to do, or an empty text. One command for a queue that is
 * empty. A hold is a limiter with the number BullMQ's `rateLimit` gives it; a delayed job's score is its time × 4096.
 * KEYS: five of each queue. ARGV: what the time is.
 */
const askNextWork = `
local answers, now = {}, tonumber(ARGV[1])
local function dueAt(active, wait, delayed, meta, limiter)
  if redis.call('EXISTS', active, wait, delayed) == 0 then return end
  if redis.call('EXISTS', active) == 1 then return now end
  if redis.call('HEXISTS', meta, 'paused') == 1 then return end
  local due = now
  if redis.call('EXISTS', wait) == 0 then
    due = math.floor(redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2] / 4096)
  end
  if tonumber(redis.call('GET', limiter) or 0) >= 9007199254740991 then
    due = math.max(due, now + redis.call('PTTL', limiter))
  end
  return due
end
for i = 1, #KEYS, ${keyNames.length} do
  local due = dueAt(unpack(KEYS, i, i + ${keyNames.length - 1}))
  answers[#answers + 1] = due and string.format('%.0f', due - now) or ''
end
return answers`;

/**
 * @param prefixes of the queues' keys, with the colon at their ends
 * @param atOnce how many queues one script may look at: 1 where they lie on different nodes
 * @returns for each queue in how many milliseconds there is something to do
 */
export async function readNextWork(
  client: RedisScripts,
  prefixes: readonly string[],
  atOnce: number,
  nowMs: number,
): Promise<readonly (number | undefined)[]> {
  const chunks = Array.from({ length: Math.ceil(prefixes.length / atOnce) }, (_nothing, index) => {
    return prefixes.slice(index * atOnce, (index + 1) * atOnce);
  });
  const answers = await Promise.all(
    chunks.map(async (chunk) => {
      const keys = chunk.flatMap((prefix) => keyNames.map((name) => `${prefix}${name}`));
      const answer = await runScript(client, askNextWork, keys.length, ...keys, nowMs);
      if (!Array.isArray(answer)) throw new RelayError('internal', 'Redis answered something else');
      return answer.map((text) => (text === '' ? undefined : Number(text)));
    }),
  );
  return answers.flat();
}
