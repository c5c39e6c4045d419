import { describe, expect, test } from 'vitest';
import { parseAppKey, recallConsumer } from '../src/delivery/names.ts';
import { pathOfTarget } from '../src/operator/dashboard/audit/path-of-target.ts';
import { describeAbout } from '../src/operator/dashboard/deliveries/describe-about.ts';
import { describeAnswer } from '../src/operator/dashboard/deliveries/describe-answer.ts';
import { describeFilter } from '../src/operator/dashboard/deliveries/describe-filter.ts';
import { describeReplayResult } from '../src/operator/dashboard/deliveries/describe-replay-result.ts';
import { readFilter } from '../src/operator/dashboard/deliveries/read-filter.ts';
import { timeLineOf } from '../src/operator/dashboard/deliveries/time-line.ts';
import { PendingRows } from '../src/operator/dashboard/live/pending-rows.ts';
import { chartFigures } from '../src/operator/dashboard/overview/chart-figures.ts';
import { describeOutages } from '../src/operator/dashboard/overview/describe-outages.ts';
import { planCharts } from '../src/operator/dashboard/overview/plan-charts.ts';
import { fillMinutes } from '../src/operator/dashboard/overview/sparkline.ts';
import { sumUpHistory } from '../src/operator/dashboard/overview/sum-up-history.ts';
import { formatLatency } from '../src/operator/dashboard/parts/format-latency.ts';
import { pathOfDeliveries, pathOfDelivery } from '../src/operator/dashboard/parts/paths.ts';
import type { History } from '../src/operator/dashboard/ports.ts';
import { describePlan } from '../src/operator/dashboard/replays/describe-plan.ts';
import { describeProgress } from '../src/operator/dashboard/replays/describe-progress.ts';
import { choiceOf, readReplayForm } from '../src/operator/dashboard/replays/read-replay-form.ts';
import type { DeliveryDetail, DeliveryRow, Replay, ReplayPlan } from '../src/operator/schemas.ts';

const minuteMs = 60_000;
const app = parseAppKey('default') ?? expect.unreachable();
const nowMs = Date.UTC(2026, 10, 18, 10, 2, 11);
const at = (sec: number): string => new Date(nowMs + sec * 1000).toISOString();

describe('a filter', () => {
  test.each([
    [{}, 'All deliveries'],
    [{ event: '*' }, 'All deliveries'],
    [{ app: 'acme' }, 'All deliveries of app acme'],
    [
      { state: 'dead', consumer: 'recall', event: 'meeting.created', since: '2026-11-18T08:00:00.000Z' },
      'Dead deliveries to recall, meeting.created, received since 2026-11-18 08:00:00 UTC',
    ],
    [
      { app: 'acme', consumer: 'crm', since: '24h', until: '1h', q: 'jane' },
      'All deliveries to crm of app acme, received in the last 24h, received over 1h ago, about “jane”',
    ],
    [{ until: '2026-11-18T10:00:00+02:00' }, 'All deliveries, received before 2026-11-18 08:00:00 UTC'],
  ] as const)('%o is said as “%s”', (filter, words) => {
    expect(describeFilter(filter)).toBe(words);
  });

  test.each([
    ['2026-11-18', '2026-11-18T00:00:00Z'],
    ['2026-11-18 08:00', '2026-11-18T08:00:00Z'],
    ['2026-11-18T08:00:30', '2026-11-18T08:00:30Z'],
    ['2026-11-18 08:00 UTC', '2026-11-18T08:00:00Z'],
    ['2026-11-18 08:00:11 UTC', '2026-11-18T08:00:11Z'],
    ['2026-11-18T08:00:00.123Z', '2026-11-18T08:00:00.123Z'],
    ['2026-11-18T08:00:00+02:00', '2026-11-18T08:00:00+02:00'],
    ['24h', '24h'],
  ])('a time given as %s is read as %s', (text, expected) => {
    expect(readFilter({ since: text })).toEqual({ given: { since: text }, filter: { since: expected }, problems: {} });
  });

  test('each wrong field is named with what it must be, and the right ones hold', () => {
    const { filter, given, problems } = readFilter({
      ...{ since: 'yesterday', event: 'Not Good', state: 'lost', app: '../x', consumer: 'recall', q: 'x'.repeat(201) },
      ...{ other: 'ignored' },
    });
    expect(filter).toEqual({ consumer: 'recall' });
    expect(Object.keys(problems).toSorted()).toEqual(['app', 'event', 'q', 'since', 'state']);
    expect(problems.since).toBe('must be how long ago (30m, 24h, 7d) or a time (2026-11-18 08:00, UTC)');
    expect(given.since).toBe('yesterday');
  });

  test('its values are encoded in links', () => {
    expect(pathOfDeliveries({ q: 'a&b="<x>', event: 'meeting.*' })).toBe(
      '/deliveries?q=a%26b%3D%22%3Cx%3E&event=meeting.*',
    );
    expect(pathOfDelivery({ app: 'a', consumer: '../b', id: '?c' })).toBe('/deliveries/a/..%2Fb/%3Fc');
  });
});

