import { RelayError } from '../errors.ts';
import type { DeliveryState, KeptDelivery } from './kept-delivery.ts';
import { readDelivery } from './read-delivery.ts';

const states: readonly DeliveryState[] = ['waiting', 'delayed', 'active', 'delivered', 'dead'];

/** Reads what `describeDelivery` in `redis-delivery-scripts.ts` answers. */
export function readHit(hit: unknown): KeptDelivery {
  if (!Array.isArray(hit)) throw new RelayError('internal', 'Redis answered something else');
  const [score, id, state, at, name, timestamp, progress, failedReason, data, stacktrace, returnValue] =
    hit.map(asText);
  return readDelivery({
    position: { atMs: score ?? '', id: id ?? '' },
    state: parseState(state),
    atMs: at === undefined ? undefined : Number(at),
    name: name ?? '',
    addedAtMs: Number(timestamp),
    progress: parseJson(progress),
    failedReason,
    data: parseJson(data),
    stacktrace: parseJson(stacktrace),
    returnValue: parseJson(returnValue),
  });
}

/** @throws RelayError `internal` */
export function parseState(text: unknown): DeliveryState {
  const state = states.find((known) => known === text);
  if (state === undefined) throw new RelayError('internal', 'the store knows a state that does not exist');
  return state;
}

/** Lua's false, for what is absent, arrives as null. */
function asText(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : String(value);
}

/** What is no JSON stays a text. */
function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
