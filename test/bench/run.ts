/** `npm run bench -- --operator`: figures, never a test. Real Redis and PostgreSQL servers of its own. */
import { parseArgs } from 'node:util';
import { benchOperator } from './operator.ts';

const { values } = parseArgs({
  options: {
    operator: { type: 'boolean', default: false },
    deliveries: { type: 'string', default: '100000' },
    json: { type: 'boolean', default: false },
  },
});

if (!values.operator) {
  process.stderr.write('npm run bench -- --operator [--deliveries N] [--json]: how fast operators find deliveries\n');
  process.exitCode = 1;
} else {
  const rows = await benchOperator(Number(values.deliveries), (line) => process.stderr.write(`${line}\n`));
  if (values.json) process.stdout.write(`${JSON.stringify(rows)}\n`);
  else
    process.stdout.write(
      `${rows.map(({ store, what, medianMs, maxMs }) => `${store.padEnd(10)}${what.padEnd(46)}${medianMs.toFixed(0).padStart(8)} ms median${maxMs.toFixed(0).padStart(8)} ms max`).join('\n')}\n`,
    );
}
