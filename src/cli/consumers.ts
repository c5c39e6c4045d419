import { z } from 'zod';
import type { CommandProcess } from './command-process.ts';
import { formatAge } from './format-age.ts';
import { formatTable } from './format-table.ts';
import { askOperatorApi } from './operator-api.ts';

const consumer = z.object({
  app: z.string(),
  consumer: z.string(),
  isPaused: z.boolean(),
  circuit: z.object({ kind: z.string(), untilMs: z.number().optional() }),
  waiting: z.number(),
  delayed: z.number(),
  active: z.number(),
  dead: z.number(),
  oldestPendingMs: z.number().optional(),
  deliveredLastMinute: z.number(),
});
type Consumer = z.infer<typeof consumer>;
const answer = z.object({ consumers: z.array(consumer) });

/**
 * Prints the consumers of a running relay, of one app or all, and how each is.
 *
 * @throws RelayError see `askOperatorApi`
 */
export async function runConsumersListCommand(
  host: CommandProcess,
  { app, json }: { readonly app?: string; readonly json: boolean },
): Promise<void> {
  const text = await askOperatorApi(
    host,
    `/api/consumers?${new URLSearchParams({ ...(app !== undefined && { app }) })}`,
  );
  const { consumers } = answer.parse(JSON.parse(text));
  host.stdout.write(json ? `${text}\n` : formatTable(headings, consumers.map(cellsOf)));
}

/**
 * Pauses or resumes a consumer of a running relay. A paused one keeps collecting.
 *
 * @throws RelayError see `askOperatorApi`
 */
export async function runConsumersSwitchCommand(
  host: CommandProcess,
  action: 'pause' | 'resume',
  name: string,
  options: { readonly app: string; readonly json: boolean },
): Promise<void> {
  const path = `/api/consumers/${encodeURIComponent(options.app)}/${encodeURIComponent(name)}/${action}`;
  await askOperatorApi(host, path, { method: 'POST' });
  const done = action === 'pause' ? 'is paused: its deliveries are kept and wait' : 'goes on';
  const json = { app: options.app, consumer: name, isPaused: action === 'pause' };
  host.stdout.write(options.json ? `${JSON.stringify(json)}\n` : `${name} of app ${options.app} ${done}\n`);
}

const headings = ['app', 'consumer', 'state', 'waiting', 'delayed', 'active', 'dead', 'oldest', 'delivered/min'];

function cellsOf(entry: Consumer): readonly (string | number)[] {
  const { app, waiting, delayed, active, dead, oldestPendingMs, deliveredLastMinute } = entry;
  const oldest = oldestPendingMs === undefined ? '–' : formatAge(oldestPendingMs);
  return [app, entry.consumer, stateOf(entry), waiting, delayed, active, dead, oldest, deliveredLastMinute];
}

function stateOf({ isPaused, circuit }: Consumer): string {
  if (isPaused) return '○ paused';
  if (circuit.kind === 'closed') return '● running';
  const until = circuit.untilMs === undefined ? '' : ` until ${new Date(circuit.untilMs).toISOString().slice(11, 19)}Z`;
  return `▲ ${circuit.kind.replace('_', ' ')}${until}`;
}
