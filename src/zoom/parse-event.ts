import { z } from 'zod';
import { eventNameOf } from './event.ts';
import { eventSchemas, type KnownEventName, knownEvents, type OtherZoomEvent, type ZoomEvent } from './events.ts';

/** A body that says which event it is and, for a known one, what that is about. `isEvent` narrows it. */
export interface ParsedEvent {
  readonly kind: 'event';
  readonly name: string;
  readonly event: ZoomEvent<KnownEventName> | OtherZoomEvent;
}

export interface UnreadableEvent {
  readonly kind: 'unreadable';
  /** Names the path of a field, never its value. */
  readonly reason: string;
}

const decoder = new TextDecoder('utf-8', { fatal: true });
const otherEvent = z.looseObject({
  event_ts: z.union([z.number(), z.string()]).nullish().catch(undefined),
  payload: z.looseObject({}).optional().catch(undefined),
});

/**
 * Reads a body as an event. A leading byte order mark is ignored. Integers beyond 2^53 become text of their digits
 * (Zoom declares ids as int64); members named `__proto__` are left out.
 */
export function parseEvent(body: Uint8Array): ParsedEvent | UnreadableEvent {
  const read = readJson(body);
  if (read.kind === 'unreadable') return read;
  const name = eventNameOf(read.parsed);
  if (name === undefined) return unreadable('event: names none');
  const known = knownEvents.find((candidate) => candidate === name);
  return known === undefined ? parseOther(name, read.parsed) : parseKnown(known, read.parsed);
}

function readJson(body: Uint8Array): { readonly kind: 'json'; readonly parsed: unknown } | UnreadableEvent {
  try {
    const text = decoder.decode(body);
    const isRevived = text.length > maxUnrevivedLength || needsReviver.test(text);
    return { kind: 'json', parsed: isRevived ? JSON.parse(text, reviveMember) : JSON.parse(text) };
  } catch (error) {
    if (error instanceof SyntaxError) return unreadable('the body is not JSON');
    // The reviver descends recursively.
    return unreadable(error instanceof RangeError ? 'the body is nested too deeply' : 'the body is not UTF-8');
  }
}

/** A reviver makes parsing ten times as slow. A text that is not longer cannot be nested too deeply for one. */
const maxUnrevivedLength = 4000;
/** Whether there may be an integer beyond 2^53, or a member named `__proto__`, however its underscores are written. */
const needsReviver = /\d{16}|__proto__|\\u005f/i;

/** @see https://tc39.es/proposal-json-parse-with-source/ */
function reviveMember(key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (key === '__proto__') return undefined;
  const source = context?.source ?? '';
  return typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? source : value;
}

function parseKnown(name: KnownEventName, parsed: unknown): ParsedEvent | UnreadableEvent {
  const { success, data, error } = eventSchemas[name].safeParse(parsed);
  if (success) return { kind: 'event', name, event: data };
  const paths = error.issues.map(({ path }) => path.join('.'));
  return unreadable(`${paths.join(', ')}: absent, or not what ${name} has there`);
}

function parseOther(name: string, parsed: unknown): ParsedEvent | UnreadableEvent {
  const { success, data } = otherEvent.safeParse(parsed);
  if (!success) return unreadable('the body is no object');
  return { kind: 'event', name, event: { ...data, event: name } };
}

function unreadable(reason: string): UnreadableEvent {
  return { kind: 'unreadable', reason };
}
