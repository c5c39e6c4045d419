import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import type { Secret } from '../../secret.ts';
import * as build from './build-requests.ts';
import type { RecallRequest } from './exchange.ts';
import { interpretAnswer, unavailable } from './interpret-answer.ts';
import { queryOfNextPage } from './next-page.ts';
import type { RecallAnswer, RecallApi, RecallLogLine } from './recall-api.ts';
import * as schemas from './schemas.ts';
import { type Patience, sendWithRepeats } from './send-with-repeats.ts';
import { createUndiciSender } from './undici-sender.ts';

export interface RecallApiOptions {
  /** Of the region that the key is of: regions are separate deployments. */
  readonly baseUrl: string;
  readonly apiKey: Secret;
  /** For one call with its repeats and pages; 30 s. */
  readonly timeoutMs?: number;
  /** For one request; 15 s: Recall may itself call back, with 5 s for that, before it answers. */
  readonly requestTimeoutMs?: number;
  nowMs(): number;
  /** 0 ≤ x < 1. */
  random(): number;
  /** As `Patience.wait`; the system's timer. */
  readonly wait?: Patience['wait'];
}

const maxPages = 100;

/**
 * Recall's API over one pool of connections. `close` cuts waits short and lets requests that are under way end.
 *
 * @see https://docs.recall.ai/reference/authentication
 */
export function createRecallApi(options: RecallApiOptions): RecallApi {
  const { baseUrl, apiKey, timeoutMs = 30_000, requestTimeoutMs = 15_000, nowMs, random } = options;
  const wait = options.wait ?? ((ms, signal) => delay(ms, undefined, { signal }));
  const sender = createUndiciSender(baseUrl, apiKey);
  const closing = new AbortController();
  const patience: Patience = { requestTimeoutMs, nowMs, random, wait, signal: closing.signal };

  async function ask<T>(
    built: build.Built,
    schema: z.ZodType<T>,
    deadlineMs = nowMs() + timeoutMs,
  ): Promise<RecallAnswer<T>> {
    if ('kind' in built) return built;
    const exchange = await sendWithRepeats(sender, built, deadlineMs, patience);
    return interpretAnswer(exchange, schema, [apiKey, ...built.secrets]);
  }

  /** An incomplete list is not handed out: what is missing in it would be taken for absent. */
  async function askAll<T>(
    first: RecallRequest,
    item: z.ZodType<T>,
    patienceMs = timeoutMs,
  ): Promise<RecallAnswer<readonly T[]>> {
    const deadlineMs = nowMs() + patienceMs;
    const results: T[] = [];
    let request = first;
    for (let page = 1; page <= maxPages; page += 1) {
      const answer = await ask(request, schemas.pageOf(item), deadlineMs);
      if (answer.kind !== 'ok') return answer;
      results.push(...answer.value.results);
      if (answer.value.next === undefined) return { kind: 'ok', value: results };
      const query = queryOfNextPage(answer.value.next, baseUrl);
      if (query === undefined) return unavailable(200, "the link to the next page leads away from Recall's host");
      request = { ...first, query };
    }
    return unavailable(200, `the list has more than ${maxPages} pages: narrow what is asked for`);
  }

  async function askLog(request: RecallRequest): Promise<RecallAnswer<readonly RecallLogLine[]>> {
    const answer = await ask(request, schemas.pageOf(schemas.logLineSchema));
    if (answer.kind !== 'ok') return answer;
    const newestFirst = answer.value.results.toSorted((a, b) => (b.createdAtMs ?? 0) - (a.createdAtMs ?? 0));
    return { kind: 'ok', value: newestFirst };
  }

  return {
    createApp: (input) => ask(build.createApp(input), schemas.appSchema),
    listApps: (filter) => askAll(build.listApps(filter), schemas.appSchema),
    readApp: (id) => ask(build.readApp(id), schemas.appSchema),
    updateApp: (id, change) => ask(build.updateApp(id, change), schemas.appSchema),
    deleteApp: (id) => ask(build.deleteApp(id), schemas.nothing),
    readAppLog: (id) => askLog(build.readAppLog(id)),
    createCredential: (input) => ask(build.createCredential(input), schemas.credentialSchema),
    listCredentials: (filter, patienceMs) => {
      return askAll(build.listCredentials(filter), schemas.credentialSchema, patienceMs);
    },
    readCredential: (id) => ask(build.readCredential(id), schemas.credentialSchema),
    deleteCredential: (id) => ask(build.deleteCredential(id), schemas.nothing),
    readAccessToken: (id) => ask(build.readAccessToken(id), schemas.tokenSchema),
    validateCredential: (id) => ask(build.validateCredential(id), schemas.nothing),
    syncMeetings: (id) => ask(build.syncMeetings(id), schemas.nothing),
    readCredentialLog: (id) => askLog(build.readCredentialLog(id)),
    listMeetings: (filter) => askAll(build.listMeetings(filter), schemas.meetingSchema),
    async close() {
      closing.abort();
      await sender.close();
    },
  };
}
