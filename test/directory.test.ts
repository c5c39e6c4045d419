import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { notificationIdOf } from '../src/delivery/names.ts';
import { createDirectory, type Directory } from '../src/directory/directory.ts';
import { directoryEvents } from '../src/directory/directory-events.ts';
import { meetingExpiresAtMs, userExpiresAtMs } from '../src/directory/expiry.ts';
import { type MeetingEntry, type MeetingEvent, mergeMeeting } from '../src/directory/meeting-entry.ts';
import type { DirectoryRecords } from '../src/directory/records.ts';
import { maxPmiChanges, mergeUser, type UserEntry, type UserEvent } from '../src/directory/user-entry.ts';
import { RelayError } from '../src/errors.ts';
import { readDeauthorization } from '../src/zoom/deauthorization.ts';
import type { ZoomEvent } from '../src/zoom/events.ts';
import { isEvent } from '../src/zoom/is-event.ts';
import { type ParsedEvent, parseEvent } from '../src/zoom/parse-event.ts';

const dayMs = 86_400_000;
const retainMs = 90 * dayMs;
const startMs = Date.UTC(2026, 9, 1);

/** One notification, as the directory is told of it. */
interface Notification {
  readonly parsed: ParsedEvent;
  readonly about: { readonly notificationId: string; readonly receivedAtMs: number };
}

function notificationOf(body: Uint8Array, receivedAtMs: number): Notification {
  const parsed = parseEvent(body);
  if (parsed.kind !== 'event') return expect.unreachable(parsed.reason);
  return { parsed, about: { notificationId: notificationIdOf(body), receivedAtMs } };
}

function fixture(name: string, receivedAtMs = startMs): Notification {
  return notificationOf(readFileSync(new URL(`./fixtures/zoom/${name}.json`, import.meta.url)), receivedAtMs);
}

/** An event that happened `atMs`, received at once. */
function tell(event: string, atMs: number, payload: object): Notification {
  return notificationOf(Buffer.from(JSON.stringify({ event, event_ts: atMs, payload })), atMs);
}

const created = (atMs: number, object: object = {}, payload: object = {}) =>
  tell('meeting.created', atMs, {
    operator: 'creator@example.com',
    operator_id: 'creator',
    ...payload,
    object: { id: 111, uuid: 'uuid', host_id: 'host', topic: 'Topic', ...object },
  });
const updated = (atMs: number, object: object = {}, payload: object = {}) =>
  tell('meeting.updated', atMs, { ...payload, object: { id: 111, ...object } });
const deleted = (atMs: number, object: object = {}, payload: object = {}) =>
  tell('meeting.deleted', atMs, { ...payload, object: { id: 111, uuid: 'uuid', host_id: 'host', ...object } });
const userUpdated = (atMs: number, object: object = {}, old?: object) =>
  tell('user.updated', atMs, { account_id: 'account', object: { id: 'host', ...object }, old_object: old });
const deauthorized = (atMs: number, userId: string) =>
  tell('app_deauthorized', atMs, { user_id: userId, account_id: 'account', client_id: 'client' });

function isMeetingEvent(event: ParsedEvent['event']): event is MeetingEvent {
  return isEvent(event, 'meeting.created') || isEvent(event, 'meeting.updated') || isEvent(event, 'meeting.deleted');
}

function isUserEvent(event: ParsedEvent['event']): event is UserEvent {
  return isEvent(event, 'meeting.created') || isEvent(event, 'user.updated');
}

function meetingFrom(notifications: readonly Notification[]): MeetingEntry {
  const entry = notifications.reduce<MeetingEntry | undefined>(
    (before, { parsed: { event }, about }) =>
      isMeetingEvent(event) ? mergeMeeting(before, event, about) : expect.unreachable(),
    undefined,
  );
  return entry ?? expect.unreachable();
}

function userFrom(notifications: readonly Notification[]): UserEntry {
  const entry = notifications.reduce<UserEntry | undefined>(
    (before, { parsed: { event }, about }) => (isUserEvent(event) ? mergeUser(before, event, about) : before),
    undefined,
  );
  return entry ?? expect.unreachable();
}

interface MemoryRecord {
  readonly value: string;
  readonly tags?: readonly string[];
  readonly expiresAtMs?: number;
}

/** Compares and swaps as a store does. Every call lets others go first: `turn` decides for how long. */
class MemoryRecords implements DirectoryRecords {
  readonly kept = new Map<string, MemoryRecord>();
  swapsLost = 0;
  readonly #turn: () => Promise<unknown>;

  constructor(turn: () => Promise<unknown> = setImmediate) {
    this.#turn = turn;
  }

