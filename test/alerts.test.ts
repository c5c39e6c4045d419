import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closedCircuit } from '../src/delivery/circuit.ts';
import type { AppKey, ConsumerKey } from '../src/delivery/names.ts';
import { RelayError } from '../src/errors.ts';
import { createLog } from '../src/log.ts';
import { describeMessage } from '../src/operator/alerts/describe-message.ts';
import { formatSpan } from '../src/operator/alerts/format-span.ts';
import {
  type Condition,
  type Incidents,
  incident,
  incidentKeyOf,
  incidentKinds,
  type Message,
} from '../src/operator/alerts/incident.ts';
import { judge } from '../src/operator/alerts/judge.ts';
import { type LookPorts, lookAtRelay } from '../src/operator/alerts/look.ts';
import type { AlertRecords, SendAlert } from '../src/operator/alerts/ports.ts';
import type { AppSnapshot, ConsumerSnapshot, Snapshot } from '../src/operator/alerts/snapshot.ts';
import { startAlerts } from '../src/operator/alerts/start-alerts.ts';
import { step } from '../src/operator/alerts/step.ts';
import { createWebhookSender } from '../src/operator/alerts/webhook-sender.ts';
import { createAppFacts } from '../src/operator/app-facts.ts';
import { createLatencyLog } from '../src/operator/latency-log.ts';
import { Secret } from '../src/secret.ts';
import { openStore } from '../src/store/open-store.ts';
import type { Records, Store } from '../src/store/store.ts';
import { startEndpoint, type TestEndpoint } from './support/endpoint.ts';
import { engines } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { stopAfterEach } from './support/keep.ts';
import { startRedis } from './support/redis-server.ts';

const keep = stopAfterEach();
const app = 'acme' as AppKey;
const consumer = 'recall' as ConsumerKey;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const now = Date.UTC(2026, 10, 18, 10, 2);
/** For records that expire by the store's own clock. */
const today = Math.floor(Date.now() / minuteMs) * minuteMs;

const calmConsumer: ConsumerSnapshot = {
  ...{ app, consumer, circuit: closedCircuit, isPaused: false, pending: 0, offBy: 0, deaths: [] },
};
const calmApp: AppSnapshot = { app, lastTenMinutes: { received: 0, signatureMismatch: 0 } };
const calm: Snapshot = {
  ...{ consumers: [], apps: [], store: { ready: true, findings: [] } },
  ...{ slowAcknowledgements: 0, connections: [] },
};

const ofConsumer = (fields: Partial<ConsumerSnapshot>): Snapshot => {
  return { ...calm, consumers: [{ ...calmConsumer, ...fields }] };
};
const ofApp = (fields: Partial<AppSnapshot>): Snapshot => ({ ...calm, apps: [{ ...calmApp, ...fields }] });
const openFor = (ms: number): ConsumerSnapshot['circuit'] => {
  return { kind: 'open', untilMs: now + 1, openings: 3, sinceMs: now - ms };
};
const halfOpenFor = (ms: number): ConsumerSnapshot['circuit'] => {
  return { kind: 'half_open', probeUntilMs: now + 1, openings: 3, sinceMs: now - ms };
};
const connected = (needPerson: number, failing: number): Snapshot => {
  return { ...calm, connections: [{ app, total: 9, needPerson, failing }] };
};
const finding = (level: string) => ({ level, code: 'evicts', message: 'Redis evicts keys' });
const mismatch = (signatureMismatch: number, received: number): Snapshot => {
  return ofApp({ lastTenMinutes: { received, signatureMismatch } });
};

