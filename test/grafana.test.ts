import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { recallConsumer } from '../src/delivery/names.ts';
import { createMetrics } from '../src/operator/metrics.ts';
import { notificationResults } from '../src/report.ts';
import { connectMetricLabels } from '../src/report-connect.ts';
import { findProgram } from './support/find-program.ts';
import { defaultApp } from './support/test-relay.ts';

const folder = fileURLToPath(new URL('../src/operator/grafana', import.meta.url));
const rules = readFileSync(join(folder, 'alerts.yaml'), 'utf8');

const gridPos = z.object({ x: z.int().min(0), y: z.int().min(0), w: z.int().min(1).max(24), h: z.int().min(1) });
const panel = z.object({
  id: z.int(),
  type: z.string(),
  title: z.string().min(1),
  description: z.string().optional(),
  gridPos,
  datasource: z.object({ type: z.literal('prometheus'), uid: z.string().regex(/^\$\{datasource\}$/) }).optional(),
  targets: z.array(z.object({ refId: z.string(), expr: z.string() })).optional(),
});
const dashboard = z
  .object({
    schemaVersion: z.int().min(39),
    uid: z.string(),
    templating: z.object({ list: z.array(z.object({ name: z.string(), type: z.string() })) }),
    panels: z.array(panel),
  })
  .parse(JSON.parse(readFileSync(join(folder, 'dashboard.json'), 'utf8')));
const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));

/** What a relay that has done nothing yet shows. */
let rendered: string;
beforeAll(async () => {
  const metrics = createMetrics({
    consumers: [{ app: defaultApp, consumer: recallConsumer }],
    results: notificationResults,
    connect: { ...connectMetricLabels([defaultApp]), readFigures: async () => [] },
    store: () => ({ ready: true, findings: [{ level: 'note', code: 'not_flushed' }] }),
    readQueues: async () => [],
    nowMs: () => performance.now(),
  });
  rendered = (await metrics.render()).body;
});

/** Fails with what promtool says unless it finds everything in order. */
function promtool(args: readonly string[], input = ''): void {
  const program = findProgram('promtool') ?? expect.unreachable('promtool is not installed');
  const { status, stdout, stderr } = spawnSync(program, args, { input, encoding: 'utf8' });
  expect({ status, said: status === 0 ? '' : `${stdout}${stderr}` }).toEqual({ status: 0, said: '' });
}

describe('what a scrape gets', () => {
  test('is in order by the rules of Prometheus', () => {
    promtool(['check', 'metrics'], rendered);
  });
});

describe('alerts', () => {
  test('are in order, and fire when they should and only then', () => {
    promtool(['check', 'rules', join(folder, 'alerts.yaml')]);
    promtool(['test', 'rules', join(folder, 'alerts.test.yaml')]);
  });

  test('each has a severity, a summary and a description, and a test', () => {
    const tests = readFileSync(join(folder, 'alerts.test.yaml'), 'utf8');
    const [, ...alerts] = rules.split(/^ {6}- alert: /m);
    expect(alerts.length).toBeGreaterThan(8);
    for (const alert of alerts) {
      for (const part of ['expr:', 'severity:', 'summary:', 'description:']) expect(alert).toContain(part);
      const fires = new RegExp(`alertname: ${alert.split('\n', 1)[0]}\n.+\n +exp_alerts:\n`);
      expect(tests).toMatch(fires);
    }
  });
});

describe('dashboard', () => {
  test('every query is one that Prometheus takes', () => {
    const records = queries.map(({ expr }, index) => {
      const plain = expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(app|consumer)/g, '.+');
      return { record: `query:${index}`, expr: plain };
    });
    const path = mkdtempSync(join(tmpdir(), 'zoom-relay-grafana-'));
    // Prometheus reads YAML, and so JSON.
    writeFileSync(join(path, 'queries.yaml'), JSON.stringify({ groups: [{ name: 'dashboard', rules: records }] }));
    promtool(['check', 'rules', join(path, 'queries.yaml')]);
    rmSync(path, { recursive: true });
  });

  test('panels have ids and titles of their own, and do not overlap', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(panels.map(({ gridPos: { x, w } }) => x + w).filter((right) => right > 24)).toEqual([]);
    const overlapping = panels.flatMap((one, index) => {
      return panels
        .slice(index + 1)
        .flatMap((other) => (overlaps(one, other) ? [`${one.title} / ${other.title}`] : []));
    });
    expect(overlapping).toEqual([]);
  });

  test('asks the data source that is chosen, with the apps and consumers that are', () => {
    expect(dashboard.templating.list.map(({ name, type }) => [name, type])).toEqual([
      ['datasource', 'datasource'],
      ['app', 'query'],
      ['consumer', 'query'],
    ]);
    const shown = dashboard.panels.filter(({ type }) => type !== 'row');
    expect(shown.filter(({ datasource, description }) => datasource === undefined || !description)).toEqual([]);
    const rows = dashboard.panels.filter(({ type }) => type === 'row').map(({ title }) => title);
    expect(rows).toEqual(['Is it all right?', 'Intake', 'Delivery', 'Connections', 'Store', 'Process']);
  });
});

test('every metric, and every value of a label, that the dashboard and the alerts name is there from the start', () => {
  const variables = JSON.stringify(dashboard.templating);
  const conditions = [...rules.matchAll(/expr:([\s\S]+?)\n +(?:for|labels):/g)].map(([, condition = '']) => condition);
  const named = [variables, ...conditions, ...queries.map(({ expr }) => expr)].join('\n');
  const there = new Set(rendered.match(/^zoom_relay_\w+/gm));
  expect(namesIn(named).length).toBeGreaterThan(15);
  expect(namesIn(named).filter((name) => !there.has(name))).toEqual([]);
  const metrics = new Set([...rendered.matchAll(/^# TYPE (\w+)/gm)].map(([, name = '']) => name));
  expect(namesIn(rules).filter((name) => !there.has(name) && !metrics.has(name))).toEqual([]);
  const values = [...named.matchAll(/\b(result|outcome|state|reason)!?=~?"([^"]+)"/g)];
  const pairs = values.flatMap(([, label, text = '']) => text.split('|').map((value) => `${label}="${value}"`));
  expect(pairs.length).toBeGreaterThan(5);
  expect(pairs.filter((pair) => !rendered.includes(pair))).toEqual([]);
});

function namesIn(text: string): string[] {
  return [...new Set(text.match(/zoom_relay_\w+/g))];
}

function overlaps(one: z.infer<typeof panel>, other: z.infer<typeof panel>): boolean {
  const [a, b] = [one.gridPos, other.gridPos];
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}