  async read(key: string): Promise<string | undefined> {
    await this.#turn();
    return this.kept.get(key)?.value;
  }

  async swap(key: string, expected: string | undefined, next: MemoryRecord): Promise<boolean> {
    await this.#turn();
    const isExpected = this.kept.get(key)?.value === expected;
    if (isExpected) this.kept.set(key, next);
    else this.swapsLost += 1;
    return isExpected;
  }

  async remove(key: string): Promise<boolean> {
    await this.#turn();
    return this.kept.delete(key);
  }

  async list(query: { tag?: string; prefix?: string; before?: string; limit: number }) {
    await this.#turn();
    const { tag, prefix = '', before, limit } = query;
    return [...this.kept]
      .filter(([key, { tags = [] }]) => key.startsWith(prefix) && (tag === undefined || tags.includes(tag)))
      .filter(([key]) => before === undefined || key < before)
      .toSorted(([one], [other]) => (one < other ? 1 : -1))
      .slice(0, limit)
      .map(([key, { value }]) => ({ key, value }));
  }

  /** All that is written anywhere. */
  text(): string {
    return JSON.stringify([...this.kept]);
  }
}

function note(directory: Directory, { parsed, about }: Notification, nowMs = about.receivedAtMs) {
  return directory.note(parsed, about, nowMs);
}

/** A directory that has noted these, one after the other. */
async function directoryOf(notifications: readonly Notification[], records = new MemoryRecords()) {
  const directory = createDirectory(records, retainMs);
  for (const notification of notifications) await note(directory, notification, startMs + dayMs);
  return { directory, records };
}

// Few times and few values, so that events collide: same milliseconds, same fields, other words.
const times = fc.integer({ min: startMs, max: startMs + 3 });
const words = fc.constantFrom('', 'a', 'b', 'c');
const meetingObject = fc.record(
  {
    topic: words,
    uuid: words,
    host_id: words,
    start_time: fc.constantFrom('2026-11-01T00:00:00Z', '2026-12-01T00:00:00Z', 'soon'),
    duration: fc.integer({ min: 0, max: 90 }),
    join_url: words,
    occurrences: fc.array(fc.record({ start_time: fc.constantFrom('2027-01-01T00:00:00Z', '2027-02-01T00:00:00Z') })),
  },
  { requiredKeys: ['uuid', 'host_id'] },
);
const meetingPayload = fc.record(
  { account_id: words, operator: words, operator_id: words, scope: words, operation: fc.constantFrom('single', 'all') },
  { requiredKeys: [] },
);
const meetingNotification = fc
  .tuple(fc.constantFrom(created, updated, deleted), times, meetingObject, meetingPayload)
  .map(([make, atMs, object, payload]) => make(atMs, object, payload));
const userNotification = fc
  .tuple(times, fc.record({ pmi: fc.integer({ min: 1, max: 4 }), email: words }, { requiredKeys: [] }))
  .map(([atMs, object]) => userUpdated(atMs, object, { pmi: 1 }));

/** The same things in another order, some of them several times. */
function shuffled<Item>(item: fc.Arbitrary<Item>) {
  return fc.array(item, { minLength: 1, maxLength: 8 }).chain((items) =>
    fc.tuple(
      fc.constant(items),
      fc.array(fc.constantFrom(...items), { maxLength: 4 }).chain((again) => {
        const all = [...items, ...again];
        return fc.shuffledSubarray(all, { minLength: all.length });
      }),
    ),
  );
}

