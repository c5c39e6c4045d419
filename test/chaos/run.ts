import { parseArgs } from 'node:util';
import { engineNames, type Plan, runTrial, type TrialResult } from './trial.ts';

/**
 * `npm run chaos [-- --quick] [-- --engine redis,postgres,embedded]`: under load, kills and freezes the relay and its
 * store while Recall misbehaves, then counts. Exit code 1 unless nothing acknowledged is lost
 * and the ledger adds up on every engine.
 */
const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, engine: { type: 'string', default: engineNames.join(',') } },
});

const thorough: Plan = {
  perSecond: 100,
  relayKills: 20,
  storeKills: 10,
  freezeMs: 10_000,
  pauseMs: 3000,
  moodMs: 1500,
  goneMs: 60_000,
  patienceMs: 600_000,
};
const quick: Plan = {
  perSecond: 60,
  relayKills: 2,
  storeKills: 1,
  freezeMs: 2500,
  pauseMs: 1000,
  moodMs: 400,
  goneMs: 1000,
  patienceMs: 60_000,
};

const plan = values.quick ? quick : thorough;
const engines = values.engine.split(',');
const say = (engine: string) => (line: string) => void (values.quick || process.stdout.write(`${engine}: ${line}\n`));
// Thorough trials run one after the other, so that they do not disturb each other's timing.
const results: TrialResult[] = [];
if (values.quick) results.push(...(await Promise.all(engines.map((engine) => runTrial(engine, plan, say(engine))))));
else for (const engine of engines) results.push(await runTrial(engine, plan, say(engine)));

const columns = [
  'engine',
  'sent',
  'acknowledged',
  'turnedAway',
  'noAnswer',
  'delivered',
  'deliveredTwice',
  'lost',
  'ledgerOffBy',
] as const;
const headings = [
  'engine',
  'sent',
  'acknowledged',
  '503',
  'no answer',
  'delivered',
  'delivered twice',
  'lost',
  'ledger off',
];
const rows = [headings, ...results.map((result) => columns.map((column) => String(result[column])))];
const widths = headings.map((_heading, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
for (const row of rows)
  process.stdout.write(`${row.map((cell, index) => cell.padStart(widths[index] ?? 0)).join('  ')}\n`);
const holds = results.every(
  ({ lost, ledgerOffBy, acknowledged }) => lost === 0 && ledgerOffBy === 0 && acknowledged > 0,
);
process.exitCode = holds ? 0 : 1;