test.each([
  [{ meetingId: '123', email: 'a@b.c', userId: 'u' }, 'meeting 123, a@b.c'],
  [{ meetingId: '123', accountId: 'acc' }, 'meeting 123'],
  [{ userId: 'u1', accountId: 'acc' }, 'user u1'],
  [{ accountId: 'acc' }, 'account acc'],
  [{}, ''],
])('%o is about “%s”', (about, words) => {
  expect(describeAbout(about)).toBe(words);
});

test.each([
  [{ outcome: 'unavailable', status: 503 }, '503 unavailable'],
  [{ outcome: 'unavailable', error: 'ECONNREFUSED' }, 'ECONNREFUSED, unavailable'],
  [{ outcome: 'delivered' }, 'delivered'],
])('%o is told as “%s”', (attempt, words) => {
  expect(describeAnswer(attempt)).toBe(words);
});

test.each([
  [0.42, '0.4 ms'],
  [31.4, '31 ms'],
  [999, '999 ms'],
  [999.6, '1.0 s'],
  [59_949, '59.9 s'],
  [59_990, '1.0 min'],
  [3_600_000, '1.0 h'],
])('%d ms is %s', (ms, words) => {
  expect(formatLatency(ms)).toBe(words);
});

describe('the time line of a delivery', () => {
  const attempt = { attempt: 1, startedAt: at(1), durationMs: 84, outcome: 'unavailable', worker: 'w:1' };
  const delivery: DeliveryDetail = {
    ...{ app: 'default', consumer: 'recall', notificationId: 'a'.repeat(32), event: 'meeting.created', about: {} },
    ...{ state: 'dead', receivedAt: at(0), endedAt: at(30), attempts: 2, bytes: 885, lagMs: 812, headers: {} },
    deathReason: 'attempts_exhausted',
    attemptLog: [
      { ...attempt, status: 503, response: '<b>no</b>' },
      {
        ...attempt,
        attempt: 2,
        startedAt: at(30),
        error: 'ECONNRESET',
        response: '',
        resigned: { timestamp: '17', signature: 's' },
      },
    ],
    replays: [{ replayId: 'one-1', at: at(10), resign: true, by: 'ops', reason: 'why not' }],
  };

  test('tells what happened in the order of time, the end after the attempt it came from', () => {
    expect(timeLineOf(delivery).map(({ title, notes }) => [title, ...notes].join(' | '))).toEqual([
      'Received from Zoom | 885 bytes | 812 ms after the event, by Zoom’s clock',
      'Attempt 1: 503 unavailable | after 84 ms | by w:1',
      'Replayed, to be signed afresh, by ops | “why not” | one-1',
      'Attempt 2: ECONNRESET, unavailable | after 84 ms | signed afresh, timestamp 17 | by w:1',
      'Dead: it will not be tried again by itself | all attempts of the schedule were made',
    ]);
  });

  test('an answer is kept apart, and an empty one is none', () => {
    expect(timeLineOf(delivery).map(({ answer }) => answer)).toEqual([
      undefined,
      '<b>no</b>',
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('the next attempt comes last, and a reason of death that is not known is told as it is', () => {
    const { endedAt: _ended, ...rest } = delivery;
    expect(timeLineOf({ ...rest, state: 'delayed', nextAttemptAt: at(60) }).at(-1)?.title).toBe('Next attempt');
    expect(timeLineOf({ ...delivery, deathReason: 'struck by lightning' }).at(-1)?.notes).toEqual([
      'struck by lightning',
    ]);
  });
});

test('a result of a replay is told only if it is one', () => {
  expect(describeReplayResult('brought_forward')).toBe('Its next attempt is brought forward: it is made now.');
  expect(describeReplayResult('toString')).toBeUndefined();
  expect(describeReplayResult(undefined)).toBeUndefined();
});

describe('the plan of a replay', () => {
  const plan: ReplayPlan = { total: 412, alreadyDelivered: 17, onTheirWay: 3, wouldBeResigned: 400, isTruncated: true };

  test('is told in sentences, the answer first', () => {
    expect(describePlan(plan, { rate: 20, force: false })).toEqual([
      '412 deliveries would be attempted again, oldest first. At 20 a second that takes 21 s or longer.',
      '17 that were delivered are left out.',
      '3 of them are on their way: those delayed are brought forward, the others left alone.',
      '400 of them would carry a fresh timestamp and signature instead of Zoom’s.',
      'More match than one replay takes: the rest needs another one after it.',
    ]);
  });

  test('says when it would deliver again what was delivered', () => {
    expect(describePlan({ ...plan, total: 17 }, { rate: 20, force: true })[1]).toBe(
      '17 of them were delivered already, and would be delivered again.',
    );
  });

  test('says when there is nothing to do, and why', () => {
    const nothing = { total: 0, alreadyDelivered: 1, onTheirWay: 0, wouldBeResigned: 0, isTruncated: false };
    expect(describePlan(nothing, { rate: 20, force: false })).toEqual([
      'Nothing matches that could be replayed.',
      '1 that was delivered is left out.',
    ]);
  });
});

describe('the form of a replay', () => {
  const whom = { app: 'default', consumer: 'recall' };

  test('is read with the defaults of the API', () => {
    expect(readReplayForm({ ...whom, state: 'dead', reason: 'why' }).input).toEqual({
      filter: { ...whom, state: 'dead' },
      ...{ reason: 'why', rate: 20, resign: false, force: false, dryRun: false },
    });
  });

  test.each([
    [{ rate: '0' }, 'rate'],
    [{ rate: 'fast' }, 'rate'],
    [{ rate: '1001' }, 'rate'],
    [{ reason: 'x'.repeat(501) }, 'reason'],
  ])('%o is refused, and shown again', (fields, name) => {
    const read = readReplayForm({ ...whom, ...fields });
    expect(read.input).toBeUndefined();
    expect(Object.keys(read.problems)).toEqual([name]);
    expect(read).toMatchObject(fields);
  });

  test('is none without one app and one consumer', () => {
    expect(readReplayForm({ app: 'default', reason: 'why' }).input).toBeUndefined();
  });

  test('each choice has a plan of its own', () => {
    const flags = [false, true].flatMap((resign) => [false, true].map((force) => choiceOf({ resign, force })));
    expect(new Set(flags).size).toBe(4);
  });
});

describe('the progress of a replay', () => {
  const replay: Replay = {
    ...{ id: 'r', state: 'running', filter: { app: 'default', consumer: 'recall' }, by: 'ops' },
    ...{ rate: 20, resign: false, force: false, createdAt: at(-60) },
    plan: { total: 412, alreadyDelivered: 0, onTheirWay: 0, wouldBeResigned: 0, isTruncated: false },
    progress: { fed: 180, skipped: 2, delivered: 171, dead: 1, pending: 8 },
  };
  const all = { fed: 410, skipped: 2, delivered: 409, dead: 0, pending: 1 };

  test.each<[Partial<Replay>, string]>([
    [{}, 'Running: 182 of 412 deliveries, 20 a second, 12 s left.'],
    [
      { waitingFor: 'the consumer is paused' },
      'Waits at 182 of 412 deliveries: the consumer is paused. It goes on by itself.',
    ],
    [{ state: 'paused', waitingFor: 'the replay is paused' }, 'Paused at 182 of 412 deliveries.'],
    [{ progress: all }, 'Running: all are handed over; 1 is still on the way.'],
    [{ state: 'done', progress: all, endedAt: at(-10) }, 'Done: 412 of 412 deliveries in 50 s.'],
    [
      { state: 'cancelled', endedAt: at(-10) },
      'Cancelled after 50 s: 182 of 412 deliveries were dealt with, the rest was left as it was.',
    ],
  ])('%o: %s', (change, words) => {
    expect(describeProgress({ ...replay, ...change }, nowMs).text).toBe(words);
  });
});

describe('figures', () => {
  const minute = Math.floor(nowMs / minuteMs) * minuteMs;
  const latency = { count: 10, p50Ms: 4.04, p99Ms: 31, maxMs: 80 };
  const charts = planCharts([{ app, consumer: recallConsumer }], false);
  const history = {
    minutes: [{ atMs: minute - minuteMs, ack: latency, delivery: { 'default/recall': { ...latency, count: 0 } } }],
    outages: {},
  };

  test('every minute of the range has its place; what was not measured is a gap, and no count is 0', () => {
    const figures = chartFigures(charts, history, [], 'hour', nowMs);
    expect(figures.atSec).toHaveLength(60);
    expect(figures.atSec.at(-1)).toBe(minute / 1000);
    expect(figures.charts.map(({ id, labels }) => [id, ...labels])).toEqual([
      ['rates', 'acknowledged', 'recall'],
      ['ack', 'p50', 'p99'],
      ['default/recall', 'p50', 'p99'],
    ]);
    const [rates, ack, recall] = figures.charts;
    expect(rates?.values[0]?.slice(-3)).toEqual([0, 10, 0]);
    expect(ack?.values[0]?.slice(-3)).toEqual([null, 4, null]);
    expect(recall?.values[0]?.every((value) => value === null)).toBe(true);
    expect(chartFigures(charts, history, [], 'day', nowMs).atSec).toHaveLength(1440);
  });

  test('outages, of the past and of now, are shaded for whom they concern, and said in words', () => {
    const past = { fromMs: nowMs - 30 * minuteMs, toMs: nowMs - 20 * minuteMs };
    const current = { fromMs: nowMs - 5 * minuteMs };
    const shadedBy = (outages: History['outages']) => {
      const figures = chartFigures(charts, { ...history, outages }, [], 'hour', nowMs);
      return figures.charts.map(({ shaded, note }) => [...shaded, note]);
    };
    const [now, ...none] = [nowMs / 1000, [''], ['']] as const;
    expect(shadedBy({ 'default/recall': [past, current] })).toEqual([
      ...none,
      [[now - 1800, now - 1200], [now - 300, now], 'shaded: down 2 times, 15 min in all, and now'],
    ]);
    expect(shadedBy({ 'default/crm': [past] })).toEqual([...none, ['']]);
  });

  test('while the store is away, every consumer is shaded; other incidents shade nothing', () => {
    const shadedBy = (kind: string) => {
      const incident = { kind, sinceMs: nowMs - 5 * minuteMs, text: '' };
      return chartFigures(charts, history, [incident], 'hour', nowMs).charts.map(({ shaded }) => shaded.length);
    };
    expect(shadedBy('store_away')).toEqual([0, 0, 1]);
    expect(shadedBy('bad_signatures')).toEqual([0, 0, 0]);
  });

  test.each<[string | undefined, readonly (readonly [from: string, to?: string])[]]>([
    [undefined, []],
    ['09:40 to 09:52 UTC', [['09:40:10', '09:52:50']]],
    ['at 09:40 UTC for 30 s', [['09:40:10', '09:40:40']]],
    ['since 09:55 UTC', [['09:55:00']]],
    [
      '2 times, 11 min in all',
      [
        ['09:30:00', '09:40:00'],
        ['09:45:00', '09:46:00'],
      ],
    ],
    ['2 times, 12 min in all, and now', [['09:40:00', '09:50:00'], [at(-120).slice(11, 19)]]],
  ])('outages are told as %s', (words, times) => {
    const msOf = (time: string): number => Date.parse(`${at(0).slice(0, 11)}${time}Z`);
    const outages = times.map(([from, to]) => ({ fromMs: msOf(from), ...(to !== undefined && { toMs: msOf(to) }) }));
    expect(describeOutages(outages, nowMs)).toBe(words);
  });

  test('an outage of more than a day is told by its length', () => {
    expect(describeOutages([{ fromMs: nowMs - 76 * 60 * minuteMs }], nowMs)).toBe('for 3 d 4 h');
  });

  test('a range is summed up by its middle and its worst minute', () => {
    const minutes = [1, 2, 3].map((n) => {
      return { atMs: n * minuteMs, ack: { count: n * 10, p50Ms: n, p99Ms: 100 * n, maxMs: 1000 - n }, delivery: {} };
    });
    expect(sumUpHistory({ minutes, outages: {} }, 'ack')).toEqual({ count: 60, p50Ms: 2, p99Ms: 300, maxMs: 999 });
    expect(sumUpHistory({ minutes, outages: {} }, 'default/recall')).toBeUndefined();
  });

  test('a sparkline has every minute up to the last whole one', () => {
    const counts = [
      { atMs: minute - 2 * minuteMs, count: 7 },
      { atMs: minute, count: 99 },
    ];
    expect(fillMinutes(counts, 3, nowMs)).toEqual([0, 7, 0]);
  });
});

describe('rows on their way to a browser', () => {
  const row = (id: number, change: Partial<DeliveryRow> = {}): DeliveryRow => ({
    ...{ app: 'default', consumer: 'recall', notificationId: String(id), event: 'meeting.created', state: 'waiting' },
    ...{ receivedAt: at(0), attempts: 0, about: {} },
    ...change,
  });

  test('each delivery is sent as it is now, in the order of changes', () => {
    const rows = new PendingRows();
    for (const one of [row(1), row(2), row(1, { state: 'active' })]) rows.add(one);
    rows.addOlder(row(2, { state: 'delayed' }));
    rows.addOlder(row(3));
    expect(rows.take().map(({ notificationId, state }) => `${notificationId} ${state}`)).toEqual([
      '2 waiting',
      '1 active',
      '3 waiting',
    ]);
    expect(rows.take()).toEqual([]);
  });

  test('who reads too slowly gets the latest 200', () => {
    const rows = new PendingRows();
    for (let id = 0; id < 1000; id += 1) rows.add(row(id));
    expect(rows.take().map(({ notificationId }) => Number(notificationId))).toEqual(
      Array.from({ length: 200 }, (_, n) => 800 + n),
    );
  });

  test('waiting ends by a row, by closing, and by the clock', async () => {
    const rows = new PendingRows();
    const waiting = rows.waitForMore(minuteMs);
    rows.add(row(1));
    await waiting;
    rows.take();
    await rows.waitForMore(5);
    const last = rows.waitForMore(minuteMs);
    rows.close();
    await last;
    expect(rows.isClosed).toBe(true);
    await rows.waitForMore(minuteMs);
  });
});

test.each([
  ['delivery:acme/recall/abc', '/deliveries/acme/recall/abc'],
  ['consumer:acme/crm', '/deliveries?app=acme&consumer=crm'],
  ['replay:20261118t1-x', '/replays/20261118t1-x'],
  ['replay:one-x', undefined],
  ['address:10.0.0.7', undefined],
  ['javascript:alert(1)', undefined],
])('%s is shown at %s', (target, path) => {
  expect(pathOfTarget(target)).toBe(path);
});