describe('what is the matter', () => {
  test.each<[string, Snapshot, Partial<Condition>]>([
    [
      'a circuit open for over 5 min',
      ofConsumer({ circuit: openFor(300_001), pending: 7 }),
      { kind: 'circuit_open', app, consumer, sinceMs: now - 300_001, figures: { pending: 7, openings: 3 } },
    ],
    ['a circuit half open for over 5 min', ofConsumer({ circuit: halfOpenFor(300_001) }), { kind: 'circuit_open' }],
    [
      'a delivery that waits for over 15 min',
      ofConsumer({ oldestPendingMs: 900_001, pending: 2 }),
      { kind: 'oldest_pending', sinceMs: now - 900_001, figures: { oldestPendingMs: 900_001, pending: 2 } },
    ],
    [
      'a ledger that is off',
      ofConsumer({ offBy: -1 }),
      { kind: 'ledger_off', mustLastMs: 60_000, figures: { offBy: -1 } },
    ],
    [
      'a store that warns',
      { ...calm, store: { ready: true, findings: [finding('warning')] } },
      { kind: 'store_unsafe', code: 'evicts' },
    ],
    [
      'a store that is unsafe, and so unready',
      { ...calm, store: { ready: false, findings: [finding('fatal')] } },
      { kind: 'store_unsafe' },
    ],
    [
      'a store that takes nothing',
      { ...calm, store: { ready: false, findings: [] } },
      { kind: 'store_away', mustLastMs: 60_000 },
    ],
    [
      'no challenge for over 80 h after one',
      ofApp({ lastChallengeAtMs: now - 80 * hourMs - 1 }),
      { kind: 'no_challenge', app, sinceMs: now - 80 * hourMs - 1 },
    ],
    [
      '10 of 49 signatures wrong',
      mismatch(10, 49),
      { kind: 'bad_signatures', figures: { signatureMismatch: 10, received: 49 } },
    ],
    [
      '5 slow acknowledgements',
      { ...calm, slowAcknowledgements: 5 },
      { kind: 'slow_acknowledgements', figures: { slow: 5 } },
    ],
    [
      'a person who has to connect again',
      connected(1, 0),
      { kind: 'connections', code: 'need_person', app, sinceMs: now, figures: { needPerson: 1, failing: 0 } },
    ],
    ['a connection that fails', connected(0, 2), { kind: 'connections', code: 'failing', mustLastMs: 900_000 }],
  ])('%s is', (_name, snapshot, expected) => {
    expect(judge(snapshot, now)).toEqual([expect.objectContaining(expected)]);
  });

  test.each<[string, Snapshot]>([
    ['nothing', calm],
    ['a circuit open for 5 min', ofConsumer({ circuit: openFor(300_000) })],
    ['a throttled circuit', ofConsumer({ circuit: { kind: 'throttled', untilMs: now + hourMs } })],
    ['a delivery that waits for 15 min', ofConsumer({ oldestPendingMs: 900_000 })],
    ['a paused consumer', ofConsumer({ isPaused: true, circuit: openFor(hourMs), oldestPendingMs: hourMs })],
    ['a note of the store', { ...calm, store: { ready: true, findings: [finding('note')] } }],
    ['a challenge 80 h ago', ofApp({ lastChallengeAtMs: now - 80 * hourMs })],
    ['no challenge ever', ofApp({})],
    ['9 of 9 signatures wrong', mismatch(9, 9)],
    ['a fifth of the signatures wrong', mismatch(10, 50)],
    ['4 slow acknowledgements', { ...calm, slowAcknowledgements: 4 }],
    ['connections that work', connected(0, 0)],
  ])('%s is not', (_name, snapshot) => {
    expect(judge(snapshot, now)).toEqual([]);
  });

  test('deaths with less than 30 min between them are one matter, until none died for 30 min', () => {
    const at = (minutesAgo: number, dead: number) => ({ atMs: now - minutesAgo * minuteMs, dead });
    const died = (...deaths: ConsumerSnapshot['deaths']) => judge(ofConsumer({ deaths }), now);
    expect(died(at(90, 5), at(50, 2), at(40, -9), at(25, 1), at(0, 3))).toEqual([
      { kind: 'dead_deliveries', app, consumer, sinceMs: now - 50 * minuteMs, figures: { died: 6 } },
    ]);
    expect(died(at(30, 1))).toHaveLength(1); // it may have died at the end of that minute
    expect(died(at(31, 1))).toEqual([]);
    expect(died(at(5, -1), at(3, 0))).toEqual([]);
  });

  test('consumers, apps and findings are judged one by one', () => {
    const others = { ...calmConsumer, consumer: 'crm' as ConsumerKey };
    const findings = [finding('warning'), { ...finding('warning'), code: 'nearly_full' }];
    const store = { ready: true, findings };
    const snapshot = { ...calm, store, consumers: [calmConsumer, others].map((one) => ({ ...one, offBy: 1 })) };
    const keys = judge(snapshot, now).map(incidentKeyOf);
    expect(keys).toEqual([
      'ledger_off acme recall ',
      'ledger_off acme crm ',
      'store_unsafe   evicts',
      'store_unsafe   nearly_full',
    ]);
  });
});

test('that a connection has failed does not hide that somebody has to connect again', () => {
  const looks = [...Array<Snapshot>(61).fill(connected(0, 1)), connected(1, 1), connected(1, 0), connected(1, 0)];
  const { told, messages } = walk(looks.map((snapshot) => [15, ...judge(snapshot, now)] as const));
  expect(told.slice(58)).toEqual(['-', '-', 'begin', 'begin', '-', 'end']);
  expect(messages.map(({ code }) => code)).toEqual(['failing', 'need_person', 'failing']);
});

/** Steps through looks: seconds since the look before, and what it has. */
function walk(looks: readonly (readonly [number, ...Condition[]])[]): {
  told: string[];
  messages: Message[];
  open: Incidents;
} {
  let atMs = now;
  let open: Incidents = [];
  const told: string[] = [];
  const messages: Message[] = [];
  for (const [sec, ...conditions] of looks) {
    atMs += sec * 1000;
    const next = step(open, conditions, atMs);
    // As it comes back from the store.
    open = next.open.map((one) => incident.parse(JSON.parse(JSON.stringify(one))));
    expect(open).toEqual(next.open);
    messages.push(...next.messages);
    told.push(next.messages.map(({ phase }) => phase).join() || '-');
  }
  return { told, messages, open };
}

const down = (figures: Record<string, number> = {}): Condition => {
  return { kind: 'circuit_open', app, consumer, sinceMs: now - hourMs, figures };
};
const off: Condition = { kind: 'ledger_off', app, consumer, sinceMs: now, mustLastMs: 60_000, figures: { offBy: 2 } };

