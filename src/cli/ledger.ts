import { z } from 'zod';
import { sumOf } from '../delivery/ledger.ts';
import type { CommandProcess } from './command-process.ts';
import { askOperatorApi } from './operator-api.ts';

const count = z.number();
const intake = z.object({
  received: count,
  accepted: count,
  duplicate: count,
  challenge: count,
  turnedAway: count,
  rejected: z.record(z.string(), count),
});
const consumer = z.object({
  consumer: z.string(),
  accepted: count,
  delivered: count,
  pending: count,
  dead: count,
  offBy: count,
  circuit: z.object({ kind: z.string(), untilMs: count.optional() }),
});
const ledger = z.object({
  addsUp: z.boolean(),
  apps: z.array(z.object({ app: z.string(), lastDay: intake, total: intake, consumers: z.array(consumer) })),
});
type Ledger = z.infer<typeof ledger>;

/**
 * Prints the ledger of a running relay; exit code 1 when it does not add up.
 *
 * @throws RelayError see `askOperatorApi`
 */
export async function runLedgerCommand(host: CommandProcess, options: { readonly json: boolean }): Promise<void> {
  const text = await askOperatorApi(host, '/api/ledger');
  const parsed = ledger.parse(JSON.parse(text));
  host.stdout.write(options.json ? `${text}\n` : formatLedger(parsed));
  if (!parsed.addsUp) host.exitCode = 1;
}

const columnWidth = 12;

function formatLedger({ apps }: Ledger): string {
  return apps
    .map((app) => [...formatIntake(app), '', ...formatConsumers(app)].join('\n'))
    .join('\n\n')
    .concat('\n');
}

function formatIntake({ app, lastDay, total }: Ledger['apps'][number]): readonly string[] {
  const headings = ['received', 'accepted', 'duplicate', 'challenge', 'rejected', 'turned away'];
  const line = (title: string, counts: z.infer<typeof intake>): string => {
    const { received, accepted, duplicate, challenge, rejected, turnedAway } = counts;
    const reasons = Object.entries(rejected).map(([reason, times]) => `${reason} ${format(times)}`);
    const cells = [received, accepted, duplicate, challenge, sumOf(rejected), turnedAway].map(format);
    return row(`  ${title}`, cells) + (reasons.length === 0 ? '' : `  (${reasons.join(', ')})`);
  };
  return [row(`app ${app}`, headings), line('last 24 h', lastDay), line('in all', total)];
}

function formatConsumers({ consumers }: Ledger['apps'][number]): readonly string[] {
  const lines = consumers.map((entry) => {
    const cells = [entry.accepted, entry.delivered, entry.pending, entry.dead].map(format);
    return `${row(`  ${entry.consumer}`, cells)}  ${entry.offBy === 0 ? 'adds up ✓' : `✗ off by ${format(entry.offBy)}`}${formatCircuit(entry.circuit)}`;
  });
  return [row('consumer', ['accepted', 'delivered', 'pending', 'dead']), ...lines];
}

/** Silent while all is well. */
function formatCircuit({ kind, untilMs }: z.infer<typeof consumer>['circuit']): string {
  if (kind === 'closed') return '';
  return `  ▲ circuit ${kind}${untilMs === undefined ? '' : ` until ${new Date(untilMs).toISOString()}`}`;
}

function row(title: string, cells: readonly string[]): string {
  return title.padEnd(24) + cells.map((cell) => cell.padStart(columnWidth)).join('');
}

function format(number: number): string {
  return number.toLocaleString('en-US');
}
