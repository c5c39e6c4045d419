import { deliveryStates, describeDelivery } from './redis-delivery-scripts.ts';

/**
 * Looks at a chunk of a sorted set, beginning behind a place in it (a score and an id, whether or not it is still there),
 * from the newest or the oldest on. A pending state of which there are few is read from where BullMQ has it, in the order of
 * the index: what is delayed may be strewn over all that is kept.
 * KEYS: the set. ARGV: the prefix of the queue's keys, the query as JSON. Answers how many were looked at, the place of the
 * last one, whether there are more, and what was found.
 */
export const scanSet = `
local prefix, query = ARGV[1], cjson.decode(ARGV[2])
local source = KEYS[1]
${deliveryStates}
${describeDelivery}

-- As Redis orders members of one score; Lua's own comparison goes by the locale.
local function isBelow(one, other)
  for i = 1, math.min(#one, #other) do
    local a, b = string.byte(one, i), string.byte(other, i)
    if a ~= b then return a < b end
  end
  return #one < #other
end

-- How many entries are below a place, by halving those of its score.
local function countBelow(score, id)
  local low = redis.call('ZCOUNT', source, '-inf', '(' .. score)
  local high = redis.call('ZCOUNT', source, '-inf', score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if isBelow(redis.call('ZRANGE', source, middle, middle)[1], id) then low = middle + 1 else high = middle end
  end
  return low
end

local call, find = redis.call, string.find
local function hasText(text, form)
  if type(text) ~= 'string' then return false end
  for _, wanted in ipairs(query.texts) do
    local each = wanted[form]
    if each and find(text, each, 1, true) then return true end
  end
  return false
end
local function hasHeader(headers)
  if type(headers) ~= 'table' then return false end
  for _, value in pairs(headers) do
    if hasText(value, 'raw') then return true end
  end
  return false
end
-- Job data of versions 2 and 1.
local function holdsContent(content)
  if content[1] ~= 2 then return hasText(content.text, 'raw') or hasHeader(content.headers) end
  local form = content[2] == 0 and 'ticked' or content[2] == 1 and 'raw'
  return form and hasText(content[6], form) or hasHeader(content[5])
end

-- In the handles if they are kept, which are short: Lua takes a microsecond for each KB that it is given. They stand in the
-- name, see redis-job-name.ts, or from releases before in a field of their own. Else in the JSON as it is first; what is found
-- there may stand elsewhere than in body and headers.
local isWanted = #query.texts > 0
local function holdsText(id)
  local name = call('HGET', prefix .. id, 'name')
  local label = name and find(name, '#', 1, true)
  if label then return find(name, query.lowered, label + 1, true) end
  local handles = call('HGET', prefix .. id, 'handles')
  if handles then return find(handles, query.lowered, 1, true) end
  local data = call('HGET', prefix .. id, 'data')
  if not data or not (hasText(data, 'escaped') or hasText(data, 'escapedTicked')) then return false end
  local isJson, content = pcall(cjson.decode, data)
  if not isJson or type(content) ~= 'table' then return hasText(data, 'raw') end
  return holdsContent(content)
end

local hasFilter = query.event or query.eventPrefix or query.since or query['until'] or query.endedBefore or query.isPending
local function passes(id)
  if hasFilter then
    local job = redis.call('HMGET', prefix .. id, 'name', 'timestamp', 'finishedOn')
    local name, addedAt, endedAt = job[1], tonumber(job[2]), tonumber(job[3])
    if not name or not addedAt then return false end
    if query.event and string.sub(name, 1, (find(name, '#', 1, true) or 0) - 1) ~= query.event then return false end
    if query.eventPrefix and string.sub(name, 1, #query.eventPrefix) ~= query.eventPrefix then return false end
    if query.since and addedAt < query.since then return false end
    if query['until'] and addedAt >= query['until'] then return false end
    if query.endedBefore and not (endedAt and endedAt < query.endedBefore) then return false end
    if query.isPending and endedAt then return false end
  end
  if isWanted then return holdsText(id) end
  return hasFilter or redis.call('EXISTS', prefix .. id) == 1
end

-- The ids and scores of a pending state in ascending order, as far as the query wants them; nil if there are many.
local function readFew()
  local lists = { waiting = { 'wait', 'paused' }, active = { 'active' }, delayed = {} }
  local sets = { waiting = { 'prioritized' }, active = {}, delayed = { 'delayed' } }
  local ids, scores, count = {}, {}, 0
  for _, name in ipairs(lists[query.state]) do count = count + redis.call('LLEN', prefix .. name) end
  for _, name in ipairs(sets[query.state]) do count = count + redis.call('ZCARD', prefix .. name) end
  if count > query.chunk then return nil end
  local function isWanted(id, score)
    local at, behind = tonumber(score), query.behind
    if not at or (query.low and at < tonumber(query.low)) or (query.high and at >= tonumber(query.high)) then return false end
    if not behind then return true end
    if at ~= tonumber(behind.atMs) then return (at < tonumber(behind.atMs)) == query.isDescending end
    return id ~= behind.id and isBelow(id, behind.id) == query.isDescending
  end
  local function take(each)
    for _, id in ipairs(each) do
      local score = redis.call('HGET', prefix .. id, 'timestamp')
      if isWanted(id, score) then ids[#ids + 1], scores[id] = id, score end
    end
  end
  for _, name in ipairs(lists[query.state]) do take(redis.call('LRANGE', prefix .. name, 0, -1)) end
  for _, name in ipairs(sets[query.state]) do take(redis.call('ZRANGE', prefix .. name, 0, -1)) end
  table.sort(ids, function(one, other)
    local a, b = tonumber(scores[one]), tonumber(scores[other])
    if a ~= b then return a < b end
    return isBelow(one, other)
  end)
  return ids, scores
end

-- The ranks between which the query lies in the set.
local function findRange()
  local first = query.low and redis.call('ZCOUNT', source, '-inf', '(' .. query.low) or 0
  local last = (query.high and redis.call('ZCOUNT', source, '-inf', '(' .. query.high) or redis.call('ZCARD', source)) - 1
  if query.behind then
    local place = countBelow(query.behind.atMs, query.behind.id)
    local score = redis.call('ZSCORE', source, query.behind.id)
    local isThere = score and tonumber(score) == tonumber(query.behind.atMs)
    if query.isDescending then last = math.min(last, place - 1)
    else first = math.max(first, isThere and place + 1 or place) end
  end
  return first, last
end

local ids, scores = nil, nil
if query.isPending then ids, scores = readFew() end
local first, last = 0, 0
if ids then last = #ids - 1 else first, last = findRange() end
if first > last then return { 0, '', '', 0 } end
local step = query.isDescending and -1 or 1
local from = query.isDescending and last or first
local to = query.isDescending and math.max(first, last - query.chunk + 1) or math.min(last, first + query.chunk - 1)
local lowest = math.min(from, to)
if not ids then ids = redis.call('ZRANGE', source, lowest, math.max(from, to)) end
local function scoreOf(id)
  return scores and scores[id] or redis.call('ZSCORE', source, id)
end
local hits, rank = {}, from
while true do
  local id = ids[rank - lowest + 1]
  if passes(id) then
    local state, at = stateOf(id)
    if not query.state or state == query.state then
      hits[#hits + 1] = describe(id, scoreOf(id), state, at, query.isBrief)
    end
  end
  if rank == to or #hits == query.limit then break end
  rank = rank + step
end
local id = ids[rank - lowest + 1]
local hasMore = rank ~= (query.isDescending and first or last)
return { math.abs(rank - from) + 1, scoreOf(id), id, hasMore and 1 or 0, unpack(hits) }`;