describe('incidents', () => {
  test('one message when it begins, one when it ends, whatever is in between', () => {
    const looks = [
      [0, down({ pending: 5 })],
      [15, down({ pending: 90 })],
      [15, down({ pending: 7 })],
      [15],
      [15],
      [15],
    ] as const;
    const { told, messages } = walk(looks);
    expect(told).toEqual(['begin', '-', '-', '-', 'end', '-']);
    expect(messages).toEqual([
      { ...down({ pending: 5 }), phase: 'begin' },
      { ...down({ pending: 90 }), phase: 'end', untilMs: now + 45_000 },
    ]);
  });

  test('one look without it does not end it', () => {
    expect(walk([[0, down()], [15], [15, down()], [15], [15, down()], [15], [15]]).told).toEqual([
      ...['begin', '-', '-', '-', '-', '-', 'end'],
    ]);
  });

  test('what must last begins when all looks of a minute had it, and counts from the first', () => {
    expect(
      walk([
        [0, off],
        [30, off],
        [29, off],
        [1, off],
      ]).told,
    ).toEqual(['-', '-', '-', 'begin']);
    expect(walk([[0, off], [45, off], [10], [10, off], [59, off]]).told).toEqual(['-', '-', '-', '-', '-']);
    expect(
      walk([
        [0, off],
        [60, { ...off, sinceMs: now + 60_000 }],
      ]).messages,
    ).toMatchObject([{ sinceMs: now }]);
  });

  test('what comes back within 5 min of its end is told about when it is still there after them', () => {
    const over = [[0, down()], [15], [15]] as const;
    expect(walk([...over, [60, down()], [239, down()], [1, down()]]).told.slice(3)).toEqual(['-', '-', 'begin']);
    expect(walk([...over, [60, down()], [100], [100], [100]]).told.slice(3)).toEqual(['-', '-', '-', '-']);
    expect(walk([...over, [60, down()], [100], [140, down()]]).told.slice(3)).toEqual(['-', '-', 'begin']);
    expect(walk([...over, [299, off], [1, down()]]).told.slice(3)).toEqual(['-', 'begin']);
  });

  test('what is over and stays over is forgotten', () => {
    expect(walk([[0, down()], [15], [15], [299]]).open).toHaveLength(1);
    expect(walk([[0, down()], [15], [15], [300]]).open).toEqual([]);
    expect(walk([[0, off], [15]]).open).toEqual([]);
  });

  const conditions = [down(), off, { ...down(), consumer: 'crm' }, { ...off, kind: 'store_away' as const }];
  const looks = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 200 }), fc.subarray(conditions)).map(([sec, some]) => [sec, ...some] as const),
    { maxLength: 80 },
  );

  test('for any looks, begin and end alternate, each with its reason, and there are no more begins than rises', () => {
    fc.assert(
      fc.property(looks, (sequence) => {
        for (const condition of conditions) {
          const key = incidentKeyOf(condition);
          const had = sequence.map(([, ...some]) => some.some((one) => incidentKeyOf(one) === key));
          const atSec = sequence.map((_look, index) =>
            sequence.slice(0, index + 1).reduce((sum, [sec]) => sum + sec, 0),
          );
          const told = sequence.map((_look, index) => {
            const { messages } = walk(sequence.slice(0, index + 1));
            const before = walk(sequence.slice(0, index)).messages.length;
            return messages.slice(before).filter((message) => incidentKeyOf(message) === key);
          });
          let isOpen = false;
          let endedAtSec = Number.NEGATIVE_INFINITY;
          for (const [index, messages] of told.entries()) {
            expect(messages.length).toBeLessThan(2);
            const phase = messages[0]?.phase;
            if (phase === 'begin') {
              expect(isOpen).toBe(false);
              expect(had[index]).toBe(true);
              expect((atSec[index] ?? 0) - endedAtSec).toBeGreaterThanOrEqual(300);
              isOpen = true;
            } else if (phase === 'end') {
              expect(isOpen).toBe(true);
              expect([had[index], had[index - 1]]).toEqual([false, false]);
              endedAtSec = atSec[index] ?? 0;
              isOpen = false;
            }
          }
          const rises = had.filter((is, index) => is && !had[index - 1]).length;
          expect(told.flat().filter(({ phase }) => phase === 'begin').length).toBeLessThanOrEqual(rises);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('for any past, what stays is announced, what goes is over, and in the end nothing is remembered', () => {
    fc.assert(
      fc.property(looks, fc.constantFrom(...conditions), (past, condition) => {
        const lasting = Array.from({ length: 26 }, () => [15, condition] as const);
        const stayed = walk([...past, ...lasting]);
        expect(stayed.open.find((one) => incidentKeyOf(one) === incidentKeyOf(condition))?.phase).toBe('open');
        expect(walk([...past, ...lasting, [15], [15], [300]]).open).toEqual([]);
      }),
    );
  });
});

describe('what is told', () => {
  const figures = {
    pending: 1204,
    died: 1,
    oldestPendingMs: 960_000,
    offBy: 2,
    signatureMismatch: 12,
    received: 40,
    slow: 6,
    needPerson: 3,
    failing: 2,
  };
  const subject = { app, consumer, code: 'evicts', detail: 'Redis evicts keys', sinceMs: now, figures };

  test.each(incidentKinds)('%s is one plain line each that says what, since when and what is lost', (kind) => {
    const begin = describeMessage({ ...subject, kind, phase: 'begin' });
    const end = describeMessage({ ...subject, kind, phase: 'end', untilMs: now + 23 * minuteMs });
    for (const text of [begin, end]) {
      expect(text).toMatch(/^[A-Za-z0-9].*\.$/);
      expect(text).not.toMatch(/[\n<>&]|undefined|NaN|null/);
    }
    expect(begin).toContain('since 2026-11-18 10:02 UTC');
    expect(begin).toMatch(/\b(lost|dies)\b/);
    expect(end).toMatch(/^Over: .*It lasted 23 min, from 2026-11-18 10:02 UTC to 2026-11-18 10:25 UTC/);
  });

  test('what fails to be refreshed and who has to connect again are told apart, with the command that says more', () => {
    const about = { ...subject, kind: 'connections', phase: 'begin' } as const;
    const [failing, needed] = ['failing', 'need_person'].map((code) => describeMessage({ ...about, code }));
    expect(failing).toMatch(/^2 connections of app acme fail to be refreshed at Zoom or registered at Recall since /);
    expect(failing).toContain('it is tried again by itself');
    expect(needed).toMatch(/^3 people of app acme/);
    for (const text of [failing, needed]) expect(text).toContain('zoom-relay connections list says');
  });

  test('numbers agree with their nouns', () => {
    const tell = (kind: (typeof incidentKinds)[number], of: Record<string, number>) =>
      describeMessage({ ...subject, figures: of, kind, phase: 'begin' });
    expect(tell('dead_deliveries', { died: 1 })).toMatch(/^1 delivery to acme\/recall died /);
    expect(tell('dead_deliveries', { died: 2 })).toMatch(/^2 deliveries to /);
    expect(tell('circuit_open', figures)).toContain('1,204 deliveries wait');
    expect(tell('ledger_off', { offBy: 1 })).toContain('1 of those accepted is neither');
    expect(tell('ledger_off', { offBy: -3 })).toContain('3 more are there than were counted. Nothing is lost');
    expect(tell('connections', { needPerson: 1 })).toMatch(/^1 person of app acme has to connect again since /);
    expect(tell('connections', { needPerson: 3 })).toMatch(/^3 people of app acme have to connect again since /);
  });

  test.each([
    [-5, '0 s'],
    [40_000, '40 s'],
    [23 * minuteMs, '23 min'],
    [5 * hourMs + 20 * minuteMs, '5 h 20 min'],
    [76 * hourMs, '3 d 4 h'],
  ])('%i ms is %s', (ms, text) => expect(formatSpan(ms)).toBe(text));
});

const noWaits = [1, 1, 1, 1];
const secretPath = '/services/T0/B0/hunter2-SECRET';

async function startSender(endpoint: { readonly url: string }, waitsMs = noWaits) {
  const sender = createWebhookSender(new Secret(`${endpoint.url}${secretPath}`), () => 0.5, waitsMs);
  await keep({ stop: () => sender.close() });
  return sender;
}

const bodiesOf = (endpoint: TestEndpoint) => endpoint.requests.map(({ body }) => JSON.parse(body.toString('utf8')));
const toldTo = (endpoint: TestEndpoint): string[] =>
  bodiesOf(endpoint).map(({ zoom_relay: { phase, kind } }) => `${phase} ${kind}`);

describe('the webhook', () => {
  const message = { ...down({ pending: 5 }), id: 'id-1', phase: 'end' as const, untilMs: now };
  const never = new AbortController().signal;

  test('gets what Slack shows, and the same for machines', async () => {
    const endpoint = await keep(startEndpoint());
    await (await startSender(endpoint)).send(message, never);
    const [request] = endpoint.requests;
    expect(request).toMatchObject({
      method: 'POST',
      path: secretPath,
      headers: { 'content-type': 'application/json' },
    });
    expect(bodiesOf(endpoint)).toEqual([
      {
        text: describeMessage(message),
        zoom_relay: {
          ...{ id: 'id-1', kind: 'circuit_open', phase: 'end', app, consumer },
          ...{ sinceAt: '2026-11-18T09:02:00.000Z', until: '2026-11-18T10:02:00.000Z', figures: { pending: 5 } },
        },
      },
    ]);
  });

  test.each([
    [500, 5],
    [429, 5],
    [404, 1],
    [302, 1],
  ])('that answers %i is tried %i times, and the error does not tell its URL', async (status, tries) => {
    const endpoint = await keep(startEndpoint((_request, response) => response.writeHead(status).end('hunter2')));
    const error = await (await startSender(endpoint)).send(message, never).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'RelayError', code: 'target_unreachable' });
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain('hunter2');
    expect(endpoint.requests).toHaveLength(tries);
  });

  test('that breaks off and then answers has it after the second try', async () => {
    const endpoint = await keep(
      startEndpoint((_request, response, raw) => {
        if (endpoint.requests.length === 1) raw.socket.destroy();
        else response.end();
      }),
    );
    await (await startSender(endpoint)).send(message, never);
    expect(endpoint.requests).toHaveLength(2);
  });

  test('that nobody listens at is an error without its address; stopping ends the wait for another try', async () => {
    const gone = await startEndpoint();
    await gone.stop();
    const stopping = new AbortController();
    const sending = (await startSender(gone, [3_600_000])).send(message, stopping.signal);
    setTimeout(() => stopping.abort(), 50);
    const error = await sending.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'target_unreachable', message: expect.stringContaining('ECONNREFUSED') });
    expect(String(error)).not.toContain('127.0.0.1');
  });
});

