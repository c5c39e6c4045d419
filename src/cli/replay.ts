import { setTimeout as delay } from 'node:timers/promises';
import cliProgress from 'cli-progress';
import { z } from 'zod';
import { RelayError } from '../errors.ts';
import type { CommandProcess } from './command-process.ts';
import { findDelivery, pathOf, readDelivery } from './deliveries.ts';
import { type FilterOptions, filterOf } from './delivery-filter.ts';
import type { DeliveryRow } from './delivery-views.ts';
import { lastAnswerOf } from './format-delivery.ts';
import { formatTable } from './format-table.ts';
import { askOperatorApi } from './operator-api.ts';
import { untilSignal } from './until-signal.ts';

const pollMs = 500;

export interface ReplayOptions extends FilterOptions {
  readonly resign: boolean;
  readonly force: boolean;
  readonly rate: string;
  readonly reason?: string;
  readonly dryRun: boolean;
  readonly wait: boolean;
  readonly json: boolean;
}

const plan = z.object({
  total: z.number(),
  oldestReceivedAt: z.string().optional(),
  newestReceivedAt: z.string().optional(),
  alreadyDelivered: z.number(),
  onTheirWay: z.number(),
  wouldBeResigned: z.number(),
  isTruncated: z.boolean(),
});
export const replayView = z.object({
  id: z.string(),
  state: z.enum(['running', 'paused', 'cancelled', 'done']),
  by: z.string(),
  reason: z.string().optional(),
  filter: z.record(z.string(), z.string()),
  createdAt: z.string(),
  plan,
  progress: z.object({
    fed: z.number(),
    skipped: z.number(),
    delivered: z.number(),
    dead: z.number(),
    pending: z.number(),
  }),
  waitingFor: z.string().optional(),
});
export type ReplayView = z.infer<typeof replayView>;

/**
 * Asks for deliveries again: those named by id, or all that the filter matches. Waits until they are through, shows how
 * far it is, and prints what became of them; exit code 1 if some died again.
 *
 * @throws RelayError see `askOperatorApi`
 */
export async function runReplayCommand(
  host: CommandProcess,
  ids: readonly string[],
  options: ReplayOptions,
): Promise<void> {
  if (ids.length > 0) return replaySome(host, ids, options);
  const filter = { app: 'default', consumer: 'recall', ...filterOf(options) };
  if (Object.keys(filterOf(options)).length === 0) {
    throw new RelayError('configuration_invalid', 'say which: ids, or a filter such as --state dead --since 24h');
  }
  const { resign, force, reason } = options;
  const input = { filter, resign, force, rate: Number(options.rate), ...(reason && { reason }) };
  const answer = await askOperatorApi(host, '/api/replays', {
    method: 'POST',
    input: { ...input, dryRun: options.dryRun },
  });
  if (options.dryRun) return printPlan(host, answer, filter, options);
  const started = replayView.parse(JSON.parse(answer));
  const ended = options.wait ? await follow(host, started, options.json) : started;
  host.stdout.write(options.json ? `${JSON.stringify(ended)}\n` : summaryOf(ended));
  if (ended.progress.dead > 0) host.exitCode = 1;
}

function printPlan(
  host: CommandProcess,
  answer: string,
  filter: Readonly<Record<string, string>>,
  { force, json }: Pick<ReplayOptions, 'force' | 'json'>,
): void {
  const { plan: planned } = z.object({ plan }).parse(JSON.parse(answer));
  if (json) {
    host.stdout.write(`${answer}\n`);
    return;
  }
  const { total, oldestReceivedAt, newestReceivedAt, alreadyDelivered, onTheirWay, wouldBeResigned } = planned;
  const delivered = force ? 'sent again' : 'left out unless --force';
  const lines = [
    `would replay ${total}${planned.isTruncated ? ' (the oldest; more match than one replay takes)' : ''}: ${describeFilter(filter)}`,
    ...(oldestReceivedAt === undefined ? [] : [`  received from ${oldestReceivedAt} to ${newestReceivedAt}`]),
    `  already delivered ${alreadyDelivered}${alreadyDelivered > 0 ? ` (${delivered})` : ''}, on their way ${onTheirWay}, re-signed ${wouldBeResigned}`,
    'nothing was done: leave out --dry-run to do it',
  ];
  host.stdout.write(`${lines.join('\n')}\n`);
}