describe('a meeting entry', () => {
  test('says what meeting.created says', () => {
    const from = {
      atMs: 1617628462392,
      event: 'meeting.created',
      notificationId: expect.stringMatching(/^[0-9a-f]{32}$/),
    };
    expect(meetingFrom([fixture('meeting.created.docs')])).toEqual({
      v: 1,
      id: '1234567890',
      uuid: { ...from, value: '4444AAAiAAAAAiAiAiiAii==' },
      hostId: { ...from, value: 'x1yCzABCDEfg23HiJKl4mN' },
      operator: { ...from, value: { id: '8lzIwvZTSOqjndWPbPqzuA', email: 'someone@example.com' } },
      accountId: { ...from, value: 'VjZoEArIT5y-HlWxkV-tVA' },
      topic: { ...from, value: 'My Meeting' },
      startTime: { ...from, value: '2021-07-13T21:44:51Z' },
      durationMin: { ...from, value: 60 },
      joinUrl: { ...from, value: 'https://zoom.us/j/98884753832?pwd=c21EQzg0SXY2dlNTOFF2TENpSm1aQT09' },
      seriesEndMs: { ...from, value: Date.UTC(2021, 6, 13, 21, 44, 51) },
      deleted: { ...from, value: false },
      firstHeard: from,
      lastHeard: from,
      lastReceivedAtMs: startMs,
    });
  });

  test('is the same for any order and repetition of the same events', () => {
    fc.assert(
      fc.property(shuffled(meetingNotification), ([inOrder, anyhow]) => {
        expect(meetingFrom(anyhow)).toEqual(meetingFrom(inOrder));
      }),
      { numRuns: 1000 },
    );
  });

  test('an older event never overwrites what a newer one told, and adds what it did not', () => {
    const newer = updated(startMs + 2, { topic: 'New' });
    const older = created(startMs + 1, { topic: 'Old', join_url: 'https://zoom.us/j/111' });
    const entry = meetingFrom([newer, older]);
    expect(entry.topic).toMatchObject({ value: 'New', atMs: startMs + 2 });
    expect(entry.joinUrl).toMatchObject({ value: 'https://zoom.us/j/111', atMs: startMs + 1 });
    expect([entry.firstHeard.atMs, entry.lastHeard.atMs]).toEqual([startMs + 1, startMs + 2]);
  });

  test('absent, null and "" tell nothing', () => {
    const entry = meetingFrom([created(startMs), updated(startMs + 1, { topic: '', uuid: null })]);
    expect([entry.topic?.value, entry.uuid?.value]).toEqual(['Topic', 'uuid']);
  });

  test('meeting.created that comes after its meeting.deleted does not revive the meeting', () => {
    expect(meetingFrom([deleted(startMs + 2), created(startMs + 1)]).deleted?.value).toBe(true);
    expect(meetingFrom([deleted(startMs + 2), updated(startMs + 3)]).deleted?.value).toBe(true);
    expect(meetingFrom([deleted(startMs + 2), created(startMs + 3)]).deleted?.value).toBe(false);
  });

  test('deleting one occurrence does not delete the meeting; all of them, or one without occurrences, does', () => {
    const occurrences = [{ occurrence_id: '1', start_time: '2026-11-01T00:00:00Z' }];
    const isDeletedBy = (object: object, payload: object) =>
      meetingFrom([created(startMs), deleted(startMs + 1, object, payload)]).deleted?.value;
    expect(isDeletedBy({ occurrences }, { operation: 'single' })).toBe(false);
    expect(isDeletedBy({ occurrences }, { operation: 'all' })).toBe(true);
    expect(isDeletedBy({}, { operation: 'single' })).toBe(true);
    expect(meetingFrom([fixture('meeting.deleted.docs')]).deleted?.value).toBe(true);
  });

  test('moving one occurrence does not move the meeting', () => {
    const moved = { start_time: '2026-12-24T00:00:00Z', occurrences: [{ occurrence_id: '1' }] };
    const startOf = (scope: string) =>
      meetingFrom([created(startMs, { start_time: '2026-11-01T00:00:00Z' }), updated(startMs + 1, moved, { scope })])
        .startTime?.value;
    expect(startOf('single')).toBe('2026-11-01T00:00:00Z');
    expect(startOf('all')).toBe('2026-12-24T00:00:00Z');
  });

  test('the operator is who created it; without meeting.created, who changed it last', () => {
    const byAdmin = { operator: 'admin@example.com', operator_id: 'admin' };
    const admins = [updated(startMs + 1, {}, byAdmin), deleted(startMs + 2, {}, byAdmin)];
    expect(meetingFrom([created(startMs), ...admins]).operator?.value.id).toBe('creator');
    expect(meetingFrom(admins).operator?.value).toEqual({ id: 'admin', email: 'admin@example.com' });
  });

  test('an e-mail address without a user id is not kept', () => {
    expect(JSON.stringify(meetingFrom([created(startMs, {}, { operator_id: '' })]))).not.toContain('@');
  });

  test('the time is event_ts, else time_stamp, else when it came; never much later than that', () => {
    const timeOf = (times: object, payload: object, event = 'meeting.updated') => {
      const body = JSON.stringify({
        event,
        ...times,
        payload: { ...payload, object: { id: 1, uuid: 'u', host_id: 'h' } },
      });
      return meetingFrom([notificationOf(Buffer.from(body), startMs)]).lastHeard.atMs;
    };
    expect(timeOf({ event_ts: startMs - 9 }, { time_stamp: startMs - 5 })).toBe(startMs - 9);
    expect(timeOf({}, { time_stamp: startMs - 5 })).toBe(startMs - 5);
    expect(timeOf({}, {}, 'meeting.deleted')).toBe(startMs);
    expect(timeOf({ event_ts: startMs + 1000 }, {})).toBe(startMs + 1000);
    expect(timeOf({ event_ts: 253_402_300_799_000 }, {})).toBe(startMs + 300_000);
    expect(timeOf({ event_ts: -5 }, {})).toBe(startMs);
  });
});