async function open(url: string): Promise<Store> {
  const setup = { url, queues: [], apps: [], workers: 0, log: createLog('silent'), allowEviction: false };
  const store = openStore({ ...setup, upkeepIntervalMs: 200, nowMs: () => performance.now(), onFatal: () => {} });
  store.open();
  await eventually('open', () => store.status().ready);
  return store;
}

/** As a process that is killed: from then on it gets no answer from the store. */
function mortal(records: Records): AlertRecords & { kill(): void } {
  let isDead = false;
  const alive = async <T>(ask: () => Promise<T>): Promise<T> => {
    if (isDead) throw new RelayError('store_unavailable', 'killed');
    return ask();
  };
  return {
    read: (key) => alive(() => records.read(key)),
    swap: (key, expected, next) => alive(() => records.swap(key, expected, next)),
    kill() {
      isDead = true;
    },
  };
}

interface World {
  nowMs: number;
  snapshot: Snapshot;
}

/** A process that looks at the world every 20 ms. */
function startProcess(world: World, records: AlertRecords, send: SendAlert | undefined) {
  const logged: Record<string, unknown>[] = [];
  let looks = 0;
  const alerts = startAlerts({
    records,
    async look() {
      looks += 1;
      return world.snapshot;
    },
    send,
    log: createLog('debug', { write: (line) => void logged.push(JSON.parse(line)) }),
    nowMs: () => world.nowMs,
    intervalMs: 20,
    newId: randomUUID,
  });
  return {
    ...alerts,
    looks: () => looks,
    lines: (event: string) => logged.filter((line) => line.event === event),
    async moreLooks(count: number) {
      const before = looks;
      await eventually('looks', () => looks >= before + count);
    },
  };
}

