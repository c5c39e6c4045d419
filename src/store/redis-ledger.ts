import type { Cluster, Redis } from 'ioredis';
import { RelayError } from '../errors.ts';
import type { NewJob } from './engine.ts';
import { dayMinutes, minuteMs } from './minutes.ts';
import { runScript } from './run-script.ts';
import type { IntakeAccount, QueueAccount, QueueMinute } from './store.ts';

export type Client = Redis | Cluster;

/**
 * Puts jobs into the index, which orders them by when they were added, and counts the new ones: those that are not in it with
 * the moment at which they were added. Whoever puts a job there was the first to add it, exact also when two processes add
 * the same id at the same instant, when one died between adding and counting, or when an id is added again after retention
 * had removed it. Jobs from before there was an index say `counted`.
 * KEYS: the ledger, the index. ARGV: the prefix of the queue's keys, the minute, ids. Answers 1 new, 0 there before, -1 not
 * there.
 */
const markNew = `
local prefix, answers, new = ARGV[1], {}, 0
for i = 3, #ARGV do
  local id, answer = ARGV[i], 0
  local job = redis.call('HMGET', prefix .. id, 'timestamp', 'counted')
  if not job[1] then answer = -1
  elseif tonumber(redis.call('ZSCORE', KEYS[2], id) or nil) ~= tonumber(job[1]) then
    redis.call('ZADD', KEYS[2], job[1], id)
    if not job[2] then answer, new = 1, new + 1 end
  end
  answers[i - 2] = answer
end
if new > 0 then
  redis.call('HINCRBY', KEYS[1], 'accepted', new)
  redis.call('HINCRBY', KEYS[1], ARGV[2], new)
end
return answers`;

/** Of a script: its text, how many of what follows are keys, the keys, the arguments. */
type ScriptArguments = readonly [script: string, keyCount: number, ...keysAndArgs: (string | number)[]];

/**
 * For `eval` right behind the adds: marks jobs as added, and counts the new ones.
 *
 * @param prefix of the queue's keys, with the colon at its end
 */
export function markArguments(prefix: string, jobs: readonly Pick<NewJob, 'id'>[], nowMs: number): ScriptArguments {
  const ids = jobs.map(({ id }) => id);
  return [markNew, 2, `${prefix}ledger`, `${prefix}index`, prefix, Math.floor(nowMs / minuteMs), ...ids];
}

/**
 * @param answer to `markArguments`
 * @returns for each job whether it is new
 * @throws RelayError `store_unavailable` when one is not there: delivered and removed by retention within this very moment,
 *   or not written. Zoom sends it again, it folds.
 */
export function readMarkAnswers(answer: unknown): readonly boolean[] {
  if (!Array.isArray(answer)) throw new RelayError('internal', 'Redis answered something else');
  if (answer.includes(-1)) throw new RelayError('store_unavailable', 'a delivery was not found after adding it');
  return answer.map((each) => each === 1);
}

/**
 * What accounts are made of, in one command. KEYS: the ledger, which tells the slot. ARGV: the prefix of the queue's keys, how
 * many minutes. Answers the ledger, of `completed` and `failed` BullMQ's metrics and their minutes, and how many are pending.
 */
const readAll = `
local prefix, minutes = ARGV[1], tonumber(ARGV[2])
local pending = 0
for _, list in ipairs({ 'wait', 'paused', 'active' }) do pending = pending + redis.call('LLEN', prefix .. list) end
for _, set in ipairs({ 'delayed', 'prioritized' }) do pending = pending + redis.call('ZCARD', prefix .. set) end
local answer = { redis.call('HGETALL', KEYS[1]) }
for _, ended in ipairs({ 'completed', 'failed' }) do
  answer[#answer + 1] = redis.call('HGETALL', prefix .. 'metrics:' .. ended)
  answer[#answer + 1] = redis.call('LRANGE', prefix .. 'metrics:' .. ended .. ':data', 0, minutes - 1)
end
answer[#answer + 1] = pending
return answer`;

/**
 * BullMQ's metrics count each end of a job and never go back: what has left its end again, by a replay, is taken off here.
 * The minutes tell what ended in them, also of what was put back later.
 *
 * @param prefix of the queue's keys, with the colon at its end
 */