describe('a user entry', () => {
  test('keeps the PMI and what it was before', () => {
    const from = { atMs: 1754000000123, event: 'user.updated', notificationId: expect.any(String) };
    expect(userFrom([fixture('user.updated.pmi.constructed')])).toMatchObject({
      id: 'z8yCxTTTTSiw02QgCAp8uQ',
      pmi: { ...from, value: '3542471135' },
      pmiChanges: [{ ...from, pmi: '3542471135', previous: '3542471136' }],
    });
  });

  test('is the same for any order and repetition of the same events', () => {
    fc.assert(
      fc.property(shuffled(userNotification), ([inOrder, anyhow]) => {
        expect(userFrom(anyhow)).toEqual(userFrom(inOrder));
      }),
      { numRuns: 1000 },
    );
  });

  test('the last 20 changes of the PMI are kept, the oldest first, whatever the order of arrival', () => {
    const changes = Array.from({ length: 30 }, (_, index) => userUpdated(startMs + index, { pmi: 1000 + index }));
    fc.assert(
      fc.property(fc.shuffledSubarray(changes, { minLength: changes.length }), (anyhow) => {
        const { pmi, pmiChanges } = userFrom([...anyhow, ...changes.slice(0, 5)]);
        expect(pmi?.value).toBe('1029');
        expect(pmiChanges.map((change) => change.pmi)).toEqual(
          Array.from({ length: maxPmiChanges }, (_, index) => String(1010 + index)),
        );
      }),
      { numRuns: 50 },
    );
  });

  test('a PMI is text, whether told as a number, as text or as an integer beyond 2^53', () => {
    for (const pmi of ['3542471135', 3542471135])
      expect(userFrom([userUpdated(startMs, { pmi })]).pmi?.value).toBe('3542471135');
    const body = '{"event":"user.updated","payload":{"object":{"id":"host","pmi":12345678901234567890}}}';
    expect(userFrom([notificationOf(Buffer.from(body), startMs)]).pmi?.value).toBe('12345678901234567890');
  });

  test('what another user was before is not what this one was', () => {
    const entry = userFrom([userUpdated(startMs, { pmi: 2 }, { id: 'somebody-else', pmi: 1 })]);
    expect(entry.pmiChanges).toEqual([expect.not.objectContaining({ previous: expect.anything() })]);
    expect(userFrom([fixture('user.updated.docs')])).toMatchObject({
      id: 'eUblMKLnTMKX0pVvNAlA0Q',
      email: { value: 'xxxxxx@zoom.us' },
    });
  });

  test('meeting.created tells the e-mail address of its creator, and nothing of one without an id', () => {
    expect(userFrom([created(startMs)])).toMatchObject({ id: 'creator', email: { value: 'creator@example.com' } });
    const { parsed, about } = created(startMs, {}, { operator_id: null });
    expect(isUserEvent(parsed.event) && mergeUser(undefined, parsed.event, about)).toBe(undefined);
  });
});

