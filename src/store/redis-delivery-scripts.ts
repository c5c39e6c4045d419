/**
 * Lua for scripts that tell of deliveries; `prefix` is that of the queue's keys. A state is found without walking BullMQ's
 * lists: finished and delayed jobs by their scores in its sorted sets; of the others those in `active`, which holds no more
 * than the workers attempt at once and is read once for each script, are active; what is left waits.
 */
export const deliveryStates = `
local active = nil
local function stateOf(id)
  local at = redis.call('ZSCORE', prefix .. 'completed', id)
  if at then return 'delivered', at end
  at = redis.call('ZSCORE', prefix .. 'failed', id)
  if at then return 'dead', at end
  at = redis.call('ZSCORE', prefix .. 'delayed', id)
  if at then return 'delayed', string.format('%.0f', math.floor(tonumber(at) / 0x1000)) end
  if active == nil then
    active = {}
    for _, each in ipairs(redis.call('LRANGE', prefix .. 'active', 0, -1)) do active[each] = true end
  end
  return active[id] and 'active' or 'waiting', false
end`;

/** What `read-hit.ts` reads: a place in a list, a state with its time, and fields of the job. */
export const describeDelivery = `
local function describe(id, score, state, at, isBrief)
  local job = redis.call('HMGET', prefix .. id, 'name', 'timestamp', 'progress', 'failedReason')
  local hit = { score, id, state, at, job[1], job[2], job[3], job[4] }
  if not isBrief then
    local all = redis.call('HMGET', prefix .. id, 'data', 'stacktrace', 'returnvalue')
    for i = 1, 3 do hit[8 + i] = all[i] end
  end
  return hit
end`;
