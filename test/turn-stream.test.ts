import { spawnSync } from 'node:child_process';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createTurnStream } from '../src/turn-stream.ts';

test('the lines of one turn are written in one go, in order; those of the next turn in another', async () => {
  const written: string[] = [];
  const stream = createTurnStream({ write: (lines) => written.push(lines), flushSync: () => {} });
  stream.write('a\n');
  stream.write('b\n');
  expect(written).toEqual([]);
  await turn();
  stream.write('c\n');
  await turn();
  await turn();
  expect(written).toEqual(['a\nb\n', 'c\n']);
});

const log = fileURLToPath(new URL('../src/log.ts', import.meta.url));

test.each([
  ['ends', ''],
  ['is ended in the same turn', 'process.exit(3);'],
  ['ends by an exception', 'throw new Error("on purpose");'],
])('a process that %s has written all its lines', (_how, end) => {
  const script = `import { createLog } from ${JSON.stringify(log)};
    const log = createLog('info');
    for (let index = 0; index < 1000; index += 1) log.info({ event: 'line', index });
    ${end}`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  const lines = stdout.trim().split('\n');
  expect(lines).toHaveLength(1000);
  expect(lines.map((line) => JSON.parse(line).index)).toEqual(Array.from({ length: 1000 }, (_, index) => index));
});