describe('expiry', () => {
  const expiryOf = (...notifications: readonly Notification[]) =>
    meetingExpiresAtMs(meetingFrom(notifications), retainMs);
  const inDays = (days: number) => new Date(startMs + days * dayMs).toISOString();

  test('a meeting is kept for so long after its end, as last told', () => {
    const planned = created(startMs, { start_time: inDays(10), duration: 60 });
    expect(expiryOf(planned)).toBe(startMs + 10 * dayMs + 3_600_000 + retainMs);
    expect(expiryOf(planned, updated(startMs + 1, { start_time: inDays(5) }))).toBe(
      startMs + 5 * dayMs + 3_600_000 + retainMs,
    );
  });

  test('a recurring one after its last occurrence, or the end of the recurrence', () => {
    const occurrences = [{ start_time: inDays(30) }, { start_time: inDays(20) }];
    expect(expiryOf(created(startMs, { occurrences }))).toBe(startMs + 30 * dayMs + retainMs);
    expect(expiryOf(created(startMs, { occurrences, recurrence: { end_date_time: inDays(40) } }))).toBe(
      startMs + 40 * dayMs + retainMs,
    );
    // A later event with one occurrence does not shorten the series.
    expect(
      expiryOf(created(startMs, { occurrences }), updated(startMs + 1, { occurrences: [{ start_time: inDays(3) }] })),
    ).toBe(startMs + 30 * dayMs + retainMs);
  });

  test('a meeting without a time, or long past, after it was last heard of', () => {
    expect(expiryOf(created(startMs, { start_time: 'soon', duration: 1e9 }))).toBe(startMs + retainMs);
    expect(expiryOf(created(startMs), updated(startMs + 5))).toBe(startMs + 5 + retainMs);
    expect(expiryOf(fixture('meeting.created.docs', startMs))).toBe(startMs + retainMs);
  });

  test('an absurd time keeps nothing for more than two years after the event', () => {
    const latest = startMs + 730 * dayMs + retainMs;
    expect(expiryOf(created(startMs, { start_time: '9999-12-31T23:59:59Z' }))).toBe(latest);
    expect(expiryOf(created(startMs, { start_time: inDays(1), duration: 1e300 }))).toBe(latest);
    expect(expiryOf(created(startMs, { occurrences: [{ start_time: '9999-12-31T23:59:59Z' }] }))).toBe(latest);
  });

  test('is a whole number, whatever is told', () => {
    fc.assert(
      fc.property(fc.double(), fc.double(), (eventTs, duration) => {
        const object = { id: 1, start_time: inDays(1), duration };
        const body = Buffer.from(JSON.stringify({ event: 'meeting.updated', event_ts: eventTs, payload: { object } }));
        expect(expiryOf(notificationOf(body, startMs))).toSatisfy(Number.isSafeInteger);
      }),
    );
  });

  test('a user is kept for so long after they were last heard of', () => {
    expect(userExpiresAtMs(userFrom([userUpdated(startMs), userUpdated(startMs + 7)]), retainMs)).toBe(
      startMs + 7 + retainMs,
    );
  });
});

describe('a deauthorization', () => {
  const readFixture = (shape: string) => {
    const { event } = fixture(`app_deauthorized.${shape}`).parsed;
    return isEvent(event, 'app_deauthorized') ? readDeauthorization(event, startMs) : expect.unreachable();
  };
  const timeOf = (payload: Partial<ZoomEvent<'app_deauthorized'>['payload']>) => {
    const ids = { user_id: 'u', account_id: 'a', client_id: 'c' };
    return readDeauthorization({ event: 'app_deauthorized', payload: { ...ids, ...payload } }, startMs).atMs;
  };

  test('is read in all its shapes', () => {
    expect(readFixture('docs')).toEqual({
      userId: 'abcD3ojfdbjfg',
      accountId: 'AAAAAABBBB',
      clientId: 'ABCDEFGHIJKLMNOPQRST!V',
      atMs: Date.UTC(2020, 5, 17, 13, 52, 28, 632),
    });
    expect(readFixture('legacy')).toMatchObject({
      userId: 'z9jkdsfsdfjhdkfjQ',
      atMs: Date.UTC(2019, 5, 17, 13, 52, 28, 632),
    });
    expect(readFixture('top_level_ts').atMs).toBe(1740439732278);
  });

  test('without its own time it happened at event_ts of the payload, in UTC, else when it came', () => {
    vi.stubEnv('TZ', 'America/New_York');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(timeOf({ event_ts: '2024-09-08 15:58:40' })).toBe(Date.UTC(2024, 8, 8, 15, 58, 40));
    expect(timeOf({ event_ts: 1740439732278 })).toBe(1740439732278);
    expect(timeOf({ deauthorization_time: 'last week', event_ts: '8.9.2024' })).toBe(startMs);
    expect(timeOf({ deauthorization_time: '9999-12-31T23:59:59Z' })).toBe(startMs + 300_000);
  });
});

