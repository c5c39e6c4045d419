import { RelayError } from '../errors.ts';
import type { DeliveryPage, DeliveryQuery } from './kept-delivery.ts';
import { cursorOf, parseCursor } from './position.ts';
import { readHit } from './read-hit.ts';
import { deliveryStates, describeDelivery } from './redis-delivery-scripts.ts';
import type { RedisScripts } from './redis-scripts.ts';
import { searchTexts } from './search-texts.ts';

/** Entries that one script looks at, so that none holds up Redis for long. */
const scannedAtOnce = 1000;

/**
 * Looks at a chunk of a sorted set, beginning behind a place in it (a score and an id, whether or not it is still there),
 * from the newest or the oldest on.
 * KEYS: the set. ARGV: the prefix of the queue's keys, the query as JSON. Answers how many were looked at, the place of the
 * last one, whether there are more, and what was found.
 */
const scanSet = `
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

local function hasText(text)
  if type(text) ~= 'string' then return false end
  for _, wanted in ipairs(query.texts) do
    if string.find(text, wanted.raw, 1, true) then return true end
  end
  return false
end

-- First in the JSON as it is, which costs a microsecond; what is found there may stand elsewhere than in body and headers.
local function holdsText(data)
  local isNear = false
  for _, wanted in ipairs(query.texts) do isNear = isNear or string.find(data, wanted.escaped, 1, true) end
  if not isNear then return false end
  local isJson, content = pcall(cjson.decode, data)
  if not isJson or type(content) ~= 'table' then return hasText(data) end
  if hasText(content.text) then return true end
  if type(content.headers) ~= 'table' then return false end
  for _, value in pairs(content.headers) do
    if hasText(value) then return true end
  end
  return false
end

local hasFilter = query.event or query.eventPrefix or query.since or query['until'] or query.endedBefore or query.isPending
local function passes(id)
  if hasFilter then
    local job = redis.call('HMGET', prefix .. id, 'name', 'timestamp', 'finishedOn')
    local name, addedAt, endedAt = job[1], tonumber(job[2]), tonumber(job[3])
    if not name or not addedAt then return false end
    if query.event and name ~= query.event then return false end
    if query.eventPrefix and string.sub(name, 1, #query.eventPrefix) ~= query.eventPrefix then return false end
    if query.since and addedAt < query.since then return false end
    if query['until'] and addedAt >= query['until'] then return false end
    if query.endedBefore and not (endedAt and endedAt < query.endedBefore) then return false end
    if query.isPending and endedAt then return false end
  end
  if #query.texts > 0 then
    local data = redis.call('HGET', prefix .. id, 'data')
    return data and holdsText(data)
  end
  return hasFilter or redis.call('EXISTS', prefix .. id) == 1
end

local first = query.low and redis.call('ZCOUNT', source, '-inf', '(' .. query.low) or 0
local last = (query.high and redis.call('ZCOUNT', source, '-inf', '(' .. query.high) or redis.call('ZCARD', source)) - 1
local step = query.isDescending and -1 or 1
if query.behind then
  local place = countBelow(query.behind.atMs, query.behind.id)
  local score = redis.call('ZSCORE', source, query.behind.id)
  local isThere = score and tonumber(score) == tonumber(query.behind.atMs)
  if query.isDescending then last = math.min(last, place - 1)
  else first = math.max(first, isThere and place + 1 or place) end
end
if first > last then return { 0, '', '', 0 } end
local from = query.isDescending and last or first
local to = query.isDescending and math.max(first, last - query.chunk + 1) or math.min(last, first + query.chunk - 1)
local lowest = math.min(from, to)
local ids = redis.call('ZRANGE', source, lowest, math.max(from, to))
local hits, rank = {}, from
while true do
  local id = ids[rank - lowest + 1]
  if passes(id) then
    local state, at = stateOf(id)
    if not query.state or state == query.state then
      hits[#hits + 1] = describe(id, redis.call('ZSCORE', source, id), state, at, query.isBrief)
    end
  end
  if rank == to or #hits == query.limit then break end
  rank = rank + step
end
local id = ids[rank - lowest + 1]
local hasMore = rank ~= (query.isDescending and first or last)
return { math.abs(rank - from) + 1, redis.call('ZSCORE', source, id), id, hasMore and 1 or 0, unpack(hits) }`;

/**
 * One step of a search, in the index of all jobs or in BullMQ's own sets of delivered and dead ones.
 *
 * @param prefix of the queue's keys, with the colon at its end
 * @throws RelayError `cursor_invalid`
 */
export async function scanDeliveries(
  client: RedisScripts,
  prefix: string,
  query: DeliveryQuery,
): Promise<DeliveryPage> {
  const answer = await client.eval(scanSet, 1, `${prefix}${setOf(query)}`, prefix, JSON.stringify(argumentsOf(query)));
  if (!Array.isArray(answer)) throw new RelayError('internal', 'Redis answered something else');
  const [lookedAt, atMs, id, hasMore, ...hits]: readonly unknown[] = answer;
  return {
    deliveries: hits.map(readHit),
    lookedAt: Number(lookedAt),
    ...(hasMore === 1 && { cursor: cursorOf({ atMs: String(atMs), id: String(id) }) }),
  };
}

function setOf({ state }: DeliveryQuery): string {
  if (state === 'delivered') return 'completed';
  return state === 'dead' ? 'failed' : 'index';
}

/** For the script. The bounds of the list itself are left to the sorted set; other bounds are filters. */
function argumentsOf(query: DeliveryQuery) {
  const { state, event = '*', sinceMs, untilMs, endedBeforeMs, cursor, order, limit, isBrief = false } = query;
  const listsEnded = state === 'delivered' || state === 'dead';
  return {
    state,
    isPending: state !== undefined && !listsEnded,
    ...(listsEnded
      ? { since: sinceMs, until: untilMs, high: asText(endedBeforeMs) }
      : { low: asText(sinceMs), high: asText(untilMs), endedBefore: endedBeforeMs }),
    ...(event.endsWith('*') ? event !== '*' && { eventPrefix: event.slice(0, -1) } : { event }),
    texts: searchTexts(query.text),
    ...(cursor !== undefined && { behind: parseCursor(cursor) }),
    isDescending: order === 'newest',
    isBrief,
    limit,
    chunk: scannedAtOnce,
  };
}

function asText(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : String(ms);
}
