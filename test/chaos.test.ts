import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const script = fileURLToPath(new URL('./chaos/run.ts', import.meta.url));

test('kills and freezes of relay and store under load, with Recall failing: nothing acknowledged is lost', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--quick']);
  const [, ...rows] = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s{2,}/));
  expect(rows.map((row) => [row[0], row.at(-2)])).toEqual([
    ['redis', '0'],
    ['postgres', '0'],
    ['embedded', '0'],
  ]);
}, 150_000);