describe('the directory', () => {
  test('knows the meetings and users of real events', async () => {
    const names = [
      'meeting.created.docs',
      'meeting.updated.docs',
      'meeting.deleted.docs',
      'user.updated.pmi.constructed',
    ];
    const { directory } = await directoryOf(names.map((name) => fixture(name)));
    expect(await directory.meeting('1234567890')).toEqual(meetingFrom([fixture('meeting.created.docs')]));
    expect((await directory.meeting('94890226305'))?.topic?.value).toBe(
      'ZoomNet Unit Testing: UPDATED scheduled meeting',
    );
    expect((await directory.meeting('98884753832'))?.deleted?.value).toBe(true);
    expect((await directory.user('z8yCxTTTTSiw02QgCAp8uQ'))?.pmi?.value).toBe('3542471135');
    expect((await directory.user('8lzIwvZTSOqjndWPbPqzuA'))?.email?.value).toBe('someone@example.com');
    expect(await directory.meeting('1')).toBe(undefined);
    expect(await directory.user('nobody')).toBe(undefined);
  });

  test('keeps a meeting that nobody is said to have created, and a creator whose meeting is of one who left', async () => {
    const directory = createDirectory(new MemoryRecords(), retainMs);
    expect(await note(directory, created(startMs, {}, { operator_id: '' }))).toEqual({ kind: 'kept' });
    await note(directory, deauthorized(startMs + 1, 'leaver'));
    expect(await note(directory, created(startMs, { id: 2, host_id: 'leaver' }))).toEqual({ kind: 'kept' });
    expect(await directory.meeting('2')).toBe(undefined);
    expect(await directory.user('creator')).toBeDefined();
  });

  test('takes an id as a number or as text for the same meeting', async () => {
    const { directory } = await directoryOf([created(startMs), updated(startMs + 1, { id: '111', topic: 'Text' })]);
    expect((await directory.meeting('111'))?.topic?.value).toBe('Text');
  });

  test.each(['meeting.started.docs', 'meeting.ended.docs', 'recording.completed.docs', 'user.created.docs'])(
    '%s tells it nothing',
    async (name) => {
      const records = new MemoryRecords();
      const directory = createDirectory(records, retainMs);
      expect(await note(directory, fixture(name))).toMatchObject({ kind: 'nothing' });
      expect(await note(directory, tell('unheard.of', startMs, {}))).toMatchObject({ kind: 'nothing' });
      expect(records.kept.size).toBe(0);
    },
  );

  test('is told something by each of its events', async () => {
    const told = [
      created(startMs),
      updated(startMs),
      deleted(startMs),
      userUpdated(startMs),
      deauthorized(startMs, 'x'),
    ];
    expect(told.map(({ parsed }) => parsed.name)).toEqual([...directoryEvents]);
    const directory = createDirectory(new MemoryRecords(), retainMs);
    for (const notification of told) expect(await note(directory, notification)).toEqual({ kind: 'kept' });
  });

  test('refuses ids that can be no keys, and keeps nothing of such an event', async () => {
    const records = new MemoryRecords();
    const directory = createDirectory(records, retainMs);
    const long = 'x'.repeat(101);
    const refused = [
      created(startMs, { id: '12a' }),
      created(startMs, { id: 1.5 }),
      created(startMs, { id: 1e25 }),
      updated(startMs, { id: '1'.repeat(21) }),
      deleted(startMs, { id: -5 }),
      created(startMs, { host_id: 'a b' }),
      created(startMs, { host_id: long }),
      created(startMs, {}, { operator_id: 'ü' }),
      notificationOf(Buffer.from('{"event":"meeting.updated","payload":{"object":{"id":1e19}}}'), startMs),
      userUpdated(startMs, { id: long }),
      deauthorized(startMs, 'a\nb'),
    ];
    for (const notification of refused) {
      expect(await note(directory, notification)).toEqual({
        kind: 'nothing',
        reason: expect.stringMatching(/^payload\..* cannot be a key$/),
      });
    }
    expect(records.kept.size).toBe(0);
    expect(await directory.meeting('../1')).toBe(undefined);
    expect(await directory.user('a b')).toBe(undefined);
  });

  test('tags meetings with host and creator, and lets entries expire', async () => {
    const { records } = await directoryOf([created(startMs)]);
    expect(records.kept.get('meeting:111')).toMatchObject({
      tags: ['user:host', 'user:creator'],
      expiresAtMs: startMs + retainMs,
    });
    expect(records.kept.get('user:creator')).toMatchObject({ expiresAtMs: startMs + retainMs });
  });

  test('what was received longer ago than anything is kept tells it nothing', async () => {
    const directory = createDirectory(new MemoryRecords(), retainMs);
    expect(await note(directory, created(startMs), startMs + retainMs)).toMatchObject({ kind: 'nothing' });
    expect(await note(directory, created(startMs), startMs + retainMs - 1)).toEqual({ kind: 'kept' });
  });

  test.each(['', 'no JSON', '{}', '{"v":2,"id":"111"}', '{"v":1,"id":"111"}'])(
    'a stored %j counts as absent',
    async (value) => {
      const records = new MemoryRecords();
      for (const key of ['meeting:111', 'user:creator']) records.kept.set(key, { value });
      const { directory } = await directoryOf([], records);
      expect(await directory.meeting('111')).toBe(undefined);
      expect(await note(directory, created(startMs))).toEqual({ kind: 'kept' });
      expect((await directory.meeting('111'))?.topic?.value).toBe('Topic');
      expect((await directory.user('creator'))?.email?.value).toBe('creator@example.com');
    },
  );

  test('an event that is noted again is not written again', async () => {
    const { directory, records } = await directoryOf([created(startMs), updated(startMs + 1)]);
    const before = new Map(records.kept);
    expect(await note(directory, created(startMs))).toEqual({ kind: 'kept' });
    for (const [key, record] of before) expect(records.kept.get(key)).toBe(record);
  });

  test('of events noted at once none is lost', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(meetingNotification, { minLength: 2, maxLength: 5 }),
        async (s, all) => {
          const records = new MemoryRecords(() => s.schedule(Promise.resolve()));
          const directory = createDirectory(records, retainMs);
          await s.waitFor(Promise.all(all.map((each) => note(directory, each))));
          const value = records.kept.get('meeting:111')?.value ?? '{}';
          expect(JSON.parse(value)).toEqual(JSON.parse(JSON.stringify(meetingFrom(all))));
        },
      ),
    );
  });

  test('many at once make swaps lose, and still none is lost', async () => {
    const records = new MemoryRecords();
    const directory = createDirectory(records, retainMs);
    const changes = Array.from({ length: 30 }, (_, index) => userUpdated(startMs + index, { pmi: 1000 + index }));
    await Promise.all(changes.map((each) => note(directory, each)));
    expect(records.swapsLost).toBeGreaterThan(0);
    expect(await directory.user('host')).toEqual(userFrom(changes));
  });

  test('a record that somebody else always changes first ends in an error, not in a loop', async () => {
    const records = new MemoryRecords();
    records.swap = async () => false;
    await expect(note(createDirectory(records, retainMs), created(startMs))).rejects.toThrow(RelayError);
  });
});

