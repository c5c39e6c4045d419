/**
 * `npm run bench`: zoom-relay against what one would write oneself; with a flag, one thing of its own.
 * Figures, never a test. Real servers of its own.
 */
import { parseArgs } from 'node:util';
import { benchApps } from './apps.ts';
import { benchBacklog } from './backlog.ts';
import { compare } from './compare.ts';
import { countedEngines } from './counted-store.ts';
import { formatComparison } from './format-comparison.ts';
import { formatFigures } from './format-figures.ts';
import { benchIdle } from './idle.ts';
import { benchOperator } from './operator.ts';
import { benchEngines } from './stores.ts';

const usage = `npm run bench -- [--engines redis,postgres,embedded] [--roles edge,worker,operator] [--bodies 700]
    [--concurrency 64] [--duration 8] [--rounds 5] [--profile FOLDER] [--json]
  --roles edge/worker,operator: two processes. --profile: CPU profiles of every round, for Chrome's developer tools.
npm run bench -- --operator [--deliveries 100000] [--json]: how fast operators find deliveries
npm run bench -- --apps 200 [--engines redis] [--json]: what many apps cost one process
npm run bench -- --idle [--json]: what an idle relay asks of a Redis
npm run bench -- --backlog 1000000 [--listpack 4096] [--json]: so many deliveries while their consumer is down, on Redis
  --listpack: Redis' hash-max-listpack-value
`;

const { values } = parseArgs({
  options: {
    operator: { type: 'boolean', default: false },
    deliveries: { type: 'string', default: '100000' },
    json: { type: 'boolean', default: false },
    apps: { type: 'string' },
    backlog: { type: 'string' },
    idle: { type: 'boolean', default: false },
    listpack: { type: 'string' },
    engines: { type: 'string', default: 'redis' },
    roles: { type: 'string', default: 'edge,worker,operator' },
    bodies: { type: 'string', default: '700' },
    concurrency: { type: 'string', default: '64' },
    duration: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '5' },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const say = (line: string): void => void process.stderr.write(`${line}\n`);

if (values.help) process.stdout.write(usage);
else if (values.apps !== undefined) {
  for (const engine of countedEngines.filter((name) => values.engines.split(',').includes(name))) {
    printFigures(await benchApps(Number(values.apps), engine, say));
  }
} else if (values.backlog !== undefined) {
  const listpackBytes = values.listpack === undefined ? undefined : Number(values.listpack);
  printFigures(await benchBacklog(Number(values.backlog), listpackBytes, say));
} else if (values.idle) printFigures(await benchIdle(say));
else if (values.operator) {
  const rows = await benchOperator(Number(values.deliveries), say);
  if (values.json) process.stdout.write(`${JSON.stringify(rows)}\n`);
  else
    process.stdout.write(
      `${rows.map(({ store, what, medianMs, maxMs }) => `${store.padEnd(10)}${what.padEnd(46)}${medianMs.toFixed(0).padStart(8)} ms median${maxMs.toFixed(0).padStart(8)} ms max`).join('\n')}\n`,
    );
} else {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  const wanted = values.engines.split(',');
  const settings = {
    engines: benchEngines.filter((engine) => wanted.includes(engine)),
    roles: values.roles.split('/'),
    bodyBytes: Number(values.bodies),
    connections: Number(values.concurrency),
    durationSec: Number(values.duration),
    rounds: Number(values.rounds),
    profileFolder: values.profile,
  };
  const columns = await compare({ ...settings, signal: stopping.signal }, say);
  process.stdout.write(values.json ? `${JSON.stringify({ settings, columns })}\n` : formatComparison(columns));
}

function printFigures(figures: Parameters<typeof formatFigures>[0]): void {
  process.stdout.write(values.json ? `${JSON.stringify(figures)}\n` : formatFigures(figures));
}
