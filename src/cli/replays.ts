import { z } from 'zod';
import type { CommandProcess } from './command-process.ts';
import { formatTable } from './format-table.ts';
import { askOperatorApi } from './operator-api.ts';
import { describeFilter, replayView } from './replay.ts';

/**
 * Prints the replays of many deliveries, newest first.
 *
 * @throws RelayError see `askOperatorApi`
 */
export async function runReplaysListCommand(host: CommandProcess, options: { readonly json: boolean }): Promise<void> {
  const text = await askOperatorApi(host, '/api/replays?limit=50');
  if (options.json) {
    host.stdout.write(`${text}\n`);
    return;
  }
  const { replays } = z.object({ replays: z.array(replayView) }).parse(JSON.parse(text));
  const rows = replays.map(({ id, state, createdAt, by, plan, progress, filter, waitingFor }) => {
    const { delivered, dead, skipped } = progress;
    const now = waitingFor === undefined || state !== 'running' ? state : `waits: ${waitingFor}`;
    return [id, createdAt, by, now, plan.total, delivered, dead, skipped, describeFilter(filter)];
  });
  const headings = ['replay', 'asked for', 'by', 'state', 'planned', 'delivered', 'died again', 'skipped', 'which'];
  host.stdout.write(rows.length === 0 ? 'nothing has been replayed yet\n' : formatTable(headings, rows));
}

/**
 * Pauses, resumes or cancels a replay.
 *
 * @throws RelayError see `askOperatorApi`
 */
export async function runReplaysSteerCommand(
  host: CommandProcess,
  action: 'pause' | 'resume' | 'cancel',
  id: string,
  options: { readonly json: boolean },
): Promise<void> {
  const text = await askOperatorApi(host, `/api/replays/${encodeURIComponent(id)}/${action}`, { method: 'POST' });
  const { state, progress } = replayView.parse(JSON.parse(text));
  host.stdout.write(options.json ? `${text}\n` : `replay ${id} is ${state}; ${progress.fed} handed over so far\n`);
}