export async function readQueueAccount(client: Client, prefix: string, nowMs: number): Promise<QueueAccount> {
  const answer = await runScript(client, readAll, 1, `${prefix}ledger`, prefix, dayMinutes);
  if (!Array.isArray(answer)) throw new RelayError('internal', 'Redis answered something else');
  const [ledger, completed, completedData, failed, failedData, pending]: readonly unknown[] = answer;
  const accepted = pairsOf(ledger);
  const [delivered, dead] = [pairsOf(completed), pairsOf(failed)];
  return {
    accepted: accepted.accepted ?? 0,
    delivered: (delivered.count ?? 0) - (accepted.backFromDelivered ?? 0),
    pending: Number(pending),
    dead: (dead.count ?? 0) - (accepted.backFromDead ?? 0),
    minutes: mergeMinutes(accepted, bullMinutes(delivered, completedData), bullMinutes(dead, failedData), nowMs),
  };
}

/**
 * BullMQ's metrics: `count` in all, `prevCount` at `prevTS`, and what each minute before that added, newest first.
 *
 * @returns minute → count
 */
function bullMinutes(meta: Readonly<Record<string, number>>, data: unknown): ReadonlyMap<number, number> {
  const { count = 0, prevCount = 0, prevTS } = meta;
  if (prevTS === undefined) return new Map();
  const current = Math.floor(prevTS / minuteMs);
  const past = (Array.isArray(data) ? data : []).map((delta, index) => [current - 1 - index, Number(delta)] as const);
  return new Map([...past, [current, count - prevCount] as const]);
}

function mergeMinutes(
  accepted: Readonly<Record<string, number>>,
  delivered: ReadonlyMap<number, number>,
  dead: ReadonlyMap<number, number>,
  nowMs: number,
): readonly QueueMinute[] {
  const oldest = Math.floor(nowMs / minuteMs) - dayMinutes;
  const numbers = [...Object.keys(accepted).map(Number), ...delivered.keys(), ...dead.keys()];
  const minutes = [...new Set(numbers)].filter((minute) => minute > oldest).toSorted((a, b) => a - b);
  return minutes.map((minute) => ({
    atMs: minute * minuteMs,
    accepted: accepted[minute] ?? 0,
    delivered: delivered.get(minute) ?? 0,
    dead: dead.get(minute) ?? 0,
  }));
}

/** Intake counts lie in one hash per app: `NAME` for totals, `MINUTE:NAME` for minutes. */
export async function countIntake(
  client: Client,
  key: string,
  counts: Readonly<Record<string, number>>,
  nowMs: number,
): Promise<void> {
  const minute = Math.floor(nowMs / minuteMs);
  const pipeline = client.multi();
  for (const [name, count] of Object.entries(counts)) {
    pipeline.hincrby(key, name, count);
    pipeline.hincrby(key, `${minute}:${name}`, count);
  }
  for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
}

export async function readIntake(client: Client, key: string, nowMs: number): Promise<IntakeAccount> {
  const all = recordOf(await client.hgetall(key));
  const oldest = Math.floor(nowMs / minuteMs) - dayMinutes;
  const totals: Record<string, number> = {};
  const minutes = new Map<number, Record<string, number>>();
  for (const [field, count] of Object.entries(all)) {
    const [, minute, name] = /^(\d+):(.+)$/.exec(field) ?? [];
    if (minute === undefined || name === undefined) totals[field] = count;
    else if (Number(minute) > oldest) minutes.set(Number(minute), { ...minutes.get(Number(minute)), [name]: count });
  }
  const sorted = [...minutes].toSorted(([a], [b]) => a - b);
  return { totals, minutes: sorted.map(([minute, counts]) => ({ atMs: minute * minuteMs, counts })) };
}

/** Removes the minutes of a hash that are older than a day. */
export async function forgetOldMinutes(client: Client, key: string, nowMs: number): Promise<void> {
  const oldest = Math.floor(nowMs / minuteMs) - dayMinutes;
  const old = (await client.hkeys(key)).filter(
    (field) => /^\d+(:|$)/.test(field) && Number.parseInt(field, 10) <= oldest,
  );
  if (old.length > 0) await client.hdel(key, ...old);
}

/** Of a script: `[field, value, field, value]`. */
function pairsOf(flat: unknown): Readonly<Record<string, number>> {
  const list: readonly unknown[] = Array.isArray(flat) ? flat : [];
  const entries = list.flatMap((field, index) => (index % 2 === 0 ? [[String(field), Number(list[index + 1])]] : []));
  return Object.fromEntries(entries);
}

function recordOf(hash: unknown): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(hash ?? {}).map(([field, value]) => [field, Number(value)]));
}
