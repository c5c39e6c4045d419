import { RelayError } from '../errors.ts';
import { type NewReplayMark, type ReplayResult, replayResults } from './kept-delivery.ts';
import type { RedisScripts } from './redis-scripts.ts';
import { keptReplays } from './replay-marks.ts';
import { runScript } from './run-script.ts';

/**
 * Puts a job back to be attempted anew, all in one script: no worker gets it without its mark, no two replays move it
 * twice, and the ledger changes with it.
 *
 * The moves are those of BullMQ 6.7 (`reprocessJob-9.lua`, `promote-9.lua`) for what jobs are here: without priority, parent
 * or LIFO. Compare them when BullMQ is upgraded. What differs: the record of the attempt that had delivered is kept among
 * the stack traces, where those of failed ones are; and BullMQ counts what ends in metrics that only ever grow, so that the
 * ledger takes down what has left its end again, see `redis-ledger.ts`.
 *
 * The first write is one that a Redis which is full refuses: nothing is done by halves.
 *
 * KEYS: job, completed, failed, delayed, wait, meta, active, marker, events, ledger.
 * ARGV: id, mark as JSON, '1' to put back what was delivered too, how many marks are kept.
 */
const replayJob = `
local job, completed, failed, delayed, wait, meta, active, marker, events, ledger = unpack(KEYS)
local id, mark, isForced, kept = ARGV[1], cjson.decode(ARGV[2]), ARGV[3] == '1', tonumber(ARGV[4])

local function decode(text)
  local isJson, value = pcall(cjson.decode, text or '')
  return isJson and type(value) == 'table' and value or {}
end
local function isRecord(text)
  return type(decode(text).attempt) == 'number'
end

if redis.call('EXISTS', job) == 0 then return 'gone' end
local fields = redis.call('HMGET', job, 'progress', 'stacktrace', 'returnvalue')
local marks, stacktrace, returnvalue = decode(fields[1]), fields[2], fields[3]
local before = marks[#marks]
if before and before.replayId == mark.replayId then return 'replayed' end

local isDelivered = redis.call('ZSCORE', completed, id)
local isDead = not isDelivered and redis.call('ZSCORE', failed, id)
local isDelayed = redis.call('ZSCORE', delayed, id)
if isDelivered and not isForced then return 'delivered_already' end
if not (isDelivered or isDead or isDelayed) then return 'on_its_way' end

local traces = decode(stacktrace)
if isDelivered and isRecord(returnvalue) then
  traces[#traces + 1] = returnvalue
  local trace = cjson.encode(returnvalue)
  stacktrace = #traces == 1 and '[' .. trace .. ']' or string.sub(stacktrace, 1, -2) .. ',' .. trace .. ']'
end

-- Counted by the records' own numbers: only the last 100 are kept. Older ones may all say 1, from before they were.
local count, attempts = 0, before and before.attemptsBefore or 0
for _, trace in ipairs(traces) do
  if isRecord(trace) then
    count = count + 1
    attempts = math.max(attempts, count, decode(trace).attempt)
  end
end
mark.attemptsBefore = attempts
marks[#marks + 1] = mark
while #marks > kept do table.remove(marks, 1) end
redis.call('HSET', job, 'progress', cjson.encode(marks))
if stacktrace then redis.call('HSET', job, 'stacktrace', stacktrace) end

-- BullMQ's isQueuePausedOrMaxed: workers are not woken then.
local function mayWake()
  local limits = redis.call('HMGET', meta, 'paused', 'concurrency')
  return not limits[1] and not (limits[2] and redis.call('LLEN', active) >= tonumber(limits[2]))
end
local function wake(previous)
  redis.call('LPUSH', wait, id)
  if mayWake() then redis.call('ZADD', marker, 0, '0') end
  redis.call('XADD', events, 'MAXLEN', '~', redis.call('HGET', meta, 'opts.maxLenEvents') or 10000, '*',
    'event', 'waiting', 'jobId', id, 'prev', previous)
end

if isDelayed then
  redis.call('ZREM', delayed, id)
  redis.call('HSET', job, 'delay', 0)
  wake('delayed')
  return 'brought_forward'
end
redis.call('ZREM', isDelivered and completed or failed, id)
redis.call('HDEL', job, 'finishedOn', 'processedOn', 'returnvalue', 'failedReason')
redis.call('HINCRBY', ledger, isDelivered and 'backFromDelivered' or 'backFromDead', 1)
wake(isDelivered and 'completed' or 'failed')
return 'replayed'`;

/** In the order in which the script takes them apart. */
const keyNames = ['completed', 'failed', 'delayed', 'wait', 'meta', 'active', 'marker', 'events', 'ledger'] as const;

/** @param prefix of the queue's keys, with the colon at its end */
export async function replayDelivery(
  client: RedisScripts,
  prefix: string,
  id: string,
  { replayId, atMs, resign }: NewReplayMark,
  isForced: boolean,
): Promise<ReplayResult> {
  const keys = [`${prefix}${id}`, ...keyNames.map((name) => `${prefix}${name}`)];
  const mark = JSON.stringify({ replayId, atMs, resign });
  const answer = await runScript(client, replayJob, keys.length, ...keys, id, mark, isForced ? 1 : 0, keptReplays);
  const result = replayResults.find((known) => known === answer);
  if (result === undefined) throw new RelayError('internal', 'Redis answered something else');
  return result;
}