describe.each(engines.slice(0, 2))('several processes on $engine', ({ engine, createStore }) => {
  let folder: Awaited<ReturnType<typeof createStore>>;
  let stores: readonly Store[];
  beforeAll(async () => {
    folder = await createStore();
    const store = await open(folder.url);
    stores = engine === 'embedded' ? [store, store] : [store, await open(folder.url)];
  });
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await folder.remove();
  });

  /** The same records as two processes see them. */
  function newRecords(): [Records, Records] {
    const space = `alerts-${randomUUID()}`;
    const [here, there = here] = stores.map((store) => store.records(space));
    if (here === undefined || there === undefined) throw new Error('no store');
    return [here, there];
  }
  const newWorld = (): World => ({ nowMs: now, snapshot: calm });
  const broken = ofConsumer({ circuit: openFor(hourMs) });

  test('one of them looks, and an incident is told about once when it begins and once when it ends', async () => {
    const endpoint = await keep(startEndpoint());
    const world = newWorld();
    const { send } = await startSender(endpoint);
    const both = await Promise.all(newRecords().map((records) => keep(startProcess(world, records, send))));
    world.snapshot = broken;
    await eventually('begun', () => endpoint.requests.length > 0);
    const before = both.map((one) => one.looks());
    await eventually('many looks', () => both.some((one, index) => one.looks() > (before[index] ?? 0) + 10));
    expect(both.filter((one, index) => one.looks() === before[index])).toHaveLength(1);
    for (const one of both) {
      expect(await one.currentIncidents()).toEqual([
        expect.objectContaining({ kind: 'circuit_open', app, consumer, text: expect.stringContaining('acme/recall') }),
      ]);
    }
    world.snapshot = calm;
    await eventually('over', () => endpoint.requests.length > 1);
    await eventually('noted', async () => (await both[0]?.currentIncidents())?.length === 0);
    const leader = both.find((one, index) => one.looks() > (before[index] ?? 0));
    await leader?.moreLooks(5);
    expect(toldTo(endpoint)).toEqual(['begin circuit_open', 'end circuit_open']);
    expect(both.flatMap((one) => one.lines('incident_began'))).toHaveLength(1);
    expect(both.flatMap((one) => one.lines('incident_ended'))).toHaveLength(1);
  });

  test('when the leader is killed, another goes on after 90 s, with what was begun', async () => {
    const endpoint = await keep(startEndpoint());
    const world = { ...newWorld(), snapshot: broken };
    const { send } = await startSender(endpoint);
    const [here, there] = newRecords();
    const killed = mortal(here);
    const first = startProcess(world, killed, send);
    await eventually('begun', () => endpoint.requests.length === 1);
    await first.moreLooks(2);
    killed.kill();
    await first.stop();
    world.nowMs += 89_999;
    const second = await keep(startProcess(world, there, send));
    await delay(300);
    expect(second.looks()).toBe(0);
    world.nowMs += 1;
    await second.moreLooks(3);
    expect(endpoint.requests).toHaveLength(1);
    world.snapshot = calm;
    await eventually('over', () => endpoint.requests.length > 1);
    expect(toldTo(endpoint)).toEqual(['begin circuit_open', 'end circuit_open']);
    expect(second.lines('incident_began')).toEqual([]);
  });

  test('a leader that is stopped lets another take over at once', async () => {
    const world = newWorld();
    const [here, there] = newRecords();
    const first = startProcess(world, here, undefined);
    await first.moreLooks(2);
    await first.stop();
    const looks = first.looks();
    const second = await keep(startProcess(world, there, undefined));
    await second.moreLooks(2);
    expect(first.looks()).toBe(looks);
  });

  test('one that is killed between sending and noting: it is sent again, with the same id', async () => {
    const [here, there] = newRecords();
    const killed = mortal(here);
    const endpoint = await keep(
      startEndpoint((_request, response) => {
        killed.kill();
        response.end();
      }),
    );
    const world = { ...newWorld(), snapshot: broken };
    const { send } = await startSender(endpoint);
    const first = startProcess(world, killed, send);
    await eventually('sent', () => endpoint.requests.length === 1);
    await first.stop();
    world.nowMs += 90_000;
    await keep(startProcess(world, there, send));
    await eventually('sent again', () => endpoint.requests.length === 2);
    const [once, again] = bodiesOf(endpoint);
    expect(again).toEqual(once);
  });

  test('while the receiver is down they wait, and come in order when it is back', async () => {
    let isDown = true;
    const arrived: string[] = [];
    const endpoint = await keep(
      startEndpoint(({ body }, response, raw) => {
        if (isDown) return raw.socket.destroy();
        const { kind, phase } = JSON.parse(body.toString('utf8')).zoom_relay;
        arrived.push(`${phase} ${kind}`);
        return response.end();
      }),
    );
    const world = { ...newWorld(), snapshot: broken };
    const { send } = await startSender(endpoint);
    const [here, there] = newRecords();
    const first = startProcess(world, here, send);
    await eventually('not sent', () => first.lines('alert_unsent').length > 0);
    world.snapshot = { ...calm, slowAcknowledgements: 9 };
    await eventually('the second', () => first.lines('incident_ended').length === 1);
    await first.stop();
    const second = await keep(startProcess(world, there, send)); // also a restart forgets none
    await second.moreLooks(2);
    expect(JSON.stringify([first.lines('alert_unsent'), second.lines('alert_unsent')])).not.toContain('hunter2');
    isDown = false;
    await eventually('all sent', () => arrived.length === 3);
    await second.moreLooks(3);
    expect(arrived).toEqual(['begin circuit_open', 'begin slow_acknowledgements', 'end circuit_open']);
  });

  test('a receiver that hangs keeps nobody from looking', async () => {
    const answer = Promise.withResolvers<void>();
    const endpoint = await keep(startEndpoint((_request, response) => answer.promise.then(() => response.end())));
    const world = { ...newWorld(), snapshot: broken };
    const one = await keep(startProcess(world, newRecords()[0], (await startSender(endpoint)).send));
    await eventually('hangs', () => endpoint.requests.length === 1);
    await one.moreLooks(5);
    world.snapshot = calm;
    await eventually('seen', () => one.lines('incident_ended').length === 1);
    answer.resolve();
    await eventually('sent', () => endpoint.requests.length === 2);
  });

  test('without a webhook, incidents are logged and listed', async () => {
    const world = { ...newWorld(), snapshot: broken };
    const [records] = newRecords();
    const one = await keep(startProcess(world, records, undefined));
    await eventually('begun', () => one.lines('incident_began').length === 1);
    expect(one.lines('incident_began')[0]).toMatchObject({ kind: 'circuit_open', app, consumer, openings: 3 });
    expect(await one.currentIncidents()).toHaveLength(1);
    world.snapshot = calm;
    await eventually('over', () => one.lines('incident_ended').length === 1);
    expect(await one.currentIncidents()).toEqual([]);
    expect(JSON.parse((await records.read('state')) ?? '{}').unsent).toEqual([]);
  });

  test('a look that fails is logged, and the next one is made', async () => {
    const logged: string[] = [];
    let looks = 0;
    await keep(
      startAlerts({
        records: newRecords()[0],
        async look() {
          looks += 1;
          throw new TypeError('a bug');
        },
        send: undefined,
        log: createLog('debug', { write: (line) => void logged.push(JSON.parse(line).event) }),
        nowMs: () => now,
        intervalMs: 20,
        newId: randomUUID,
      }),
    );
    await eventually('looks', () => looks > 3);
    expect(new Set(logged)).toEqual(new Set(['alerts_failed']));
  });

  test('a state that another release wrote is begun anew', async () => {
    const world = { ...newWorld(), snapshot: broken };
    const [records] = newRecords();
    await records.swap('state', undefined, { value: '{"v":2}' });
    const one = await keep(startProcess(world, records, undefined));
    await eventually('begun', () => one.lines('incident_began').length === 1);
  });

  test('facts of an app are those of all processes, the later each', async () => {
    const clock = { nowMs: now };
    const [here, there] = newRecords().map((records) => createAppFacts(records, () => clock.nowMs));
    expect(await here?.read(app)).toEqual({ events: [] });
    here?.challenge(app);
    here?.eventSeen(app, 'meeting.created');
    here?.eventSeen(app, '__proto__');
    expect(await here?.read(app)).toMatchObject({
      lastChallengeAtMs: now,
      events: [{ lastAtMs: now }, { lastAtMs: now }],
    });
    expect(await there?.read(app)).toEqual({ events: [] });
    clock.nowMs += 30_000;
    here?.eventSeen(app, 'meeting.created'); // within a minute: not noted
    expect((await here?.read(app))?.events.map(({ lastAtMs }) => lastAtMs)).toEqual([now, now]);
    there?.eventSeen(app, 'user.updated');
    clock.nowMs += 30_000;
    here?.eventSeen(app, 'meeting.created');
    await Promise.all([here?.stop(), there?.stop()]);
    expect(await there?.read(app)).toEqual({
      lastChallengeAtMs: now,
      events: [
        { event: 'meeting.created', lastAtMs: now + 60_000 },
        { event: 'user.updated', lastAtMs: now + 30_000 },
        { event: '__proto__', lastAtMs: now },
      ],
    });
    expect(await there?.read('other' as AppKey)).toEqual({ events: [] });
  });

  test('latencies of all processes are merged by the minute, exact in number and maximum', async () => {
    const clock = { nowMs: today + 59_999 };
    const [here, there] = newRecords().map((records, index) =>
      createLatencyLog(records, `p${index}`, () => clock.nowMs),
    );
    for (const ms of [1, 2, 3, 1000]) here?.acknowledged(ms);
    there?.acknowledged(1000.1);
    here?.delivered(app, consumer, 50);
    await here?.stop();
    await there?.stop();
    clock.nowMs += 1;
    here?.delivered(app, consumer, 7_200_000);
    there?.acknowledged(4);
    await here?.stop();
    const minutes = await there?.read(today, today + 120_000);
    expect(minutes?.map(({ atMs, ack, delivery }) => [atMs, ack.count, ack.max, ack.overOneSecond, delivery])).toEqual([
      [today, 5, 1000.1, 1, { 'acme/recall': { count: 1, p50: 50, p99: 50, max: 50, overOneSecond: 0 } }],
      [
        today + 60_000,
        1,
        4,
        0,
        { 'acme/recall': expect.objectContaining({ count: 1, max: 7_200_000, overOneSecond: 1 }) },
      ],
    ]);
    const atMsOf = async (fromMs: number, toMs: number) =>
      (await here?.read(fromMs, toMs))?.map(({ atMs }) => atMs - today);
    expect(await atMsOf(today + 59_999, today + 60_000)).toEqual([0]);
    expect(await atMsOf(today + 60_000, today + 60_001)).toEqual([60_000]);
    expect(await atMsOf(today - 60_000, today)).toEqual([]);
  });

  test('a write that was made but not answered does not count twice', async () => {
    const [records] = newRecords();
    let isLost = true;
    const flaky = {
      ...records,
      async swap(...args: Parameters<Records['swap']>) {
        const answer = await records.swap(...args);
        if (isLost) throw new RelayError('store_unavailable', 'no answer');
        return answer;
      },
    };
    const log = createLatencyLog(flaky, 'p', () => today);
    log.acknowledged(5);
    await log.stop();
    log.acknowledged(5);
    isLost = false;
    await log.stop();
    const [minute] = await createLatencyLog(records, 'q', () => today).read(today, today + 1);
    expect(minute?.ack.count).toBe(2);
  });

  test('more minutes than one page are all read', async () => {
    const [records] = newRecords();
    const clock = { nowMs: today };
    for (let minute = 0; minute < 1100; minute += 100) {
      const log = createLatencyLog(records, `p${minute}`, () => clock.nowMs);
      for (let more = 0; more < 100; more += 1) {
        log.acknowledged(minute + more);
        clock.nowMs += minuteMs;
      }
      await log.stop();
    }
    const read = await createLatencyLog(records, 'q', () => today).read(today, clock.nowMs);
    expect(read.map(({ ack }) => ack.max)).toEqual(Array.from({ length: 1100 }, (_nothing, index) => index));
  });
});

