import { Client } from 'pg';
import { startRelay } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { type AppKey, notificationIdOf, queueNameOf, recallConsumer } from '../../src/delivery/names.ts';
import { encodeDelivery, type NewDelivery } from '../../src/delivery/stored-delivery.ts';
import { createLog } from '../../src/log.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { handlesOf, identifiersOf } from '../../src/zoom/identifiers.ts';
import { eventually } from '../support/eventually.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { startRedis } from '../support/redis-server.ts';
import { testEnvironment } from '../support/test-relay.ts';

export interface OperatorFigure {
  readonly store: string;
  readonly what: string;
  readonly medianMs: number;
  readonly maxMs: number;
}

const app = 'default' as AppKey;
const queue = queueNameOf(app, recallConsumer);
const atOnce = 1000;
const rounds = 9;
const firstMeetingId = 80_000_000_000;
const bodyBytes = 900;
const token = 'operator-token-for-tests';

/** How long an operator waits with so many deliveries kept, on each server, through the API. */
export async function benchOperator(
  deliveries: number,
  say: (line: string) => void,
): Promise<readonly OperatorFigure[]> {
  const [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
  try {
    const stores = [
      { name: 'redis', url: `redis://127.0.0.1:${redis.port}/0` },
      { name: 'postgres', url: postgres.urlOf('postgres') },
    ];
    const figures: OperatorFigure[] = [];
    for (const { name, url } of stores) {
      say(`${name}: keeping ${deliveries.toLocaleString('en-US')} deliveries`);
      await fill(url, deliveries);
      if (name === 'postgres') await analyze(url);
      figures.push(...(await measure(name, url, deliveries)));
    }
    return figures;
  } finally {
    await Promise.all([redis.stop(), postgres.stop()]);
  }
}

/** As autovacuum does within a minute of so many rows. */
async function analyze(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('ANALYZE');
  await client.end();
}

async function fill(url: string, deliveries: number): Promise<void> {
  const store = openStore({
    url,
    queues: [queue],
    apps: [app],
    workers: 0,
    log: createLog('silent'),
    allowEviction: false,
    nowMs: () => performance.now(),
    onFatal: (error) => {
      throw error;
    },
  });
  store.open();
  await eventually('the store is open', () => store.status().ready);
  for (let from = 0; from < deliveries; from += atOnce) await addSome(store, from, Math.min(from + atOnce, deliveries));
  await store.close();
}

async function addSome(store: Store, from: number, to: number): Promise<void> {
  const some = Array.from({ length: to - from }, (_, index): NewDelivery => {
    const number = from + index;
    const object = { id: firstMeetingId + number, uuid: `uuid-${number}`, host_id: `host-${number % 1000}`, topic: '' };
    const event = { event: 'meeting.created', event_ts: Date.now(), payload: { account_id: 'account', object } };
    object.topic = 'x'.repeat(bodyBytes - JSON.stringify(event).length);
    const body = Buffer.from(JSON.stringify(event));
    const headers = { 'content-type': 'application/json', 'x-zm-request-id': `request-${number}` };
    const handles = handlesOf(identifiersOf(body), headers);
    const data = encodeDelivery({ body, headers, receivedAtMs: Date.now(), secretId: '00000000' });
    return {
      queue,
      id: notificationIdOf(body),
      label: 'meeting.created',
      data,
      handles,
      sizeBytes: body.length + 1024,
    };
  });
  await store.add(some);
}

async function measure(store: string, url: string, deliveries: number): Promise<readonly OperatorFigure[]> {
  const env = { ...testEnvironment(url, 'http://127.0.0.1:1'), OPERATOR_TOKEN: token };
  const relay = await startRelay(loadConfig(env, ['edge', 'operator']), createLog('silent'));
  await eventually('ready', () => relay.health().ready);
  const ask = async (path: string): Promise<{ deliveries: unknown[]; cursor?: string }> => {
    const answer = await fetch(new URL(path, relay.privateUrl), { headers: { authorization: `Bearer ${token}` } });
    return (await answer.json()) as { deliveries: unknown[]; cursor?: string };
  };
  /** As an operator does: page after page until it is found. */
  const find = async (text: string): Promise<void> => {
    for (let cursor: string | undefined, found = 0; found === 0; ) {
      const page = await ask(`/api/deliveries?q=${text}${cursor === undefined ? '' : `&cursor=${cursor}`}`);
      found = page.deliveries.length;
      cursor = page.cursor;
      if (cursor === undefined && found === 0) throw new Error(`${text} was not found`);
    }
  };
  const figures = [
    await time(store, 'first page of 50', () => ask('/api/deliveries?limit=50')),
    await time(store, 'first page of dead ones', () => ask('/api/deliveries?state=dead')),
    await time(store, 'newest meeting by its id', () => find(String(firstMeetingId + deliveries - 1))),
    await time(store, 'oldest meeting by its id', () => find(String(firstMeetingId))),
    await time(store, 'all consumers and how they are', () => ask('/api/consumers')),
    await time(store, 'ledger', () => ask('/api/ledger')),
  ];
  await relay.stop();
  return figures;
}

async function time(store: string, what: string, act: () => Promise<unknown>): Promise<OperatorFigure> {
  const tookMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startedAtMs = performance.now();
    await act();
    tookMs.push(performance.now() - startedAtMs);
  }
  const sorted = tookMs.toSorted((a, b) => a - b);
  return { store, what, medianMs: sorted[Math.floor(rounds / 2)] ?? 0, maxMs: sorted.at(-1) ?? 0 };
}
