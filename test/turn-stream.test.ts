import { spawnSync } from 'node:child_process';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createTurnStream } from '../src/turn-stream.ts';

function createStage() {
  const written: string[] = [];
  const sink = { write: (lines: string) => written.push(lines), flushSync: () => {} };
  const stream = createTurnStream(sink, (told) => 'isFrequent' in told);
  return { written, log: pino({ base: null, timestamp: false, level: 'info' }, stream) };
}

/** What the lines of each write say. */
function messagesOf(written: readonly string[]): string[][] {
  return written.map((lines) =>
    lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).msg),
  );
}

test('frequent lines of one turn are written in one go, in order; those of the next turn in another', async () => {
  const { written, log } = createStage();
  log.info({ isFrequent: true }, 'a');
  log.info({ isFrequent: true }, 'b');
  expect(written).toEqual([]);
  await turn();
  log.info({ isFrequent: true }, 'c');
  await turn();
  await turn();
  expect(messagesOf(written)).toEqual([['a', 'b'], ['c']]);
});

test('any other line goes out at once, behind what was gathered: whatever comes next may take the thread', () => {
  const { written, log } = createStage();
  log.info({ isFrequent: true }, 'a');
  log.child({ event: 'handler' }).info({ id: 1 }, 'b');
  log.info('c');
  expect(messagesOf(written)).toEqual([['a', 'b'], ['c']]);
});

const log = fileURLToPath(new URL('../src/log.ts', import.meta.url));

test.each([
  ['ends', ''],
  ['is ended in the same turn', 'process.exit(3);'],
  ['ends by an exception', 'throw new Error("on purpose");'],
])('a process that %s has written all its lines', (_how, end) => {
  const script = `import { createLog } from ${JSON.stringify(log)};
    const log = createLog('info');
    for (let index = 0; index < 1000; index += 1) log.info({ event: 'received', index });
    ${end}`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  const lines = stdout.trim().split('\n');
  expect(lines).toHaveLength(1000);
  expect(lines.map((line) => JSON.parse(line).index)).toEqual(Array.from({ length: 1000 }, (_, index) => index));
});
