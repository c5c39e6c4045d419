import { setTimeout as delay } from 'node:timers/promises';
import type { AppKey } from '../../delivery/names.ts';
import { RelayError } from '../../errors.ts';
import type { RecallCredential } from '../../recall/api/recall-api.ts';
import { type ChainLine, type Finding, type Subject, unknown } from '../finding.ts';
import type { DoctorApp, KnownConnection, Prober, RecallReader, ZoomClient } from '../ports.ts';
import { judgeConnections, judgeScopes } from './judge-connections.ts';
import { isUnhealthy, judgeCredentials } from './judge-credentials.ts';
import { judgePublicUrl, judgeUnknownUrl, requestPublicUrl } from './judge-public-url.ts';
import { judgeRecallApp, judgeRefusal, judgeWithoutKey } from './judge-recall-app.ts';
import { type Agreement, chanceOf, judgeAgreement, readAgreement, requestAgreement } from './secret-agreement.ts';

export interface ChainParts {
  readonly apps: readonly DoctorApp[];
  /** Without a trailing slash. */
  readonly publicUrl: string | undefined;
  readonly prober: Prober;
  /** When Zoom last reached an app, epoch milliseconds. */
  readonly lastHeardMs: (app: AppKey) => Promise<number | undefined>;
  /** All of an app. */
  readonly connections: (app: AppKey) => Promise<readonly KnownConnection[]>;
  /** What is a bug of ours, or the store's being away. */
  readonly onError: (error: unknown) => void;
  /** For one look; 10 s. All looks of all apps are made at once. */
  readonly patienceMs?: number;
  readonly nowMs: () => number;
  readonly randomBytes: (count: number) => Buffer;
}

const defaultPatienceMs = 10_000;
/** Part of the patience that one probe may take: two of them fit in. */
const probeShare = 0.45;
/** Part of it for what only adds to an answer. */
const noteShare = 0.25;
const notedCredentials = 5;

/** Looks at every link of every app's chain. Never rejects; a look that does not end in time cannot tell. */
export async function checkChain(parts: ChainParts): Promise<readonly ChainLine[]> {
  const lines = await Promise.all(parts.apps.map((app) => checkApp(app, parts)));
  return lines.flat();
}

async function checkApp(app: DoctorApp, parts: ChainParts): Promise<readonly ChainLine[]> {
  const { recall, client } = app;
  const { patienceMs = defaultPatienceMs } = parts;
  const connections = client === undefined ? undefined : parts.connections(app.key);
  connections?.catch(() => {}); // each look that awaits them deals with it
  const looks: readonly (readonly [Subject, Promise<readonly Finding[]>])[] = [
    ['public URL', lookAtPublicUrl(app, parts, patienceMs)],
    ['secret agreement', lookAtAgreement(app, parts, patienceMs)],
    [
      'Recall app',
      recall === undefined ? Promise.resolve([judgeWithoutKey(app.key)]) : lookAtApp(recall, app, parts, patienceMs),
    ],
    ...(recall === undefined
      ? []
      : [['credentials', lookAtCredentials(recall, app, connections, patienceMs)] as const]),
    ...(connections === undefined || client === undefined ? [] : looksAtConnections(client, connections)),
  ];
  const found = await Promise.all(looks.map(([subject, look]) => bounded(subject, look, patienceMs, parts.onError)));
  return found.flat().map((finding) => ({ ...finding, app: app.key }));
}

async function lookAtPublicUrl(
  { key }: DoctorApp,
  { publicUrl, prober, lastHeardMs, nowMs }: ChainParts,
  patienceMs: number,
): Promise<readonly Finding[]> {
  const heardAtMs = await lastHeardMs(key);
  const agoMs = heardAtMs === undefined ? undefined : nowMs() - heardAtMs;
  if (publicUrl === undefined) return [judgeUnknownUrl(agoMs)];
  const request = requestPublicUrl(publicUrl, key);
  return [judgePublicUrl(request.url, await prober.probe(request, patienceMs * probeShare), agoMs)];
}

/** A Recall that does not even take the current secret's signature is asked with the previous one. */
async function lookAtAgreement(
  { recallWebhookUrl: url, secrets }: DoctorApp,
  { prober, nowMs, randomBytes }: ChainParts,
  patienceMs: number,
): Promise<readonly Finding[]> {
  async function agree(secret: DoctorApp['secrets'][number]): Promise<Agreement> {
    const chance = chanceOf(randomBytes);
    const request = requestAgreement(url, secret, chance, nowMs());
    return readAgreement(await prober.probe(request, patienceMs * probeShare), chance.plainToken, secrets);
  }
  const [current, previous] = secrets;
  const first = await agree(current);
  const second = first.kind === 'refused' && previous !== undefined ? await agree(previous) : undefined;
  return [judgeAgreement(first, url, second)];
}

async function lookAtApp(
  recall: RecallReader,
  app: DoctorApp,
  { nowMs }: ChainParts,
  patienceMs: number,
): Promise<readonly Finding[]> {
  const log = recall.readAppLog(app.oauthApp);
  const answer = await recall.readApp(app.oauthApp);
  const lines = await within(log, patienceMs * noteShare);
  return [judgeRecallApp(app, answer, lines?.kind === 'ok' ? lines.value : [], nowMs())];
}

async function lookAtCredentials(
  recall: RecallReader,
  { oauthApp }: DoctorApp,
  connections: Promise<readonly KnownConnection[]> | undefined,
  patienceMs: number,
): Promise<readonly Finding[]> {
  const listed = await recall.listCredentials({ oauthApp });
  if (listed.kind !== 'ok') return [judgeRefusal('credentials', listed)];
  const unhealthy = listed.value.filter(isUnhealthy).slice(0, notedCredentials);
  const words = await Promise.all(unhealthy.map((credential) => lastWordOf(recall, credential, patienceMs)));
  const known = await connections?.catch(() => undefined);
  return judgeCredentials(listed.value, known, new Map(words.flat()));
}

async function lastWordOf(
  recall: RecallReader,
  { id }: RecallCredential,
  patienceMs: number,
): Promise<readonly (readonly [string, string])[]> {
  const log = await within(recall.readCredentialLog(id), patienceMs * noteShare);
  const [newest] = log?.kind === 'ok' ? log.value : [];
  return newest === undefined ? [] : [[id, newest.message]];
}

function looksAtConnections(
  { kind }: ZoomClient,
  connections: Promise<readonly KnownConnection[]>,
): readonly (readonly [Subject, Promise<readonly Finding[]>])[] {
  return [
    ['connections', connections.then((known) => [judgeConnections(known)])],
    ['scopes', connections.then((known) => [judgeScopes(kind, known)])],
  ];
}

/** A look that fails or hangs is one that cannot tell. */
async function bounded(
  subject: Subject,
  look: Promise<readonly Finding[]>,
  patienceMs: number,
  onError: (error: unknown) => void,
): Promise<readonly Finding[]> {
  try {
    const found = await within(look, patienceMs);
    return found ?? [unknown(subject, `cannot tell: no answer within ${patienceMs / 1000} s`)];
  } catch (error) {
    onError(error);
    const isAway = error instanceof RelayError && error.code === 'store_unavailable';
    return [unknown(subject, isAway ? 'cannot tell: the store is away' : 'cannot tell: the look itself failed')];
  }
}

/** `undefined` when it takes longer. */
async function within<T>(work: Promise<T>, limitMs: number): Promise<T | undefined> {
  const timer = new AbortController();
  const late = delay(limitMs, undefined, { signal: timer.signal }).catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}
