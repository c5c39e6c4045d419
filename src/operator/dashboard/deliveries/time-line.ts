import type { DeliveryDetail } from '../../schemas.ts';
import { formatLatency } from '../parts/format-latency.ts';
import type { Mark } from '../parts/render-mark.ts';
import { describeAnswer } from './describe-answer.ts';

export interface TimeLineEntry {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly mark: Mark;
  readonly title: string;
  readonly notes: readonly string[];
  /** What the consumer answered; a stranger's text. */
  readonly answer?: string;
}

const deaths: Readonly<Record<string, string>> = {
  corrupt: 'the stored bytes no longer match the stored signature',
  unreadable: 'what is stored cannot be read by this release',
  gave_up: 'its handler gave it up',
  attempts_exhausted: 'all attempts of the schedule were made',
  deadline_passed: 'it was older than DELIVERY_DEADLINE',
};

/** What happened to a delivery in the order of time, the next attempt last. */
export function timeLineOf(delivery: DeliveryDetail): readonly TimeLineEntry[] {
  const { attemptLog, replays, endedAt, nextAttemptAt } = delivery;
  const entries = [
    received(delivery),
    ...attemptLog.map(attempted),
    ...replays.map(replayed),
    ...(endedAt === undefined ? [] : [ended(delivery, endedAt)]),
    ...(nextAttemptAt === undefined
      ? []
      : [{ at: nextAttemptAt, mark: 'idle' as const, title: 'Next attempt', notes: [] }]),
  ];
  return entries.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)); // stable: the end comes after its attempt
}

function received({ receivedAt, lagMs, bytes }: DeliveryDetail): TimeLineEntry {
  const lag = lagMs === undefined ? [] : [`${formatLatency(Math.max(0, lagMs))} after the event, by Zoom’s clock`];
  const size = bytes === undefined ? [] : [`${bytes.toLocaleString('en-US')} bytes`];
  return { at: receivedAt, mark: 'idle', title: 'Received from Zoom', notes: [...size, ...lag] };
}

function attempted(record: DeliveryDetail['attemptLog'][number]): TimeLineEntry {
  const { attempt, startedAt, durationMs, outcome, resigned, worker, response } = record;
  return {
    at: startedAt,
    mark: outcome === 'delivered' ? 'good' : 'warning',
    title: `Attempt ${attempt}: ${describeAnswer(record)}`,
    notes: [
      `after ${formatLatency(durationMs)}`,
      ...(resigned === undefined ? [] : [`signed afresh, timestamp ${resigned.timestamp}`]),
      `by ${worker}`,
    ],
    ...(response !== undefined && response !== '' && { answer: response }),
  };
}

function replayed({ at, by, reason, resign, replayId }: DeliveryDetail['replays'][number]): TimeLineEntry {
  return {
    at,
    mark: 'idle',
    title: `Replayed${resign ? ', to be signed afresh,' : ''} by ${by ?? 'somebody whose name is not kept any more'}`,
    notes: [reason === undefined ? 'no reason given' : `“${reason}”`, replayId],
  };
}

function ended({ state, deathReason }: DeliveryDetail, at: string): TimeLineEntry {
  if (state !== 'dead') return { at, mark: 'good', title: 'Delivered', notes: [] };
  const why = deathReason === undefined ? [] : [deaths[deathReason] ?? deathReason];
  return { at, mark: 'bad', title: 'Dead: it will not be tried again by itself', notes: why };
}
