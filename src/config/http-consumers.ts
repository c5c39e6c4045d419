import { isIP } from 'node:net';
import { z } from 'zod';
import { type EventPattern, eventPatternRule, parseEventPattern } from '../delivery/event-pattern.ts';
import {
  type ConsumerKey,
  consumerKeyRule,
  handlerPrefix,
  isReservedConsumer,
  parseConsumerKey,
} from '../delivery/names.ts';
import { parseDuration, parseSchedule, scheduleRule } from '../duration.ts';
import { isPublicAddress } from '../public-address.ts';
import type { Secret } from '../secret.ts';
import { type SecretSources, secretReferences, standardWebhooksSecret } from './secret-sources.ts';

const eventPatterns = z
  .array(z.string().refine((text) => parseEventPattern(text) !== undefined, `must be ${eventPatternRule}`))
  .min(1)
  .max(100)
  .describe('which events it gets; all of them unless told otherwise');

function durationText(minMs: number, maxMs: number, rule: string) {
  return z.string().refine((text) => {
    const ms = parseDuration(text);
    return ms !== undefined && ms >= minMs && ms <= maxMs;
  }, `must be a duration ${rule}`);
}

const signature = z
  .union(
    [z.literal('zoom'), z.strictObject({ standardWebhooks: secretReferences })],
    'must be "zoom" or {"standardWebhooks": {"env": "NAME"}}; a secret itself is not taken',
  )
  .describe("what proves it came from here: Zoom's own headers (the default), or Standard Webhooks headers");

const rateLimit = z
  .strictObject({
    max: z.int().min(1).max(100_000).describe('attempts'),
    per: durationText(100, 3_600_000, 'from 100ms to 1h'),
  })
  .describe('over all processes');

/** One of the company's own endpoints, as the apps file says it. */
export const httpConsumer = z.strictObject({
  url: z.string().describe('https:, or http: to a host in allowPrivateHosts'),
  events: eventPatterns.optional(),
  signature: signature.optional(),
  concurrency: z.int().min(1).max(1000).optional().describe('attempts at once in each process; DELIVERY_CONCURRENCY'),
  rateLimit: rateLimit.optional(),
  timeout: durationText(100, 120_000, 'from 100ms to 2m').optional().describe('for one attempt; DELIVERY_TIMEOUT_MS'),
  retrySchedule: z
    .array(z.string())
    .refine((steps) => parseSchedule(steps) !== undefined, `must be ${scheduleRule}`)
    .optional()
    .describe('waits between attempts, empty for no retries; RETRY_SCHEDULE'),
});

export const allowedHosts = z
  .array(
    z
      .string()
      .refine((host) => hostOf(`http://${host}`) === host.toLowerCase(), 'must be a host name or address alone'),
  )
  .max(100)
  .describe('hosts by name that consumers may reach at private addresses, and by http:');

/** An HTTP consumer, checked. Absent settings take the relay's. */
export interface HttpConsumerSettings {
  readonly key: ConsumerKey;
  readonly url: URL;
  readonly patterns: readonly EventPattern[];
  /** With which secrets Standard Webhooks headers are made; `undefined`: Zoom's own headers go out. */
  readonly standardWebhooksSecrets: readonly Secret[] | undefined;
  readonly allowedHosts: readonly string[];
  readonly concurrency: number | undefined;
  readonly rateLimit: { readonly max: number; readonly durationMs: number } | undefined;
  readonly timeoutMs: number | undefined;
  readonly scheduleMs: readonly number[] | undefined;
}

/** Reads an app's consumers. What is wrong with their form has been reported; this reports the rest. */
export function readHttpConsumers(
  consumers: unknown,
  hosts: unknown,
  where: string,
  sources: SecretSources,
): readonly HttpConsumerSettings[] {
  const entries = z.record(z.string(), z.unknown()).safeParse(consumers ?? {}).data ?? {};
  const allowed = (allowedHosts.safeParse(hosts ?? []).data ?? []).map((host) => host.toLowerCase());
  return Object.entries(entries).flatMap(([name, entry]) => {
    return readOne(name, entry, allowed, `${where}.consumers.${name}`, sources) ?? [];
  });
}

function readOne(
  name: string,
  entry: unknown,
  allowed: readonly string[],
  where: string,
  sources: SecretSources,
): HttpConsumerSettings | undefined {
  const key = parseConsumerKey(name);
  if (key === undefined) sources.report(where, `the key must be ${consumerKeyRule}`);
  else if (isReservedConsumer(key)) sources.report(where, 'the key is taken by the relay itself');
  else if (name.startsWith(handlerPrefix)) sources.report(where, `keys with ${handlerPrefix} are those of handlers`);
  const parsed = httpConsumer.safeParse(entry).data;
  if (key === undefined || parsed === undefined) return undefined;
  const url = URL.parse(parsed.url);
  const fault = url === null ? urlRule : faultOf(url, allowed);
  if (fault !== undefined) sources.report(`${where}.url`, fault);
  const secrets =
    typeof parsed.signature === 'object'
      ? sources.resolve(
          parsed.signature.standardWebhooks,
          `${where}.signature.standardWebhooks`,
          standardWebhooksSecret,
        )
      : undefined;
  if (url === null || fault !== undefined) return undefined;
  return {
    key,
    url,
    patterns: (parsed.events ?? ['*']).flatMap((text) => parseEventPattern(text) ?? []),
    standardWebhooksSecrets: secrets,
    allowedHosts: allowed,
    concurrency: parsed.concurrency,
    rateLimit: parsed.rateLimit && { max: parsed.rateLimit.max, durationMs: parseDuration(parsed.rateLimit.per) ?? 0 },
    timeoutMs: parsed.timeout === undefined ? undefined : parseDuration(parsed.timeout),
    scheduleMs: parsed.retrySchedule && parseSchedule(parsed.retrySchedule),
  };
}

const urlRule = 'must be an https: URL without user or fragment';

/** What speaks against a URL, known without asking anybody. Names are checked when they are connected to. */
function faultOf(url: URL, allowed: readonly string[]): string | undefined {
  const host = hostOf(url.href);
  const isAllowed = host !== undefined && allowed.includes(host);
  if (url.username !== '' || url.password !== '' || url.hash !== '') return urlRule;
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isAllowed)) {
    return `${urlRule} (http: only to a host that allowPrivateHosts names)`;
  }
  const address = host?.replace(/^\[|\]$/g, '') ?? '';
  if (isIP(address) === 0 || isAllowed || isPublicAddress(address)) return undefined;
  return 'is not on the internet: name its host in allowPrivateHosts if it is yours';
}

/** As undici connects to it: lower case, punycode, numbers in their usual form, IPv6 in brackets. */
function hostOf(href: string): string | undefined {
  return URL.parse(href)?.hostname;
}