test('what is measured and noted is written by itself within 15 s', async () => {
  const folder = await engines[1].createStore();
  const store = await open(folder.url);
  await keep({ stop: () => store.close() });
  const records = store.records(`latency-${randomUUID()}`);
  const log = await keep(createLatencyLog(records, 'p', () => today));
  const facts = await keep(createAppFacts(records, () => today));
  log.acknowledged(5);
  facts.challenge(app);
  await eventually(
    'written',
    async () => (await createLatencyLog(records, 'q', () => today).read(today, today + 1)).length > 0,
  );
  expect(await createAppFacts(records, () => today).read(app)).toEqual({ lastChallengeAtMs: today, events: [] });
});

test('while the store is away, facts and latencies wait in memory; no app has more than 200 events', async () => {
  const folder = await engines[1].createStore();
  const store = await open(folder.url);
  await keep({ stop: () => store.close() });
  const kept = store.records(`facts-${randomUUID()}`);
  let isAway = true;
  const records = {
    ...kept,
    async swap(...args: Parameters<Records['swap']>) {
      if (isAway) throw new RelayError('store_unavailable', 'away');
      return kept.swap(...args);
    },
  };
  const clock = { nowMs: today };
  const facts = createAppFacts(records, () => clock.nowMs);
  const log = createLatencyLog(records, 'p', () => clock.nowMs);
  for (let index = 0; index < 250; index += 1) {
    clock.nowMs += 1;
    facts.eventSeen(app, `event.${index}`);
    if (index === 124) await facts.stop();
  }
  log.acknowledged(1);
  await log.stop();
  clock.nowMs += minuteMs;
  log.acknowledged(2);
  isAway = false;
  await Promise.all([facts.stop(), log.stop()]);
  const { events } = await createAppFacts(kept, () => today).read(app);
  expect(events.map(({ event }) => event)).toEqual(
    Array.from({ length: 200 }, (_nothing, index) => `event.${249 - index}`),
  );
  const minutes = await createLatencyLog(kept, 'q', () => today).read(today, today + hourMs);
  expect(minutes.map(({ ack }) => ack.max)).toEqual([1, 2]);
});