/** Until it has ended; Ctrl-C leaves it to the relay. */
async function follow(host: CommandProcess, started: ReplayView, isJson: boolean): Promise<ReplayView> {
  const isShown = !isJson && (host.stdout.isTTY ?? false);
  const bar = new cliProgress.SingleBar(
    {
      format: '  {bar} {percentage}%  {value} of {total}  {died} dead  {note}',
      stream: host.stderr,
      hideCursor: true,
      clearOnComplete: true,
    },
    cliProgress.Presets.shades_classic,
  );
  const stopping = new AbortController();
  void untilSignal(host).then(() => stopping.abort());
  if (isShown) bar.start(started.plan.total, 0, { died: 0, note: '' });
  let replay = started;
  try {
    while (replay.state !== 'done' && replay.state !== 'cancelled' && !stopping.signal.aborted) {
      await delay(pollMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      replay = replayView.parse(JSON.parse(await askOperatorApi(host, `/api/replays/${started.id}`)));
      const { delivered, dead, skipped } = replay.progress;
      if (isShown) bar.update(delivered + dead + skipped, { died: dead, note: noteOf(replay) });
    }
  } finally {
    if (isShown) bar.stop();
  }
  return replay;
}

function noteOf({ state, waitingFor }: ReplayView): string {
  if (state === 'paused') return 'paused';
  return waitingFor === undefined ? '' : `waits: ${waitingFor}`;
}

function summaryOf(replay: ReplayView): string {
  const { total } = replay.plan;
  const { delivered, dead, skipped, pending, fed } = replay.progress;
  const left = total - fed - skipped;
  const table = formatTable(
    ['replay', 'state', 'planned', 'delivered', 'died again', 'skipped', 'under way', 'left'],
    [[replay.id, replay.state, total, delivered, dead, skipped, pending, left]],
  );
  const isUnderWay = replay.state === 'running' || replay.state === 'paused';
  const next = isUnderWay ? `it goes on: "replays list" shows it, "replays cancel ${replay.id}" ends it\n` : '';
  const { app, consumer } = replay.filter;
  const died = dead === 0 ? '' : `see "deliveries list --state dead --app ${app} --consumer ${consumer}"\n`;
  return table + next + died;
}

async function replaySome(host: CommandProcess, ids: readonly string[], options: ReplayOptions): Promise<void> {
  const { resign, force, reason } = options;
  const name = { app: options.app ?? 'default', consumer: options.consumer ?? 'recall' };
  const asked: { readonly row: DeliveryRow; readonly result: string }[] = [];
  for (const id of ids) {
    for (const row of await findDelivery(host, id, name)) {
      if (options.dryRun) {
        asked.push({ row, result: 'would be replayed' });
        continue;
      }
      const input = { resign, force, ...(reason && { reason }) };
      const answer = await askOperatorApi(host, `${pathOf(row)}/replay`, { method: 'POST', input });
      asked.push({ row, result: z.object({ result: z.string() }).parse(JSON.parse(answer)).result });
    }
  }
  const isWaiting = options.wait && !options.dryRun;
  const ended = await Promise.all(
    asked.map(async ({ row, result }) => {
      const isUnderWay = result === 'replayed' || result === 'brought_forward' || result === 'on_its_way';
      return { result, row: isWaiting && isUnderWay ? await untilEnded(host, row) : row };
    }),
  );
  const json = ended.map(({ row, result }) => ({ ...row, result }));
  const rows = ended.map(({ row, result }) => [
    row.notificationId,
    row.consumer,
    row.event,
    result.replaceAll('_', ' '),
    row.state,
    lastAnswerOf(row),
  ]);
  const table = formatTable(['notificationId', 'consumer', 'event', 'asked', 'now', 'last answer'], rows);
  host.stdout.write(options.json ? `${JSON.stringify(json)}\n` : table);
  if (!options.json && asked.some(({ result }) => result === 'delivered_already')) {
    host.stdout.write('what was delivered already is sent again only with --force\n');
  }
  if (isWaiting && ended.some(({ row }) => row.state === 'dead')) host.exitCode = 1;
}

async function untilEnded(host: CommandProcess, row: DeliveryRow): Promise<DeliveryRow> {
  for (;;) {
    const now = await readDelivery(host, row);
    // One that failed again and waits for its next attempt has been seen to.
    if (now.state === 'delivered' || now.state === 'dead' || now.state === 'delayed') return now;
    await delay(pollMs);
  }
}

export function describeFilter(filter: Readonly<Record<string, string>>): string {
  return Object.entries(filter)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}
