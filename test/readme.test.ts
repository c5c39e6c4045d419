import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { expect, test } from 'vitest';
import { createProgram } from '../src/cli/program.ts';
import { readAppsFile } from '../src/config/apps-file.ts';
import { loadConfig, variableNames } from '../src/config.ts';

const root = new URL('../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const readme = read('README.md');
const rows = readme.split('\n').filter((line) => line.startsWith('| `'));
const packageJson = JSON.parse(read('package.json'));

test('the configuration table has every variable and no other', () => {
  const start = rows.findIndex((row) => row.startsWith('| `ZOOM_APP_SECRET_TOKEN`'));
  const table = rows.slice(start, start + variableNames.length).map((row) => row.split('`')[1]);
  expect(table.toSorted()).toEqual(variableNames.toSorted());
});

test('the defaults of the configuration table are the ones in force', () => {
  const needed = {
    ZOOM_APP_SECRET_TOKEN: 'a-secret-token-for-tests-only',
    RECALL_ZOOM_OAUTH_APP_ID: '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
    RECALL_REGION: 'us-east-1',
    OPERATOR_TOKEN: 'operator-token-for-tests',
  };
  const defaults = rows.flatMap((row) => {
    const [, name, value] = /^\| `([A-Z_]+)` \| `([^`]+)` \|/.exec(row) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value] as const];
  });
  expect(defaults.length).toBeGreaterThan(15);
  const written = loadConfig({ ...needed, ...Object.fromEntries(defaults) }, ['edge', 'worker', 'operator']);
  expect(loadConfig(needed, ['edge', 'worker', 'operator'])).toEqual(written);
});

test('the commands table has every command and no other', () => {
  const commands = createProgram(process).commands.map((command) => command.name());
  const section = readme.slice(readme.indexOf('## Commands'), readme.indexOf("## Operator's runbook"));
  const table = [...section.matchAll(/^\| `([a-z]+)/gm)].map(([, name]) => name);
  expect(table).toEqual(commands);
});

test('every npm script that is named exists', () => {
  const named = [...readme.matchAll(/npm run (?:-s )?([a-z-]+)/g)].map(([, name = '']) => name);
  expect(named.length).toBeGreaterThan(3);
  for (const name of named) expect(packageJson.scripts).toHaveProperty(name);
});

test('the example of an apps file is valid', async () => {
  const [, json = ''] = /```json\n([\s\S]+?)```/.exec(readme) ?? [];
  const folder = await mkdtemp(join(tmpdir(), 'zoom-relay-readme-'));
  const path = join(folder, 'apps.json');
  const secret = 'a-secret-token-for-tests-only';
  await writeFile(path, json.replaceAll('/run/secrets/', `${folder}/`));
  for (const name of ['umbrella-new', 'umbrella-old']) await writeFile(join(folder, name), `${secret}\n`);
  const variables = { ACME_SECRET_TOKEN: secret, ACME_CLIENT_SECRET: secret, RECALL_API_KEY: secret };
  const { apps, problems } = readAppsFile(path, variables);
  await rm(folder, { recursive: true });
  expect(problems).toEqual([]);
  expect(apps.map(({ key, secrets }) => [key, secrets.length])).toEqual([
    ['acme', 1],
    ['umbrella', 2],
  ]);
});

test('fly.toml: TLS forced, never stopped when idle, readiness checked, metrics on the private port', () => {
  expect(parseToml(read('fly.toml'))).toMatchObject({
    kill_signal: 'SIGTERM',
    kill_timeout: 30,
    deploy: { strategy: 'rolling' },
    processes: { web: 'start --role edge', worker: 'start --role worker', operator: 'start --role operator' },
    http_service: {
      internal_port: 8080,
      force_https: true,
      auto_stop_machines: 'off',
      min_machines_running: 1,
      checks: [{ path: '/readyz' }],
    },
    checks: { worker: { port: 9090, path: '/readyz', processes: ['worker', 'operator'] } },
    metrics: [{ port: 9090, path: '/metrics' }],
  });
});

test('the image holds production dependencies only and does not run as root', () => {
  const dockerfile = read('Dockerfile');
  expect(dockerfile).toContain('FROM node:26-slim');
  expect(dockerfile).toContain('npm ci --omit=dev');
  expect(dockerfile).toMatch(/^USER node$/m);
});
