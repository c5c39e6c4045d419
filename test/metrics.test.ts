import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { deathReasons } from '../src/delivery/decide.ts';
import { type AppKey, type ConsumerKey, recallConsumer } from '../src/delivery/names.ts';
import { outcomeKinds } from '../src/delivery/outcome.ts';
import { answering } from '../src/demo/recall-stand-in.ts';
import { RelayError } from '../src/errors.ts';
import { IntakeLedger } from '../src/intake/intake-ledger.ts';
import { createLog } from '../src/log.ts';
import { createAppFacts } from '../src/operator/app-facts.ts';
import { createLatencyLog } from '../src/operator/latency-log.ts';
import type { QueueReading } from '../src/operator/metrics/read-queues.ts';
import { createMetrics, type Metrics, type MetricsParts } from '../src/operator/metrics.ts';
import { notificationResults, reportIntake } from '../src/report.ts';
import { connectMetricLabels } from '../src/report-connect.ts';
import { createRedisDatabase } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { stopAfterEach } from './support/keep.ts';
import { defaultApp, startTestRelay, type TestRelay } from './support/test-relay.ts';

const keep = stopAfterEach();
const acme = 'acme' as AppKey;
const crm = 'crm' as ConsumerKey;
const consumers = [
  { app: defaultApp, consumer: recallConsumer },
  { app: acme, consumer: recallConsumer },
  { app: acme, consumer: crm },
];
const reading: QueueReading = {
  app: acme,
  consumer: crm,
  waiting: 3,
  delayed: 2,
  active: 1,
  dead: 4,
  oldestPendingMs: 1500,
  circuitKind: 'open',
};

function create(parts: Partial<MetricsParts> = {}): Metrics {
  return createMetrics({
    consumers,
    results: notificationResults,
    store: () => ({ ready: true, findings: [] }),
    readQueues: async () => [],
    nowMs: () => performance.now(),
    ...parts,
  });
}

async function render(metrics: Metrics): Promise<string> {
  return (await metrics.render()).body;
}

/** The value of one series; labels in the order they are shown. */
function readValue(text: string, series: string): number {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? expect.unreachable(`no series ${series}`) : Number(line.slice(series.length + 1));
}

async function scrape(relay: TestRelay): Promise<string> {
  return (await fetch(new URL('/metrics', relay.relay.privateUrl))).text();
}

describe('every series is there from the start, at 0', () => {
  test('of every app, with every result a request can have', async () => {
    const text = await render(create());
    const results = [
      ...['accepted', 'duplicate', 'challenge', 'signature_missing', 'signature_malformed', 'signature_mismatch'],
      ...['timestamp_malformed', 'timestamp_stale', 'timestamp_in_future', 'challenge_malformed', 'body_too_large'],
      ...['body_incomplete', 'store_unavailable', 'ack_deadline_passed', 'overloaded', 'shutting_down', 'internal'],
    ];
    for (const app of ['default', 'acme']) {
      const shown = [
        ...text.matchAll(new RegExp(`^zoom_relay_notifications_total{app="${app}",result="(\\w+)"} 0$`, 'gm')),
      ];
      expect(shown.map(([, result]) => result).toSorted()).toEqual(results.toSorted());
      for (const name of ['acknowledgement', 'event_lag']) {
        expect(readValue(text, `zoom_relay_${name}_seconds_count{app="${app}"}`)).toBe(0);
      }
    }
    expect(readValue(text, 'zoom_relay_notifications_total{app="",result="app_unknown"}')).toBe(0);
  });

  test('of every consumer, with every value of every label', async () => {
    const text = await render(create());
    for (const { app, consumer } of consumers) {
      const of = `app="${app}",consumer="${consumer}"`;
      const series = [
        ...outcomeKinds.map((outcome) => `delivery_attempts_total{${of},outcome="${outcome}"}`),
        ...deathReasons.map((reason) => `dead_deliveries_total{${of},reason="${reason}"}`),
        ...['replayed', 'brought_forward', 'on_its_way', 'delivered_already', 'gone'].map(
          (result) => `replayed_deliveries_total{${of},result="${result}"}`,
        ),
        ...['waiting', 'delayed', 'active', 'dead'].map((state) => `deliveries{${of},state="${state}"}`),
        ...['oldest_pending_seconds', 'circuit_state'].map((name) => `${name}{${of}}`),
        ...['delivery_attempt', 'delivery_latency', 'event_delivery'].map((name) => `${name}_seconds_count{${of}}`),
        ...['store_round_trip_seconds_count', 'queues_read_failures_total'],
      ];
      for (const name of series) expect(readValue(text, `zoom_relay_${name}`)).toBe(0);
    }
  });
});

