import { RelayError } from '../errors.ts';
import type { RecordSpace } from './engine.ts';
import { highestKeyFrom } from './record-text.ts';
import type { RedisScripts } from './redis-scripts.ts';
import { runScript } from './run-script.ts';
import type { KeptRecord, RecordChange, RecordQuery } from './store.ts';

/** Removed by one script, so that none holds up Redis for long. */
const forgottenAtOnce = 500;
/** Entries of an index that one script looks at. */
const listedAtOnce = 1000;
/** Redis itself removes a record so long after its expiry, milliseconds: for when no relay tidies up. */
const redisExpiresAfterMs = 24 * 60 * 60 * 1000;

/**
 * The keys of a space, all in one hash slot:
 * `BASE:KEY` is the record (`value`, `expiresAtMs`), `BASE-index` all keys (scores 0, so ordered by their bytes),
 * `BASE-tag:TAG` those with the tag, `BASE-tags` the tags of each key as JSON (which outlives the record, so that the
 * indexes can be put right after it), `BASE-expiry` the keys that expire.
 * KEYS: index, expiry, tags. ARGV: base, now, then what the script needs.
 */
const common = `
local base, now = ARGV[1], tonumber(ARGV[2])
local function held(key)
  local record = redis.call('HMGET', base .. ':' .. key, 'value', 'expiresAtMs')
  if record[1] and not (record[2] and tonumber(record[2]) <= now) then return record[1] end
  return nil
end
local function forget(key)
  local tags = redis.call('HGET', KEYS[3], key)
  for _, tag in ipairs(tags and cjson.decode(tags) or {}) do redis.call('ZREM', base .. '-tag:' .. tag, key) end
  redis.call('HDEL', KEYS[3], key)
  redis.call('ZREM', KEYS[1], key)
  redis.call('ZREM', KEYS[2], key)
  redis.call('DEL', base .. ':' .. key)
end`;

/** ARGV: key, value, tags as JSON, expiry or '', when Redis removes it or '', and only for a comparison: expected. */
const swapRecord = `${common}
local key, value, tags, expiresAtMs, redisExpiresAtMs = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
if held(key) ~= ARGV[8] then return 0 end
forget(key)
redis.call('HSET', base .. ':' .. key, 'value', value)
redis.call('ZADD', KEYS[1], 0, key)
for _, tag in ipairs(cjson.decode(tags)) do redis.call('ZADD', base .. '-tag:' .. tag, 0, key) end
if tags ~= '[]' then redis.call('HSET', KEYS[3], key, tags) end
if expiresAtMs ~= '' then
  redis.call('HSET', base .. ':' .. key, 'expiresAtMs', expiresAtMs)
  redis.call('ZADD', KEYS[2], expiresAtMs, key)
  redis.call('PEXPIREAT', base .. ':' .. key, redisExpiresAtMs)
end
return 1`;

/** ARGV: key. */
const readRecord = `${common}
return held(ARGV[3])`;

/** ARGV: key. */
const removeRecord = `${common}
local was = held(ARGV[3])
forget(ARGV[3])
return was and 1 or 0`;

/** ARGV: how many at most. Answers how many there were. */
const forgetExpired = `${common}
local keys = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])
for _, key in ipairs(keys) do forget(key) end
return #keys`;

/**
 * ARGV: index, range from, range to, limit, how many entries to look at. Answers the key to go on below, '' at the end,
 * then keys and values.
 */
const listPage = `${common}
local keys = redis.call('ZREVRANGEBYLEX', ARGV[3], ARGV[4], ARGV[5], 'LIMIT', 0, ARGV[7])
local answer = { #keys == tonumber(ARGV[7]) and keys[#keys] or '' }
for _, key in ipairs(keys) do
  local value = held(key)
  if value then
    answer[#answer + 1] = key
    answer[#answer + 1] = value
    if #answer > 2 * tonumber(ARGV[6]) then break end
  end
end
return answer`;

/**
 * A space of records in Redis.
 *
 * @param base of the space's keys, with a hash tag
 */
export function openRecordKeys(client: () => RedisScripts, base: string, nowMs: () => number): RecordSpace {
  const run = (script: string, ...args: (string | number)[]): Promise<unknown> => {
    return runScript(client(), script, 3, `${base}-index`, `${base}-expiry`, `${base}-tags`, base, nowMs(), ...args);
  };
  return {
    async read(key: string) {
      const value = await run(readRecord, key);
      return typeof value === 'string' ? value : undefined;
    },

    async swap(key: string, expected: string | undefined, { value, tags = [], expiresAtMs }: RecordChange) {
      const expiry = expiresAtMs === undefined ? ['', ''] : [expiresAtMs, expiresAtMs + redisExpiresAfterMs];
      const comparison = expected === undefined ? [] : [expected];
      return (await run(swapRecord, key, value, JSON.stringify(tags), ...expiry, ...comparison)) === 1;
    },

    async remove(key: string) {
      return (await run(removeRecord, key)) === 1;
    },

    async list(query: RecordQuery) {
      const index = query.tag === undefined ? `${base}-index` : `${base}-tag:${query.tag}`;
      const found: KeptRecord[] = [];
      for (let { before } = query; found.length < query.limit && before !== ''; ) {
        const [to, from] = rangeOf({ ...query, before });
        const missing = query.limit - found.length;
        const [next = '', ...page] = texts(await run(listPage, index, to, from, missing, listedAtOnce));
        found.push(...recordsOf(page));
        before = next;
      }
      return found;
    },

    async forgetExpired() {
      while ((await run(forgetExpired, forgottenAtOnce)) === forgottenAtOnce);
    },
  };
}

/** As `ZREVRANGEBYLEX` takes it: the upper end, the lower end. */
function rangeOf({
  prefix = '',
  before,
}: {
  prefix?: string | undefined;
  before: string | undefined;
}): [string, string] {
  const highest = highestKeyFrom(prefix);
  const isBelow = before !== undefined && Buffer.compare(Buffer.from(before), Buffer.from(highest)) <= 0;
  return [isBelow ? `(${before}` : `[${highest}`, `[${prefix}`];
}

function texts(answer: unknown): readonly string[] {
  if (!Array.isArray(answer)) throw new RelayError('internal', 'Redis answered something else');
  return answer.map(String);
}

function recordsOf(flat: readonly string[]): readonly KeptRecord[] {
  return flat.flatMap((key, index) => (index % 2 === 0 ? [{ key, value: flat[index + 1] ?? '' }] : []));
}
