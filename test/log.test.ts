import { format, inspect } from 'node:util';
import fc from 'fast-check';
import { ReplyError } from 'ioredis';
import { DatabaseError } from 'pg';
import { describe, expect, test } from 'vitest';
import { createLog, describeError, type LogLevel } from '../src/log.ts';
import { Secret } from '../src/secret.ts';

const maxLength = 200;

/** As the Redis client throws it: with the command, and so with a body, on it. */
function redisError(message: string): Error {
  const command = { name: 'evalsha', args: ['sha', '1', '{default.recall}', 'HIDDEN body', 'v0=HIDDEN'] };
  return Object.assign(new ReplyError(message), { command, code: 'WRONGTYPE' });
}

/** As the PostgreSQL client throws it: with the row on it. */
function postgresError(message: string): Error {
  const fields = { code: '23505', detail: 'Key (data)=({"text":"HIDDEN body"})', where: 'HIDDEN', hint: 'HIDDEN' };
  return Object.assign(new DatabaseError(message, 100, 'error'), fields);
}

function logLines(level: LogLevel, write: (log: ReturnType<typeof createLog>) => void): string[] {
  const lines: string[] = [];
  write(createLog(level, { write: (line) => void lines.push(line) }));
  return lines;
}

describe('what is logged of an error', () => {
  test('is its name, its code and its message', () => {
    const error = Object.assign(new TypeError('no'), { code: 'ECONNREFUSED' });
    expect(describeError(error)).toEqual({ type: 'TypeError', code: 'ECONNREFUSED', message: 'no' });
    expect(describeError(new Error('no'))).toEqual({ type: 'Error', message: 'no' });
    expect(describeError(Object.assign(new Error('no'), { code: 5 }))).toEqual({ type: 'Error', message: 'no' });
  });

  test('is never more than the first line of the message, nor more than 200 characters', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 400 }), fc.constantFrom('\n', '\r\n'), (first, end) => {
        fc.pre(!/[\r\n]/.test(first));
        const { message } = describeError(new Error(`${first}${end}HIDDEN second line${end}HIDDEN third line`));
        expect(message).toBe(first.slice(0, maxLength));
      }),
    );
  });

  test('is nothing of the command that Redis refused', () => {
    const error = redisError('WRONGTYPE Operation against a key holding the wrong kind of value');
    expect(describeError(error)).toEqual({
      type: 'ReplyError',
      code: 'WRONGTYPE',
      message: 'WRONGTYPE Operation against a key holding the wrong kind of value',
    });
  });

  test('is nothing of the arguments that Redis itself quotes', () => {
    const error = redisError("ERR unknown command 'XADDX', with args beginning with: 'HIDDEN' 'HIDDEN' ");
    expect(describeError(error).message).toBe("ERR unknown command 'XADDX'");
  });

  test('is nothing of the row that PostgreSQL refused', () => {
    expect(describeError(postgresError('duplicate key value violates unique constraint "jobs_pkey"'))).toEqual({
      type: 'error',
      code: '23505',
      message: 'duplicate key value violates unique constraint "jobs_pkey"',
    });
  });

  test('is why a connection failed, when the error itself has no message', () => {
    const refused = new Error('connect ECONNREFUSED 127.0.0.1:6379');
    const aggregate = Object.assign(new AggregateError([refused, new Error('other')]), { code: 'ECONNREFUSED' });
    expect(describeError(aggregate)).toEqual({
      type: 'AggregateError',
      code: 'ECONNREFUSED',
      message: 'connect ECONNREFUSED 127.0.0.1:6379',
    });
    expect(describeError(new Error('', { cause: refused })).message).toBe('connect ECONNREFUSED 127.0.0.1:6379');
    expect(describeError(new Error('', { cause: new Error('x'.repeat(500)) })).message).toHaveLength(maxLength);
    expect(describeError(new Error('', { cause: 'HIDDEN' })).message).toBe('');
    expect(describeError(new AggregateError([])).message).toBe('');
  });

  test.each([
    ['HIDDEN', 'string'],
    [{ message: 'HIDDEN' }, 'object'],
    [undefined, 'undefined'],
    [null, 'object'],
    [5, 'number'],
  ])('that is no Error (%j) is its type', (thrown, type) => {
    expect(describeError(thrown)).toEqual({ type, message: 'not an Error' });
  });
});