test('durations are in seconds, whatever they are measured in', async () => {
  const metrics = create();
  metrics.notification(acme, 'accepted', 250);
  metrics.eventLag(acme, 1500);
  metrics.eventLag(acme, -300); // Zoom's clock is ahead
  metrics.attempt(acme, crm, 'refused', 40);
  metrics.delivered(acme, crm, 7000);
  metrics.eventDelivered(acme, crm, 9000);
  metrics.dead(acme, crm, 'gave_up');
  metrics.replayed(acme, crm, 'gone');
  metrics.storeRoundTrip(2);
  const text = await render(metrics);
  expect(readValue(text, 'zoom_relay_acknowledgement_seconds_sum{app="acme"}')).toBe(0.25);
  expect(readValue(text, 'zoom_relay_event_lag_seconds_sum{app="acme"}')).toBe(1.5);
  expect(readValue(text, 'zoom_relay_event_lag_seconds_count{app="acme"}')).toBe(2);
  expect(readValue(text, 'zoom_relay_delivery_attempt_seconds_sum{app="acme",consumer="crm"}')).toBe(0.04);
  expect(readValue(text, 'zoom_relay_delivery_latency_seconds_sum{app="acme",consumer="crm"}')).toBe(7);
  expect(readValue(text, 'zoom_relay_event_delivery_seconds_sum{app="acme",consumer="crm"}')).toBe(9);
  expect(readValue(text, 'zoom_relay_store_round_trip_seconds_sum')).toBe(0.002);
  expect(readValue(text, 'zoom_relay_dead_deliveries_total{app="acme",consumer="crm",reason="gave_up"}')).toBe(1);
  expect(readValue(text, 'zoom_relay_replayed_deliveries_total{app="acme",consumer="crm",result="gone"}')).toBe(1);
});

test('an event_ts ahead of our clock counts as no lag; one that no clock can account for is left out', async () => {
  const metrics = create();
  const hourMs = 3_600_000;
  const daysMs = (days: number): number => days * 24 * hourMs;
  const absurdMs = [-hourMs - 1, -1e15, daysMs(366), Date.now(), Number.POSITIVE_INFINITY, Number.NaN];
  for (const lagMs of [-1, -hourMs, 0, daysMs(365), ...absurdMs]) {
    metrics.eventLag(acme, lagMs);
    metrics.eventDelivered(acme, crm, lagMs);
  }
  const text = await render(metrics);
  for (const [name, labels] of [
    ['event_lag', 'app="acme"'],
    ['event_delivery', 'app="acme",consumer="crm"'],
  ]) {
    expect(readValue(text, `zoom_relay_${name}_seconds_count{${labels}}`)).toBe(4);
    expect(readValue(text, `zoom_relay_${name}_seconds_sum{${labels}}`)).toBe(daysMs(365) / 1000);
  }
});

test('a code that no notification should be answered with is counted as internal', async () => {
  const metrics = create();
  const ledger = new IntakeLedger({ countIntake: async () => {} });
  const records = { read: async () => undefined, swap: async () => true, list: async () => [] };
  const [facts, latency] = [createAppFacts(records, Date.now), createLatencyLog(records, 'test', Date.now)];
  const observe = reportIntake({ log: createLog('silent'), ledger, metrics, facts, latency });
  const event = { kind: 'turned_away', app: acme, notificationId: undefined, cause: undefined, ackMs: 1 } as const;
  observe({ ...event, code: 'listener_failed' });
  observe({ ...event, code: 'overloaded' });
  await Promise.all([ledger.stop(), facts.stop(), latency.stop()]);
  const text = await render(metrics);
  expect(text).not.toContain('listener_failed');
  expect(readValue(text, 'zoom_relay_notifications_total{app="acme",result="internal"}')).toBe(1);
  expect(readValue(text, 'zoom_relay_notifications_total{app="acme",result="overloaded"}')).toBe(1);
});