test('quantiles are at most a fifth above the true ones', async () => {
  const nothing = { read: async () => undefined, swap: async () => true, list: async () => [] };
  const latency = fc.double({ min: 0, max: 3_600_000, noNaN: true });
  await fc.assert(
    fc.asyncProperty(fc.array(latency, { minLength: 1, maxLength: 300 }), async (latencies) => {
      const log = createLatencyLog(nothing, 'p', () => now);
      for (const ms of latencies) log.acknowledged(ms);
      const [minute] = await log.read(now, now + 1);
      await log.stop();
      const sorted = latencies.map((ms) => Math.round(ms * 10) / 10).toSorted((a, b) => a - b);
      expect(minute?.ack.count).toBe(sorted.length);
      expect(minute?.ack.max).toBe(sorted.at(-1));
      expect(minute?.ack.overOneSecond).toBe(sorted.filter((ms) => ms > 1000).length);
      for (const [share, found = Number.NaN] of [[0.5, minute?.ack.p50] as const, [0.99, minute?.ack.p99] as const]) {
        const truth = sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
        expect(found).toBeGreaterThanOrEqual(truth - 0.1);
        expect(found).toBeLessThanOrEqual(Math.max(1, truth * 1.2) + 0.1);
      }
    }),
  );
});

test('while the store is away each process tells so itself after a minute, and when it is back', async () => {
  const server = await keep(startRedis());
  const endpoint = await keep(startEndpoint());
  const world: World = { nowMs: now, snapshot: calm };
  const stores = await Promise.all([open(server.url), open(server.url)]);
  for (const store of stores) await keep({ stop: () => store.close() });
  const { send } = await startSender(endpoint);
  const refusals = [0, 0];
  const both = await Promise.all(
    stores.map((store, index) => {
      const records = store.records('alerts');
      const read = (key: string) =>
        records.read(key).catch((error: unknown) => {
          refusals[index] = (refusals[index] ?? 0) + 1;
          throw error;
        });
      return keep(startProcess(world, { ...records, read }, send));
    }),
  );
  await eventually('led', () => both.some((one) => one.looks() > 0));
  await server.process.end('SIGKILL');
  // What was asked before it was killed is answered after up to 10 s.
  await eventually('noticed', () => refusals.every((count) => count > 1));
  world.nowMs += 59_999;
  await delay(200);
  expect(endpoint.requests).toEqual([]);
  world.nowMs += 1;
  await eventually('told', () => endpoint.requests.length === 2);
  for (const one of both) expect(await one.currentIncidents()).toMatchObject([{ kind: 'store_away', sinceMs: now }]);
  await server.process.start();
  await eventually('told', () => endpoint.requests.length === 4);
  await delay(200);
  const away = ['begin store_away', 'begin store_away', 'end store_away', 'end store_away'];
  expect(toldTo(endpoint)).toEqual(away);
  for (const one of both) expect(await one.currentIncidents()).toEqual([]);
});

