import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventSchemas, knownEvents } from '../src/zoom/events.ts';
import { isEvent } from '../src/zoom/is-event.ts';
import { parseEvent } from '../src/zoom/parse-event.ts';

const folder = new URL('./fixtures/zoom/', import.meta.url);
const fixtures = readdirSync(folder).filter((file) => file.endsWith('.json') && file !== 'vectors.json');

function parseText(text: string) {
  return parseEvent(Buffer.from(text));
}

/** Parses something that must be an event. */
function eventOf(body: unknown) {
  const parsed = parseText(typeof body === 'string' ? body : JSON.stringify(body));
  return parsed.kind === 'event' ? parsed.event : expect.unreachable(parsed.reason);
}

const smallest = {
  'meeting.created': { object: { id: 1, uuid: 'u', host_id: 'h' } },
  'meeting.updated': { object: { id: 1 } },
  'meeting.deleted': { object: { id: 1, uuid: 'u', host_id: 'h' } },
  'meeting.started': { object: { id: '1' } },
  'meeting.ended': { object: { id: '1' } },
  'meeting.participant_joined': { object: { id: '1' } },
  'meeting.participant_left': { object: { id: '1' } },
  'recording.completed': { object: { id: 1 } },
  'recording.transcript_completed': { object: { id: 1 } },
  'user.created': { object: { id: 'u' } },
  'user.updated': { object: { id: 'u' } },
  app_deauthorized: { user_id: 'u', account_id: 'a', client_id: 'c' },
};

describe('real events', () => {
  test.each(fixtures)('%s parses, and keeps all that is in it', (file) => {
    const body = readFileSync(new URL(file, folder));
    const parsed = parseEvent(body);
    if (parsed.kind !== 'event') return expect.unreachable(parsed.reason);
    expect(parsed.event).toEqual(JSON.parse(body.toString()));
    expect(file.startsWith(parsed.name)).toBe(true);
  });

  test('app_deauthorized tells its time at the top, in the payload as a date, or not at all', () => {
    const times = ['docs', 'legacy', 'top_level_ts'].map((shape) => {
      const event = eventOf(readFileSync(new URL(`app_deauthorized.${shape}.json`, folder), 'utf8'));
      return isEvent(event, 'app_deauthorized') ? [event.event_ts, event.payload.event_ts] : expect.unreachable();
    });
    expect(times).toEqual([
      [undefined, '2024-09-08 15:58:40'],
      [undefined, undefined],
      [1740439732278, undefined],
    ]);
  });
});

describe('known events', () => {
  test('each has a schema, and the schema its name', () => {
    expect(Object.keys(eventSchemas)).toEqual([...knownEvents]);
    for (const name of knownEvents) expect(eventSchemas[name].shape.event.value).toBe(name);
  });

  test.each(knownEvents)('%s needs no more than what it is about', (name) => {
    expect(eventOf({ event: name, payload: smallest[name] })).toEqual({ event: name, payload: smallest[name] });
  });

  test.each(knownEvents)('%s without any one of that is unreadable, and the path is named', (name) => {
    const paths = [['payload'], ...pathsIn(smallest[name], ['payload'])];
    for (const path of paths) {
      const parsed = parseText(JSON.stringify(without({ event: name, payload: smallest[name] }, path)));
      expect(parsed).toMatchObject({ kind: 'unreadable', reason: expect.stringContaining(`${path.join('.')}`) });
    }
  });

  test('whatever else has a wrong type reads as absent, also deep inside', () => {
    const event = eventOf({
      event: 'meeting.created',
      event_ts: 'yesterday',
      payload: {
        account_id: 5,
        operator_id: null,
        object: {
          id: 1,
          uuid: 'u',
          host_id: 'h',
          topic: ['a'],
          settings: { use_pmi: 'no', jbh_time: 5 },
          occurrences: {},
        },
      },
    });
    expect(event).toEqual({
      event: 'meeting.created',
      payload: { operator_id: null, object: { id: 1, uuid: 'u', host_id: 'h', settings: { jbh_time: 5 } } },
    });
  });

  test('no optional field of whatever type makes an event unreadable', () => {
    const fields = ['account_id', 'operator', 'old_object', 'time_stamp', 'occurrences', 'settings', 'topic', 'pmi'];
    const noise = fc.dictionary(fc.constantFrom(...fields), fc.jsonValue());
    fc.assert(
      fc.property(
        fc.constantFrom(...knownEvents),
        noise,
        noise,
        fc.jsonValue(),
        (name, inPayload, inObject, eventTs) => {
          const base = smallest[name];
          const object = 'object' in base ? { object: { ...inObject, ...base.object } } : {};
          const payload = { ...inPayload, ...base, ...object };
          expect(parseText(JSON.stringify({ event: name, event_ts: eventTs, payload })).kind).toBe('event');
        },
      ),
    );
  });

  test('fields that nobody has described are kept at every depth', () => {
    const body = {
      event: 'meeting.participant_joined',
      new: 1,
      payload: { new: 2, object: { id: '1', new: 3, participant: { id: '', public_ip: '192.0.2.1' } } },
    };
    expect(eventOf(body)).toEqual(body);
  });

  test('a meeting id is a number or text, never empty', () => {
    for (const id of [1234567890, '1234567890']) {
      expect(eventOf({ event: 'meeting.started', payload: { object: { id } } })).toMatchObject({
        payload: { object: { id } },
      });
    }
    for (const id of ['', null, {}, true]) {
      expect(parseText(JSON.stringify({ event: 'meeting.started', payload: { object: { id } } })).kind).toBe(
        'unreadable',
      );
    }
  });

  test('a reason never holds a value', () => {
    const secret = 'passcode-4711';
    for (const payload of [
      secret,
      { object: secret },
      { object: { id: [secret] } },
      { object: { id: 1, uuid: { secret } } },
    ]) {
      const parsed = parseText(JSON.stringify({ event: 'meeting.created', payload, [secret]: secret }));
      expect(parsed.kind).toBe('unreadable');
      expect(JSON.stringify(parsed)).not.toContain(secret);
    }
  });
});

