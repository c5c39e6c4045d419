import { RelayError } from '../errors.ts';
import type { KeptDelivery, Whereabouts } from './kept-delivery.ts';
import { parseState, readHit } from './read-hit.ts';
import { deliveryStates, describeDelivery } from './redis-delivery-scripts.ts';
import type { RedisScripts } from './redis-scripts.ts';
import { runScript } from './run-script.ts';

/** KEYS: the job. ARGV: the prefix of the queue's keys, the id. Its place is that in the index of all jobs. */
const readOne = `
local prefix, id = ARGV[1], ARGV[2]
${deliveryStates}
${describeDelivery}
local addedAt = redis.call('HGET', KEYS[1], 'timestamp')
if not addedAt then return false end
local state, at = stateOf(id)
return describe(id, addedAt, state, at, false)`;

/** KEYS: meta, which tells the slot. ARGV: the prefix of the queue's keys, ids. Answers state and time of each. */
const locate = `
local prefix = ARGV[1]
${deliveryStates}
local answer = {}
for i = 2, #ARGV do
  if redis.call('EXISTS', prefix .. ARGV[i]) == 0 then answer[i - 1] = false
  else answer[i - 1] = { stateOf(ARGV[i]) } end
end
return answer`;

/** @param prefix of the queue's keys, with the colon at its end */
export async function readKeptDelivery(
  client: RedisScripts,
  prefix: string,
  id: string,
): Promise<KeptDelivery | undefined> {
  const hit = await runScript(client, readOne, 1, `${prefix}${id}`, prefix, id);
  return hit === null ? undefined : readHit(hit);
}

/** @param prefix of the queue's keys, with the colon at its end */
export async function locateDeliveries(
  client: RedisScripts,
  prefix: string,
  ids: readonly string[],
): Promise<readonly (Whereabouts | undefined)[]> {
  const answer = await runScript(client, locate, 1, `${prefix}meta`, prefix, ...ids);
  if (!Array.isArray(answer)) throw new RelayError('internal', 'Redis answered something else');
  return answer.map((found: unknown) => {
    if (!Array.isArray(found)) return undefined;
    const [text, at]: readonly unknown[] = found;
    const state = parseState(text);
    return state === 'delivered' || state === 'dead' ? { state, endedAtMs: Number(at) } : { state };
  });
}