describe('the queues', () => {
  const backlog = 'zoom_relay_deliveries{app="acme",consumer="crm",state="waiting"}';
  const failures = 'zoom_relay_queues_read_failures_total';

  test('are shown as they are read', async () => {
    const text = await render(create({ readQueues: async () => [reading] }));
    for (const [state, count] of Object.entries({ waiting: 3, delayed: 2, active: 1, dead: 4 })) {
      expect(readValue(text, `zoom_relay_deliveries{app="acme",consumer="crm",state="${state}"}`)).toBe(count);
    }
    expect(readValue(text, 'zoom_relay_oldest_pending_seconds{app="acme",consumer="crm"}')).toBe(1.5);
    expect(readValue(text, 'zoom_relay_circuit_state{app="acme",consumer="crm"}')).toBe(3);
  });

  test('are read at most every 5 s, however often they are scraped, also after a failure', async () => {
    let nowMs = 1_000_000;
    let isAway = true;
    const readQueues = vi.fn(async () => {
      if (isAway) throw new RelayError('store_unavailable', 'away');
      return [reading];
    });
    const metrics = create({ readQueues, nowMs: () => nowMs });
    await Promise.all([render(metrics), render(metrics)]);
    isAway = false;
    nowMs += 4999;
    expect(readValue(await render(metrics), backlog)).toBe(0);
    expect(readQueues).toHaveBeenCalledTimes(1);
    nowMs += 1;
    expect(readValue(await render(metrics), backlog)).toBe(3);
    expect(readQueues).toHaveBeenCalledTimes(2);
  });

  test('keep their values when they cannot be read, and that is counted', async () => {
    let nowMs = 0;
    let isAway = false;
    const readQueues = async () => {
      if (isAway) throw new RelayError('store_unavailable', 'away');
      return [reading];
    };
    const metrics = create({ readQueues, nowMs: () => nowMs });
    expect(readValue(await render(metrics), failures)).toBe(0);
    isAway = true;
    nowMs += 5000;
    const text = await render(metrics);
    expect(readValue(text, backlog)).toBe(3);
    expect(readValue(text, failures)).toBe(1);
  });

  test('are waited for no longer than 2 s, and not asked for again while the store still owes an answer', async () => {
    let nowMs = 0;
    const answer = Promise.withResolvers<readonly QueueReading[]>();
    const readQueues = vi.fn(() => answer.promise);
    const metrics = create({ readQueues, nowMs: () => nowMs });
    const startedAtMs = performance.now();
    expect(readValue(await render(metrics), failures)).toBe(1);
    expect(performance.now() - startedAtMs).toBeGreaterThan(1900);
    expect(performance.now() - startedAtMs).toBeLessThan(4000);
    nowMs += 60_000;
    const second = render(metrics);
    await delay(50);
    answer.resolve([reading]);
    const text = await second;
    expect(readQueues).toHaveBeenCalledTimes(1);
    expect(readValue(text, backlog)).toBe(3);
    expect(readValue(text, failures)).toBe(1);
  });
});

