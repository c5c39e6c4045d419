import { z } from 'zod';
import { type EventPattern, parseEventPattern } from '../../delivery/event-pattern.ts';
import {
  type ConsumerKey,
  consumerKeyRule,
  handlerPrefix,
  isReservedConsumer,
  parseConsumerKey,
} from '../../delivery/names.ts';
import { parseDuration, parseSchedule, scheduleRule } from '../../duration.ts';
import { challengeEvent } from '../../zoom/challenge.ts';
import { knownEvents } from '../../zoom/events.ts';
import { type Handle, handlerMapOf } from './define-handlers.ts';

/** One handler, checked. */
export interface LocalHandler {
  readonly key: ConsumerKey;
  readonly pattern: EventPattern;
  /** Keys of apps; all of them when absent. */
  readonly apps: readonly string[] | undefined;
  readonly concurrency: number | undefined;
  readonly scheduleMs: readonly number[] | undefined;
  readonly timeoutMs: number;
  readonly handle: Handle<unknown>;
}

const defaultTimeoutMs = 30_000;
const timeoutBoundsMs = { min: 100, max: 600_000 };

const handle = z.custom<Handle<unknown>>((value) => typeof value === 'function', 'must be a function');
const settings = z.strictObject({
  handle,
  name: z.string('must be a text').transform(toKey).optional(),
  apps: z.array(z.string(), 'must be a list of keys of apps').min(1, 'must name at least one app').optional(),
  concurrency: z
    .int('must be a whole number from 1 to 1000')
    .min(1, 'must be 1 to 1000')
    .max(1000, 'must be 1 to 1000')
    .optional(),
  retrySchedule: z.array(z.string(), 'must be a list of durations').transform(toScheduleMs).optional(),
  timeout: z.string('must be a duration').transform(toTimeoutMs).default(defaultTimeoutMs),
});

/**
 * Reads what a handler module exports by default.
 *
 * @returns the handlers, and all that is wrong with them
 */
export function readHandlers(exported: unknown): {
  readonly handlers: readonly LocalHandler[];
  readonly problems: readonly string[];
} {
  const map = handlerMapOf(exported);
  if (map === undefined) {
    return {
      handlers: [],
      problems: ['its default export must be what defineHandlers({ … }) of "zoom-relay" returns'],
    };
  }
  const handlers: LocalHandler[] = [];
  const problems: string[] = [];
  for (const [name, entry] of Object.entries(map)) {
    const read = readEntry(name, entry);
    handlers.push(...read.handlers);
    problems.push(...read.problems);
  }
  const keys = handlers.map(({ key }) => key);
  const twice = new Set(keys.filter((key, index) => keys.indexOf(key) !== index));
  problems.push(...[...twice].map((key) => `two handlers are called ${key}: give each a name of its own`));
  if (handlers.length === 0 && problems.length === 0) problems.push('it defines no handler');
  return { handlers, problems };
}

function readEntry(name: string, entry: unknown): ReturnType<typeof readHandlers> {
  const pattern = handledPattern(name);
  if (pattern === undefined) return { handlers: [], problems: [impossible(name)] };
  const handlers: LocalHandler[] = [];
  const problems: string[] = [];
  for (const one of Array.isArray(entry) ? entry : [entry]) {
    const parsed = settings.safeParse(typeof one === 'function' ? { handle: one } : one);
    for (const issue of parsed.error?.issues ?? []) problems.push(`${name}: ${describeIssue(issue)}`);
    if (!parsed.success) continue;
    const { name: ownKey, retrySchedule, timeout, ...rest } = parsed.data;
    const key = ownKey ?? defaultKey(name);
    if (key === undefined) {
      problems.push(`${name}: needs a name of its own: the event's is too long for one`);
      continue;
    }
    const { apps, concurrency } = rest;
    handlers.push({
      key,
      pattern,
      apps,
      concurrency,
      scheduleMs: retrySchedule,
      timeoutMs: timeout,
      handle: rest.handle,
    });
  }
  return { handlers, problems };
}

/** A known event, a prefix or `*`: an exact name that nobody knows would wait for ever, misspelt. */
function handledPattern(name: string): EventPattern | undefined {
  const isKnown = knownEvents.some((known) => known === name);
  return isKnown || name.endsWith('*') ? parseEventPattern(name) : undefined;
}

function impossible(name: string): string {
  if (name === challengeEvent) return `${name} is answered by the relay itself and reaches no handler`;
  const [group = ''] = name.split('.');
  const near = knownEvents.filter((known) => known.startsWith(`${group}.`));
  const hint = near.length === 0 ? '' : ` (known: ${near.join(', ')})`;
  return `${JSON.stringify(name.slice(0, 100))} is no event that is known by name${hint}; others are handled by a prefix ("${group}.*") or by "*"`;
}

/** `meeting.created` → `on-meeting-created`, `meeting.*` → `on-meeting-any`, `*` → `on-any`. Event names hold no dash. */
function defaultKey(name: string): ConsumerKey | undefined {
  return parseConsumerKey(`${handlerPrefix}${name.replaceAll('.', '-').replace('*', 'any')}`);
}

function toKey(name: string, context: z.RefinementCtx): ConsumerKey {
  const key = parseConsumerKey(name);
  if (key !== undefined && !isReservedConsumer(key)) return key;
  const what = key === undefined ? `must be ${consumerKeyRule}` : 'is taken by the relay itself';
  context.addIssue({ code: 'custom', message: what });
  return z.NEVER;
}

function toScheduleMs(steps: readonly string[], context: z.RefinementCtx): readonly number[] {
  const schedule = parseSchedule(steps);
  if (schedule !== undefined) return schedule;
  context.addIssue({ code: 'custom', message: `must be ${scheduleRule}` });
  return z.NEVER;
}

function toTimeoutMs(text: string, context: z.RefinementCtx): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= timeoutBoundsMs.min && ms <= timeoutBoundsMs.max) return ms;
  context.addIssue({ code: 'custom', message: 'must be a duration from 100ms to 10m, as 30s' });
  return z.NEVER;
}

function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `has unknown settings ${issue.keys.join(', ')}`;
  if (issue.path.length === 0) return 'must be a function, or { handle, … } with settings, or a list of them';
  return `${issue.path.join('.')} ${issue.message}`;
}
