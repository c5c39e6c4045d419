import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineHandlers, type HandlerMap } from '../src/consumers/handlers/define-handlers.ts';
import { readHandlers } from '../src/consumers/handlers/read-handlers.ts';
import { spawnRelay } from './support/relay-process.ts';
import { testEnvironment } from './support/test-relay.ts';

const handle = (): void => {};
/** As a module in JavaScript may define them, types or not. */
const read = (map: unknown) => readHandlers(defineHandlers(map as HandlerMap));

describe('a definition', () => {
  test('names its consumers by their events, or as they say', () => {
    const { handlers, problems } = read({
      'meeting.created': [handle, { handle, name: 'bots' }],
      'meeting.*': handle,
      '*': handle,
      'meeting.participant_joined': handle,
    });
    expect(problems).toEqual([]);
    expect(handlers.map(({ key, pattern }) => `${key} ${pattern}`)).toEqual([
      'on-meeting-created meeting.created',
      'bots meeting.created',
      'on-meeting-any meeting.*',
      'on-any *',
      'on-meeting-participant_joined meeting.participant_joined',
    ]);
    expect(handlers[0]).toMatchObject({ timeoutMs: 30_000, concurrency: undefined, scheduleMs: undefined });
  });

  test('has its settings in milliseconds', () => {
    const settings = { handle, timeout: '2m', retrySchedule: ['1s', '5m'], concurrency: 3, apps: ['acme'] };
    expect(read({ 'user.updated': settings }).handlers[0]).toMatchObject({
      timeoutMs: 120_000,
      scheduleMs: [1000, 300_000],
      concurrency: 3,
      apps: ['acme'],
    });
  });

  test.each<[string, unknown, RegExp]>([
    ['an event nobody knows', { 'meeting.creatd': handle }, /"meeting.creatd" is no event .*\(known: meeting.created,/],
    ['an event of another group', { 'webinar.started': handle }, /"webinar\.\*"/],
    ['the challenge', { 'endpoint.url_validation': handle }, /answered by the relay itself/],
    ['a pattern that is none', { 'meeting*': handle }, /"meeting\*" is no event/],
    ['no function', { 'meeting.created': 'handle' }, /meeting.created: must be a function, or \{ handle, … \}/],
    ['settings without a function', { 'meeting.created': { name: 'a' } }, /meeting.created: handle must be a function/],
    ['unknown settings', { 'meeting.created': { handle, retries: 3 } }, /unknown settings retries/],
    ['a name that cannot be a key', { 'meeting.created': { handle, name: 'A b' } }, /name must be 1 to 60 of a-z/],
    ["the relay's own name", { 'meeting.created': { handle, name: 'recall' } }, /name is taken by the relay itself/],
    ['two of one name', { 'meeting.created': [handle, handle] }, /two handlers are called on-meeting-created/],
    [
      'a schedule that is none',
      { 'meeting.created': { handle, retrySchedule: ['1ms'] } },
      /retrySchedule must be up to/,
    ],
    [
      'a timeout that is none',
      { 'meeting.created': { handle, timeout: '1h' } },
      /timeout must be a duration from 100ms/,
    ],
    ['concurrency 0', { 'meeting.created': { handle, concurrency: 0 } }, /concurrency must be 1 to 1000/],
    ['nothing at all', {}, /it defines no handler/],
  ])('with %s is refused with the reason', (_what, map, reason) => {
    expect(read(map).problems.join('\n')).toMatch(reason);
  });

  test('tells all that is wrong at once', () => {
    expect(
      read({ 'a.b': handle, 'meeting.created': 1, 'user.updated': { handle, timeout: 'x' } }).problems,
    ).toHaveLength(3);
  });

  test.each([undefined, null, {}, handle, { 'meeting.created': handle }])(
    'that defineHandlers did not make is refused: %j',
    (exported) => expect(readHandlers(exported).problems.join()).toMatch(/what defineHandlers\(\{ … \}\)/),
  );
});

describe('a module, in a process of its own', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'zoom-relay-handlers-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function start(name: string, text: string | undefined) {
    const path = join(folder, name);
    if (text !== undefined) await writeFile(path, text);
    const env = testEnvironment(`file:${folder}/store`, 'http://127.0.0.1:1');
    return spawnRelay(['start'], { ...env, HANDLERS: path });
  }

  test.each([
    ['TypeScript', 'good.ts', 'const n: number = 1; export default defineHandlers({ "*": () => n });'],
    ['JavaScript', 'good.mjs', 'export default defineHandlers({ "*": () => 1 });'],
  ])('in %s loads from anywhere, and "zoom-relay" means this relay', async (_language, name, text) => {
    const relay = await start(name, `import { defineHandlers } from 'zoom-relay';\n${text}\n`);
    await relay.logged('listening');
    relay.child.kill('SIGTERM');
    expect(await relay.ended).toBe(0);
  });

  test.each([
    ['is not there', 'missing.ts', undefined, /missing\.ts does not load: there is no such file/],
    ['has no valid syntax', 'syntax.ts', 'export default {;', /syntax\.ts does not load: \w*Error: /],
    ['throws', 'throws.mjs', '\nthrow new TypeError("of its own")', /TypeError: of its own \(line 2\)/],
    ['imports what is not there', 'imports.ts', "import './nowhere.ts'", /does not load: Error: Cannot find module/],
    ['exports no handlers', 'wrong.ts', 'export default {}', /its default export must be what defineHandlers/],
    ['exports nothing', 'nothing.ts', 'export const a = 1', /its default export must be what defineHandlers/],
    [
      'names an app that does not exist',
      'apps.ts',
      "import { defineHandlers } from 'zoom-relay'; export default defineHandlers({ '*': { apps: ['acme'], handle() {} } })",
      /handlers name apps that do not exist \(on-any: acme\)/,
    ],
  ])('that %s stops the start with exit code 78 and the reason', async (_what, name, text, reason) => {
    const relay = await start(name, text);
    expect(await relay.ended).toBe(78);
    expect(relay.errors.join('\n')).toMatch(reason);
  });
});
