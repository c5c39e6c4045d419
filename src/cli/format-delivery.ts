import type { DeliveryDetail, DeliveryRow } from './delivery-views.ts';
import { formatAge } from './format-age.ts';
import { oneLine } from './one-line.ts';

const marks: Readonly<Record<string, string>> = {
  delivered: '●',
  active: '◐',
  waiting: '○',
  delayed: '○',
  dead: '✗',
};

export const rowHeadings = [
  'received',
  'event',
  'about',
  'consumer',
  'state',
  'attempts',
  'last answer',
  'notificationId',
];

export function formatRow(row: DeliveryRow): readonly (string | number)[] {
  const { meetingId, email, userId } = row.about;
  const about = meetingId ?? email ?? userId ?? '–';
  const consumer = row.app === 'default' ? row.consumer : `${row.app}/${row.consumer}`;
  const state = `${marks[row.state] ?? ' '} ${row.state}`;
  return [row.receivedAt, row.event, about, consumer, state, row.attempts, lastAnswerOf(row), row.notificationId];
}

export function lastAnswerOf({ lastAttempt }: DeliveryRow): string {
  if (lastAttempt === undefined) return '–';
  return String(lastAttempt.status ?? lastAttempt.error ?? lastAttempt.outcome);
}

const labelWidth = 16;

/** One delivery, what happened to it in the order it happened. */
export function formatDetail(detail: DeliveryDetail): string {
  const { about, bytes, sha256, requestId, deathReason, nextAttemptAt, endedAt, lagMs } = detail;
  const ids = [about.meetingId, detail.meetingUuid, about.userId, about.email].filter((id) => id !== undefined);
  const facts: (readonly [string, string | undefined])[] = [
    ['notificationId', detail.notificationId],
    ['event', `${detail.event}${ids.length === 0 ? '' : `  ${ids.join('  ')}`}`],
    ['consumer', `${detail.consumer} of app ${detail.app}`],
    ['state', `${marks[detail.state] ?? ''} ${detail.state}${deathReason === undefined ? '' : `: ${deathReason}`}`],
    ['body', bytes === undefined ? 'cannot be read' : `${bytes} bytes, SHA-256 ${sha256}`],
    ['x-zm-request-id', requestId],
    [
      'received',
      `${detail.receivedAt}${lagMs === undefined ? '' : `  ${formatAge(Math.max(lagMs, 0))} after the event`}`,
    ],
    ['next attempt', nextAttemptAt],
    ['ended', endedAt],
  ];
  const lines = facts.flatMap(([label, value]) => (value === undefined ? [] : [line(label, value)]));
  const events = [...detail.attemptLog.map(formatAttempt), ...detail.replays.map(formatReplay)];
  const log = events.toSorted((a, b) => a.at.localeCompare(b.at)).map(({ text }) => text);
  const headers = Object.entries(detail.headers).map(([name, value]) => line(`  ${name}`, value));
  return [...lines, '', ...(log.length === 0 ? ['no attempt yet'] : log), '', 'headers', ...headers, ''].join('\n');
}

function formatAttempt(entry: DeliveryDetail['attemptLog'][number]): { readonly at: string; readonly text: string } {
  const { attempt, startedAt, durationMs, outcome, status, error, response, resigned, worker } = entry;
  const answer = [outcome, status, error].filter((part) => part !== undefined).join(' ');
  const parts = [`${startedAt}  attempt ${attempt}`, answer, formatAge(durationMs), worker];
  const signed =
    resigned === undefined ? [] : [`                          re-signed ${resigned.timestamp} ${resigned.signature}`];
  const said = response === undefined || response === '' ? [] : [`                          ${oneLine(response)}`];
  return { at: startedAt, text: [parts.join('  '), ...signed, ...said].join('\n') };
}

function formatReplay({ at, replayId, by, reason, resign }: DeliveryDetail['replays'][number]) {
  const why = [by && `by ${by}`, reason && `"${oneLine(reason)}"`, resign && 're-signed'].filter(Boolean).join(', ');
  return { at, text: `${at}  replay ${replayId}${why === '' ? '' : `  ${why}`}` };
}

function line(label: string, value: string): string {
  return `${label.padEnd(Math.max(labelWidth, label.length + 2))}${value}`;
}