describe('log', () => {
  test('an event is one line of JSON, with the time and its fields', () => {
    const [line = '', ...more] = logLines('info', (log) => log.info({ event: 'received', app: 'acme', bytes: 5 }));
    expect(more).toEqual([]);
    expect(line).toMatch(/^[^\n]+\n$/);
    const { time, level: _level, ...fields } = JSON.parse(line);
    expect(fields).toEqual({ event: 'received', app: 'acme', bytes: 5 });
    expect(new Date(time).toISOString()).toBe(time);
  });

  test('an error has neither a stack nor what the clients hang on it', () => {
    const lines = logLines('debug', (log) => {
      log.warn({ event: 'worker_error', err: redisError('WRONGTYPE no\nHIDDEN') }, 'worker error');
      log.warn({ event: 'worker_error', err: postgresError('duplicate\nHIDDEN') }, 'worker error');
    });
    expect(lines.join('')).not.toContain('HIDDEN');
    expect(lines.map((line) => JSON.parse(line).err)).toEqual([
      { type: 'ReplyError', code: 'WRONGTYPE', message: 'WRONGTYPE no' },
      { type: 'error', code: '23505', message: 'duplicate' },
    ]);
  });

  test.each<[LogLevel, string[]]>([
    ['debug', ['a', 'b', 'c', 'd']],
    ['info', ['b', 'c', 'd']],
    ['warn', ['c', 'd']],
    ['error', ['d']],
    ['silent', []],
  ])('at level %s, what is below it is not written', (level, events) => {
    const lines = logLines(level, (log) => {
      log.debug({ event: 'a' });
      log.info({ event: 'b' });
      log.warn({ event: 'c' });
      log.error({ event: 'd' });
    });
    expect(lines.map((line) => JSON.parse(line).event)).toEqual(events);
  });
});

describe('a secret', () => {
  const value = 'hunter2-the-secret-value';
  const secret = new Secret(value);

  test('is given by reveal() as it is, and by nothing else', () => {
    expect(secret.reveal()).toBe(value);
    const entries = [...Reflect.ownKeys(secret), ...Object.values(secret)];
    expect(entries).toEqual([]);
  });

  test.each<[string, string]>([
    ['String', String(secret)],
    ['a template', `${secret}`],
    ['a list', String([secret])],
    ['JSON', JSON.stringify({ secret, list: [secret] })],
    ['JSON with indents', JSON.stringify(secret, null, 2)],
    ['util.inspect', inspect(secret)],
    ['util.inspect of what holds it', inspect({ secret, map: new Map([['k', [secret]]]) }, { depth: null })],
    ['util.format', format('%s %o %O %j', secret, secret, secret, secret)],
    ['an error message', inspect(new Error(`cannot use ${secret}`, { cause: secret }))],
  ])('is not printed by %s', (_name, printed) => {
    expect(printed).toContain('[secret]');
    expect(printed).not.toContain('hunter2');
  });

  test.each([
    ['hidden properties', { showHidden: true }],
    ['its own rendering off', { customInspect: false }],
    ['both', { showHidden: true, customInspect: false }],
  ])('is not printed by util.inspect with %s', (_name, options) => {
    expect(inspect({ secret }, { depth: null, ...options })).not.toContain('hunter2');
  });

  test('is not printed by the log, wherever it stands', () => {
    const lines = logLines('debug', (log) => {
      log.info({ event: 'x', secret, nested: { list: [secret] }, map: Object.fromEntries([['k', secret]]) });
      log.info({ event: 'x' }, 'with %s and %o and %j', secret, secret, secret);
      log.info({ event: 'x', err: Object.assign(new Error('no', { cause: secret }), { secret }) }, 'failed');
      log.info({ err: secret }, 'failed');
    });
    expect(lines).toHaveLength(4);
    expect(lines[0]).toContain('[secret]');
    expect(lines.join('')).not.toContain('hunter2');
  });
});
