import { RelayError } from '../errors.ts';
import type { DeliveryPage, DeliveryQuery } from './kept-delivery.ts';
import { cursorOf, parseCursor } from './position.ts';
import { readHit } from './read-hit.ts';
import { scanSet } from './redis-scan-script.ts';
import type { RedisScripts } from './redis-scripts.ts';
import { runScript } from './run-script.ts';
import { searchTexts } from './search-texts.ts';

/** Entries that one script looks at, so that none holds up Redis for long. */
const scannedAtOnce = 1000;

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
  const answer = await runScript(
    client,
    scanSet,
    1,
    `${prefix}${setOf(query)}`,
    prefix,
    JSON.stringify(argumentsOf(query)),
  );
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
    lowered: query.text?.toLowerCase(),
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