describe('after a deauthorization', () => {
  const atMs = startMs + 10;
  const ofOwn = [
    created(startMs + 1, { id: 1, host_id: 'leaver' }, { operator_id: 'leaver', operator: 'leaver@example.com' }),
    created(startMs + 2, { id: 2, host_id: 'leaver' }),
    updated(startMs + 3, { id: 3 }, { operator_id: 'leaver', operator: 'leaver@example.com' }),
    deleted(startMs + 4, { id: 4, host_id: 'leaver' }),
    userUpdated(startMs + 5, { id: 'leaver', pmi: 5, email: 'leaver@example.com' }),
  ];
  const ofOthers = created(
    startMs + 6,
    { id: 6, host_id: 'host' },
    { operator_id: 'leaver', operator: 'leaver@example.com' },
  );
  const left = deauthorized(atMs, 'leaver');

  test('nothing of the user is left, in whichever order it all comes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...ofOwn, ofOthers, left, left], { minLength: 8 }), async (anyhow) => {
        const { directory, records } = await directoryOf(anyhow, new MemoryRecords(async () => {}));
        expect(records.text()).not.toContain('leaver');
        for (const id of ['1', '2', '3', '4']) expect(await directory.meeting(id)).toBe(undefined);
        expect(await directory.user('creator')).toBeDefined();
      }),
    );
  });

  test('a meeting with another host stays, and does not name the user', async () => {
    for (const order of [
      [ofOthers, left],
      [left, ofOthers],
    ]) {
      const { directory, records } = await directoryOf(order);
      const entry = await directory.meeting('6');
      expect([entry?.hostId?.value, entry?.topic?.value, entry?.operator]).toEqual(['host', 'Topic', undefined]);
      expect(records.kept.get('meeting:6')?.tags).toEqual(['user:host']);
    }
  });

  test('a late event is told apart from those of other users', async () => {
    const { directory } = await directoryOf([left]);
    const [first = left] = ofOwn;
    expect(await note(directory, first)).toEqual({
      kind: 'nothing',
      reason: 'its user has deauthorized the app since',
    });
    expect(await note(directory, created(startMs))).toEqual({ kind: 'kept' });
  });

  test('what the user tells after authorizing again is kept, and only that, in whichever order it all comes', async () => {
    const again = [
      created(
        atMs + 1,
        { id: 1, host_id: 'leaver', topic: '' },
        { operator_id: 'leaver', operator: 'new@example.com' },
      ),
      userUpdated(atMs + 2, { id: 'leaver', pmi: 7 }),
    ];
    const early = [
      created(
        startMs,
        { id: 1, host_id: 'leaver', topic: 'old', join_url: 'old' },
        { operator_id: 'leaver', operator: 'old@example.com' },
      ),
      userUpdated(startMs + 1, { id: 'leaver', pmi: 6, email: 'older@example.com' }),
    ];
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...again, ...early, left], { minLength: 5 }), async (anyhow) => {
        const { directory, records } = await directoryOf(anyhow, new MemoryRecords(async () => {}));
        expect(await directory.meeting('1')).toEqual(meetingFrom(again.slice(0, 1)));
        expect(await directory.user('leaver')).toEqual(userFrom(again));
        expect(records.text()).not.toContain('old');
      }),
    );
  });

  test('an event of the very same millisecond is from before', async () => {
    const same = [created(atMs, { host_id: 'leaver' }), userUpdated(atMs, { id: 'leaver' })];
    for (const order of [
      [...same, left],
      [left, ...same],
    ]) {
      expect((await directoryOf(order)).records.text()).not.toContain('leaver');
    }
    const again = updated(atMs + 1, { host_id: 'leaver' });
    const { directory } = await directoryOf([...same, again, left]);
    expect(await directory.meeting('111')).toEqual(meetingFrom([again]));
  });

  test('who creates a meeting for another host after authorizing again is named', async () => {
    const again = created(atMs + 1, {}, { operator_id: 'leaver' });
    for (const order of [
      [again, left],
      [left, again],
    ]) {
      const { directory } = await directoryOf(order);
      expect((await directory.meeting('111'))?.operator?.value.id).toBe('leaver');
    }
  });

  test('a late event adds nothing to a meeting that has another host by now', async () => {
    const { directory } = await directoryOf([left, updated(atMs + 1, { host_id: 'host' })]);
    const late = created(startMs, { host_id: 'leaver', join_url: 'https://zoom.us/j/111' }, { operator_id: '' });
    expect(await note(directory, late)).toMatchObject({ kind: 'nothing' });
    expect(await directory.meeting('111')).toEqual(meetingFrom([updated(atMs + 1, { host_id: 'host' })]));
  });

  test('of two deauthorizations the later one counts', async () => {
    const between = created(startMs + 5, { host_id: 'leaver' });
    for (const order of [
      [left, deauthorized(startMs + 1, 'leaver')],
      [deauthorized(startMs + 1, 'leaver'), left],
    ]) {
      const { directory } = await directoryOf([...order, between]);
      expect(await directory.meeting('111')).toBe(undefined);
    }
  });

  test('the tombstone names nobody and is kept as long as events are', async () => {
    const { directory, records } = await directoryOf([]);
    await note(directory, deauthorized(atMs, 'leaver'), startMs + 99);
    expect([...records.kept]).toEqual([
      [
        expect.stringMatching(/^gone:[0-9a-f]{64}$/),
        { value: JSON.stringify({ v: 1, atMs }), expiresAtMs: startMs + 99 + retainMs },
      ],
    ]);
  });

  test('more meetings than one page are all deleted, unreadable ones too', async () => {
    const records = new MemoryRecords(async () => {});
    const meetings = Array.from({ length: 250 }, (_, index) =>
      created(startMs + 1, { id: 1000 + index, host_id: 'leaver' }),
    );
    await directoryOf(meetings, records);
    records.kept.set('meeting:5', { value: 'leaver@example.com', tags: ['user:leaver'] });
    records.kept.set('user:leaver', { value: 'leaver@example.com' });
    await directoryOf([left], records);
    expect(records.text()).not.toContain('leaver');
    expect([...records.kept.keys()].filter((key) => key.startsWith('meeting:'))).toEqual([]);
  });

  test('events noted at the same time leave nothing of the user, however the calls interleave', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (s) => {
        const records = new MemoryRecords(() => s.schedule(Promise.resolve()));
        const directory = createDirectory(records, retainMs);
        await s.waitFor(Promise.all([...ofOwn, ofOthers, left].map((each) => note(directory, each))));
        expect(records.text()).not.toContain('leaver');
        expect(JSON.parse(records.kept.get('meeting:6')?.value ?? '{}').hostId?.value).toBe('host');
      }),
      { numRuns: 1000 },
    );
  });

  test('one that was interrupted at any call is complete when it is noted again', async () => {
    for (let calls = 0; calls < 40; calls += 1) {
      const state = { left: Number.POSITIVE_INFINITY };
      const records = new MemoryRecords(async () => {
        state.left -= 1;
        if (state.left < 0) throw new Error('killed');
      });
      const { directory } = await directoryOf([...ofOwn, ofOthers], records);
      state.left = calls;
      await note(directory, left).catch(() => undefined);
      state.left = Number.POSITIVE_INFINITY;
      await note(directory, left);
      expect(records.text()).not.toContain('leaver');
    }
  });
});