test('a look adds up what all parts say', async () => {
  const minute = (minutesAgo: number, received: number, wrong: number) => ({
    ...{ atMs: now - minutesAgo * minuteMs, received, accepted: 0, duplicate: 0, challenge: 0, turnedAway: 0 },
    rejected: { signature_mismatch: wrong, timestamp_stale: 7 },
  });
  const none = { received: 0, accepted: 0, duplicate: 0, challenge: 0, turnedAway: 0, rejected: {} };
  const deaths = [{ atMs: now, accepted: 0, delivered: 0, dead: 2 }];
  const account = { accepted: 9, delivered: 1, pending: 2, dead: 3, offBy: 3, circuit: closedCircuit, minutes: deaths };
  const minutes = [minute(11, 1000, 1000), minute(10.5, 1, 1), minute(5, 10, 2), minute(0, 100, 30)];
  const asked: number[] = [];
  const ports: LookPorts = {
    readQueues: async () => [{ app, consumer, isPaused: true, waiting: 1, delayed: 2, active: 3, oldestPendingMs: 4 }],
    readLedger: async () => ({
      apps: [{ app, total: none, lastDay: none, minutes, consumers: [{ consumer, ...account }] }],
    }),
    readStore: () => ({ ready: true, findings: [finding('note')] }),
    readAppFacts: async (of) => (of === app ? { lastChallengeAtMs: 5 } : {}),
    async readLatency(...range) {
      asked.push(...range);
      return [{ ack: { overOneSecond: 2 } }, { ack: { overOneSecond: 3 } }];
    },
    readConnections: async () => [{ app, total: 4, needPerson: 1, failing: 2 }],
  };
  expect(await lookAtRelay(ports, now)).toEqual({
    consumers: [
      {
        ...calmConsumer,
        isPaused: true,
        pending: 6,
        oldestPendingMs: 4,
        offBy: 3,
        deaths: [expect.objectContaining({ dead: 2 })],
      },
    ],
    apps: [{ app, lastChallengeAtMs: 5, lastTenMinutes: { received: 111, signatureMismatch: 33 } }],
    store: { ready: true, findings: [finding('note')] },
    slowAcknowledgements: 5,
    connections: [{ app, total: 4, needPerson: 1, failing: 2 }],
  });
  expect(asked).toEqual([now - 300_000, now]);
});