describe('other events', () => {
  test('an event nobody knows is as it came', () => {
    const body = { event: 'phone.callee_ringing', event_ts: '17', payload: { object: { a: [1, null] } }, more: true };
    expect(parseText(JSON.stringify(body))).toEqual({ kind: 'event', name: 'phone.callee_ringing', event: body });
  });

  test('names that objects have by nature are other events too', () => {
    for (const name of ['constructor', 'tostring', 'hasownproperty'])
      expect(eventOf({ event: name })).toEqual({ event: name });
  });
});

describe('bodies', () => {
  test('integers beyond 2^53 become their digits, all other numbers stay', () => {
    const text = `{"event":"x","payload":{"a":12345678901234567890,"b":-9007199254740993,"c":[9007199254740992],
      "d":9007199254740991,"e":1.5,"f":1e3,"g":1e20,"h":0}}`;
    expect(eventOf(text)).toEqual({
      event: 'x',
      payload: {
        a: '12345678901234567890',
        b: '-9007199254740993',
        c: ['9007199254740992'],
        d: 9007199254740991,
        e: 1.5,
        f: 1000,
        g: 1e20,
        h: 0,
      },
    });
    expect(eventOf('{"event":"meeting.updated","payload":{"object":{"id":12345678901234567890}}}')).toMatchObject({
      payload: { object: { id: '12345678901234567890' } },
    });
  });

  test('a byte order mark is ignored', () => {
    expect(parseText('\uFEFF{"event":"x"}')).toEqual({ kind: 'event', name: 'x', event: { event: 'x' } });
  });

  test('what is not UTF-8, not JSON, nested beyond reading, or names no event is unreadable, and says which', () => {
    const reasonOf = (body: Uint8Array) => {
      const parsed = parseEvent(body);
      return parsed.kind === 'unreadable' ? parsed.reason : expect.unreachable();
    };
    expect(reasonOf(Buffer.from([0xff, 0x7b]))).toBe('the body is not UTF-8');
    for (const text of ['', '{', "{'event':1}"]) expect(reasonOf(Buffer.from(text))).toBe('the body is not JSON');
    const deep = `{"event":"meeting.updated","payload":${'['.repeat(400_000)}${']'.repeat(400_000)}}`;
    expect(reasonOf(Buffer.from(deep))).toBe('the body is nested too deeply');
    for (const text of ['null', '[]', '"x"', '{}', '{"event":5}', '{"event":""}', '{"event":"a b"}']) {
      expect(reasonOf(Buffer.from(text))).toBe('event: names none');
    }
  });

  test('__proto__ changes nothing, wherever it stands', () => {
    const bodies = [
      '{"event":"meeting.updated","__proto__":{"x":1},"payload":{"__proto__":{"x":1},"object":{"id":1,"__proto__":{"x":1}}}}',
      '{"event":"other","__proto__":{"x":1},"payload":{"__proto__":{"x":1},"a":{"__proto__":{"x":1}}}}',
      '{"event":"other","payload":{"\\u005F_proto__":{"x":1},"a":{"_\\u005fproto__":{"x":1}}}}',
    ];
    for (const body of bodies) {
      const event = eventOf(body);
      for (const each of objectsIn(event)) {
        expect(Object.getPrototypeOf(each)).toBe(Object.prototype);
        expect('x' in each).toBe(false);
      }
    }
    expect(parseText('{"__proto__":{"event":"meeting.created"}}').kind).toBe('unreadable');
  });

  test('no bytes make it throw', () => {
    const jsons = fc.json().map((text) => Buffer.from(text));
    fc.assert(fc.property(fc.oneof(fc.uint8Array(), jsons), (body) => void parseEvent(body)));
  });
});

/** The paths of all members. */
function pathsIn(value: unknown, path: readonly string[]): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => [[...path, key], ...pathsIn(member, [...path, key])]);
}

function without(value: object, [key = '', ...rest]: readonly string[]): object {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== key || rest.length > 0)
      .map(([name, member]) => [name, name === key && rest.length > 0 ? without(member, rest) : member]),
  );
}

function objectsIn(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value, ...Object.values(value).flatMap(objectsIn)];
}