describe('the process', () => {
  test('is in the metrics of every relay that lives in it', async () => {
    const [one, other] = [create(), create()];
    one.notification(acme, 'accepted', 1);
    const [text, otherText] = [await render(one), await render(other)];
    const accepted = 'zoom_relay_notifications_total{app="acme",result="accepted"}';
    expect([readValue(text, accepted), readValue(otherText, accepted)]).toEqual([1, 0]);
    for (const shown of [text, otherText]) {
      expect(readValue(shown, 'zoom_relay_process_resident_memory_bytes')).toBeGreaterThan(1e6);
      expect(shown).toContain('\nzoom_relay_nodejs_eventloop_lag_p99_seconds ');
      expect(shown.match(/^# TYPE zoom_relay_process_cpu_seconds_total counter$/gm)).toHaveLength(1);
    }
  });

  test('ends when only its metrics are left', () => {
    const path = fileURLToPath(new URL('../src/operator/metrics.ts', import.meta.url));
    const script = `
      import { createMetrics } from ${JSON.stringify(path)};
      const store = () => ({ ready: true, findings: [] });
      const parts = { consumers: [], results: [], store, readQueues: async () => [], nowMs: () => 0 };
      await createMetrics(parts).render();
    `;
    const args = ['--input-type=module', '--eval', script];
    const { status, signal, stderr } = spawnSync(process.execPath, args, { timeout: 20_000, encoding: 'utf8' });
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  });
});

describe('of a running relay', () => {
  test('backlog and circuit are those of the store, in every process', async () => {
    const { url } = await createRedisDatabase();
    const worker = await keep(startTestRelay(url, { env: { RETRY_SCHEDULE: '1h' } }));
    const edge = await keep(startTestRelay(url, { role: ['edge'] }));
    worker.recall.misbehaveAlways(answering(503));
    for (let serial = 0; serial < 7; serial += 1) {
      await edge.post(`{"event":"meeting.created","event_ts":${Date.now()},"payload":{"serial":${serial}}}`);
    }
    await eventually('the circuit has opened', () => worker.logged.some(({ event }) => event === 'circuit_open'));
    const of = 'app="default",consumer="recall"';
    const text = await eventually('the edge knows', async () => {
      const scraped = await scrape(edge);
      return readValue(scraped, `zoom_relay_circuit_state{${of}}`) >= 2 && scraped;
    });
    const count = (state: string) => readValue(text, `zoom_relay_deliveries{${of},state="${state}"}`);
    expect(count('waiting') + count('delayed') + count('active')).toBe(7);
    expect(readValue(text, `zoom_relay_oldest_pending_seconds{${of}}`)).toBeGreaterThan(0);
    expect(readValue(text, 'zoom_relay_store_round_trip_seconds_count')).toBe(7);
    expect(readValue(text, 'zoom_relay_event_lag_seconds_count{app="default"}')).toBe(7);
  });

  test('a delivery is timed from receipt, an event from its event_ts; a copy is no event', async () => {
    const relay = await keep(startTestRelay((await createRedisDatabase()).url));
    const body = `{"event":"meeting.created","event_ts":${Date.now() - 40_000},"payload":{}}`;
    for (const copy of [body, body, '{"event":"meeting.created","event_ts":"soon"}']) await relay.post(copy);
    await eventually('delivered', () => relay.logged.filter(({ event }) => event === 'delivered').length === 2);
    const text = await scrape(relay);
    const lag = readValue(text, 'zoom_relay_event_lag_seconds_sum{app="default"}');
    expect(lag).toBeGreaterThanOrEqual(40);
    expect(lag).toBeLessThan(60);
    expect(readValue(text, 'zoom_relay_event_lag_seconds_count{app="default"}')).toBe(1);
    const since = 'zoom_relay_event_delivery_seconds';
    expect(readValue(text, `${since}_count{app="default",consumer="recall"}`)).toBe(1);
    expect(readValue(text, `${since}_sum{app="default",consumer="recall"}`)).toBeGreaterThanOrEqual(40);
    expect(readValue(text, `${since}_sum{app="default",consumer="recall"}`)).toBeLessThan(60);
    const latency = 'zoom_relay_delivery_latency_seconds';
    expect(readValue(text, `${latency}_count{app="default",consumer="recall"}`)).toBe(2);
    expect(readValue(text, `${latency}_sum{app="default",consumer="recall"}`)).toBeLessThan(20);
  });
});

test('README.md has a row for every metric of the relay, with its labels', async () => {
  const store = () => ({ ready: true, findings: [{ level: 'note', code: 'x' }] });
  const connect = { ...connectMetricLabels([acme]), readFigures: async () => [] };
  const text = await render(create({ store, connect }));
  const ours = [...text.matchAll(/^# TYPE (zoom_relay_(?!process_|nodejs_)\w+)/gm)].map(([, name = '']) => {
    const [, labels = ''] = new RegExp(`^${name}(?:_bucket)?{(.+)} `, 'm').exec(text) ?? [];
    const names = [...labels.matchAll(/(\w+)=/g)].map(([, label]) => label).filter((label) => label !== 'le');
    return `${name} ${names.toSorted().join(' ')}`.trim();
  });
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const rows = [...readme.matchAll(/^\| `(zoom_relay_\w+)` \| (.+?) \|/gm)].map(([, name, labels = '']) => {
    const names = [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label);
    return `${name} ${names.toSorted().join(' ')}`.trim();
  });
  expect(rows.toSorted()).toEqual(ours.toSorted());
});
