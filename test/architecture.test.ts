import { globSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const src = fileURLToPath(new URL('../src', import.meta.url));

interface Import {
  readonly file: string;
  readonly room: string;
  /** A room of ours, a file at the root of `src` (`./errors.ts`), or a package. */
  readonly target: string;
}

const imports: readonly Import[] = globSync('**/*.ts', { cwd: src }).flatMap((file) => {
  const text = readFileSync(resolve(src, file), 'utf8');
  return [...text.matchAll(/(?:from|import\()\s*'([^']+)'/g)].map(([, specifier = '']) => {
    return { file, room: roomOf(file), target: targetOf(file, specifier) };
  });
});

function roomOf(file: string): string {
  const [first = '', ...rest] = file.split('/');
  return rest.length === 0 ? `./${first}` : first;
}

function targetOf(file: string, specifier: string): string {
  if (specifier.startsWith('.')) return roomOf(relative(src, resolve(src, dirname(file), specifier)));
  return specifier.startsWith('@')
    ? specifier.split('/').slice(0, 2).join('/')
    : (specifier.split('/')[0] ?? specifier);
}

/** Which rooms a room may import besides itself and the root files below. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  zoom: [],
  recall: [],
  delivery: [],
  intake: ['zoom', 'delivery'],
  consumers: ['zoom', 'recall', 'delivery'],
  directory: ['zoom', 'delivery'],
  connect: ['zoom', 'recall', 'delivery'],
  doctor: ['zoom', 'recall', 'delivery'],
  operator: ['zoom', 'recall', 'delivery'],
  store: ['delivery'],
  config: ['zoom', 'recall', 'delivery'],
  demo: ['zoom', 'recall', 'delivery'],
  cli: ['zoom', 'recall', 'delivery', 'demo', 'config'],
};

/** Root files that any room may use. `config.ts` and `compose.ts` are for commands. */
const common = ['./errors.ts', './secret.ts', './log.ts', './duration.ts', './public-address.ts', './format-age.ts'];
const extra: Readonly<Record<string, readonly string[]>> = {
  intake: ['./http-error.ts'],
  connect: ['./http-error.ts'],
  operator: ['./http-error.ts'],
  cli: ['./compose.ts', './config.ts'],
};

const rooms = [...new Set(globSync('*/**/*.ts', { cwd: src }).map(roomOf))];

describe('the direction of imports', () => {
  test('every room is known', () => {
    expect(rooms.toSorted()).toEqual(Object.keys(allowed).toSorted());
  });

  test.each(rooms)('%s imports only what it may', (room) => {
    const may = [room, ...(allowed[room] ?? []), ...common, ...(extra[room] ?? [])];
    const ours = imports.filter(
      (entry) => entry.room === room && (entry.target.startsWith('./') || rooms.includes(entry.target)),
    );
    expect(ours.filter(({ target }) => !may.includes(target)).map(({ file, target }) => `${file} → ${target}`)).toEqual(
      [],
    );
  });

  test('only the compose files join intake, consumers, directory, connect, doctor, operator and store', () => {
    const joined = ['intake', 'consumers', 'directory', 'connect', 'doctor', 'operator', 'store'];
    const joiners = imports.filter(({ room, target }) => joined.includes(target) && room !== target);
    const files = new Set(joiners.map(({ file }) => file));
    // The others take types and pure functions of theirs, and index.ts is what handler modules import: none opens anything.
    expect([...files].toSorted()).toEqual([
      'compose-connect.ts',
      'compose-doctor.ts',
      'compose-meeting.ts',
      'compose-operator.ts',
      'compose.ts',
      'config.ts',
      'index.ts',
      'plan-consumers.ts',
      'report-connect.ts',
      'report.ts',
    ]);
  });

  test.each(['bullmq', 'ioredis', 'pg', '@electric-sql/pglite'])('only store imports %s', (name) => {
    const importers = imports.filter(({ target }) => target === name).map(({ room }) => room);
    expect(new Set(importers)).toEqual(new Set(['store']));
  });

  test('each client library is imported by adapters that are named for it', () => {
    const filesOf = (name: string) => [
      ...new Set(imports.filter(({ target }) => target === name).map(({ file }) => file)),
    ];
    expect(filesOf('pg')).toEqual(['store/postgres.ts']);
    expect(filesOf('ioredis').toSorted()).toEqual([
      'store/coalescing-redis.ts',
      'store/redis-ledger.ts',
      'store/redis-url.ts',
      'store/redis.ts',
    ]);
    expect(filesOf('@electric-sql/pglite').toSorted()).toEqual(['store/embedded.ts', 'store/pglite-pool.ts']);
  });
});

test('the environment is read in one place', () => {
  const readers = globSync('**/*.ts', { cwd: src }).filter((file) =>
    readFileSync(resolve(src, file), 'utf8').includes('process.env'),
  );
  expect(readers).toEqual([]);
});

test('decisions take time and chance as arguments', () => {
  const pure = globSync('{zoom,recall,delivery,consumers,directory,connect,doctor,intake}/**/*.ts', { cwd: src });
  const impure = pure.filter((file) =>
    /Date\.now\(|Math\.random\(|new Date\(\)/.test(readFileSync(resolve(src, file), 'utf8')),
  );
  expect(impure).toEqual([]);
});
