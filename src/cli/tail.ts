import { createInterface } from 'node:readline';
import { request } from 'undici';
import { RelayError } from '../errors.ts';
import type { CommandProcess } from './command-process.ts';
import { type FilterOptions, filterOf } from './delivery-filter.ts';
import { deliveryRow } from './delivery-views.ts';
import { lastAnswerOf } from './format-delivery.ts';
import { errorOf, noAnswer, readTarget } from './operator-api.ts';
import { untilSignal } from './until-signal.ts';

/**
 * Prints deliveries as they come and change, until Ctrl-C.
 *
 * @throws RelayError `target_unreachable`, also when the relay ends the stream; `token_invalid`, `request_refused`
 */
export async function runDeliveriesTailCommand(
  host: CommandProcess,
  options: FilterOptions & { readonly json: boolean },
): Promise<void> {
  const { base, token } = readTarget(host);
  const url = new URL(`/api/stream?${new URLSearchParams(filterOf(options))}`, base);
  const stopping = new AbortController();
  void untilSignal(host).then(() => stopping.abort());
  try {
    const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
    const answer = await request(url, { headers, signal: stopping.signal, bodyTimeout: 0 });
    if (answer.statusCode === 401) throw new RelayError('token_invalid', 'the relay does not take this OPERATOR_TOKEN');
    if (answer.statusCode !== 200) {
      const text = await answer.body.text();
      throw new RelayError('request_refused', errorOf(text).message ?? text);
    }
    for await (const line of createInterface({ input: answer.body })) printEvent(host, line, options.json);
  } catch (error) {
    if (stopping.signal.aborted) return;
    throw error instanceof RelayError ? error : noAnswer(url, error);
  }
  throw new RelayError('target_unreachable', 'the relay ended the stream: it was stopped');
}

/** One line of `text/event-stream`: data, or a comment that keeps the connection open. */
function printEvent(host: CommandProcess, line: string, isJson: boolean): void {
  if (!line.startsWith('data:')) return;
  const text = line.slice('data:'.length).trim();
  if (isJson) {
    host.stdout.write(`${text}\n`);
    return;
  }
  const row = deliveryRow.parse(JSON.parse(text));
  const { meetingId, email, userId } = row.about;
  const cells = [
    row.receivedAt,
    row.notificationId,
    row.event.padEnd(28),
    `${row.app}/${row.consumer}`.padEnd(24),
    row.state.padEnd(9),
    lastAnswerOf(row).padEnd(12),
    meetingId ?? email ?? userId ?? '',
  ];
  host.stdout.write(`${cells.join('  ').trimEnd()}\n`);
}
