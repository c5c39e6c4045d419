import { formatAge } from '../format-age.ts';
import { formatTable } from './format-table.ts';
import type { MeetingReport } from './meeting.ts';
import { harmless, oneLine } from './one-line.ts';

type App = MeetingReport['apps'][number];

/** The answer first, what it rests on under it. */
export function formatMeeting({ meetings, apps }: MeetingReport): string {
  return apps
    .map((app) =>
      formatApp(
        app,
        meetings.find((each) => each.app === app.app),
      ),
    )
    .join('\n');
}

function formatApp(app: App, meeting: MeetingReport['meetings'][number] | undefined): string {
  const { code, text, remedy } = app.verdict;
  return [
    `${markOf(code)} app ${app.app}: ${harmless(text)}`,
    ...(remedy === undefined ? [] : [`  → ${harmless(remedy)}`]),
    '',
    `  directory   ${describeMeeting(meeting)}`,
    `  Recall      ${describeRecall(app.recall)}`,
    `  forwarded   ${app.deliveries.length === 0 ? 'nothing that is kept' : ''}`.trimEnd(),
    ...formatDeliveries(app.deliveries),
    ...(app.isPartial ? ['              older deliveries were not looked at'] : []),
    '',
  ].join('\n');
}

/** Known; a thing to mend; all else cannot be told or will pass. */
export function markOf(code: string): '✓' | '?' | '✗' {
  if (code === 'known') return '✓';
  return ['forwarded', 'cannot_tell', 'delivery_pending', 'deleted'].includes(code) ? '?' : '✗';
}

function describeMeeting(meeting: MeetingReport['meetings'][number] | undefined): string {
  if (meeting === undefined) return 'has not heard of it';
  const { topic, startTime, hostId, operatorEmail, isDeleted, firstHeard } = meeting;
  return [
    ...(topic === undefined ? [] : [`"${oneLine(topic)}"`]),
    ...(startTime === undefined ? [] : [`starts ${oneLine(startTime)}`]),
    ...(hostId === undefined ? [] : [`host ${oneLine(hostId)}`]),
    ...(operatorEmail === undefined ? [] : [`created by ${oneLine(operatorEmail)}`]),
    ...(firstHeard === undefined ? [] : [`${firstHeard.event} at ${firstHeard.at}`]),
    ...(isDeleted === true ? ['deleted at Zoom'] : []),
  ].join(', ');
}

function describeRecall({ state, detail, credentials }: App['recall']): string {
  switch (state) {
    case 'not_asked':
      return 'not asked: the relay has no RECALL_API_KEY';
    case 'no_answer':
      return `did not answer: ${harmless(detail ?? 'no reason known')}`;
    case 'unknown':
      return 'does not know it';
    case 'known':
      return `knows it: ${credentials.map(describeCredential).join('; ')}`;
  }
}

function describeCredential({
  credential,
  connection,
  syncedAt,
  delayMs,
}: App['recall']['credentials'][number]): string {
  return [
    `credential ${credential}`,
    ...(connection === undefined ? [] : [`connection ${connection}`]),
    ...(syncedAt === undefined ? [] : [`since ${syncedAt}`]),
    ...(delayMs === undefined ? [] : [`${formatAge(delayMs)} after receipt`]),
  ].join(', ');
}

function formatDeliveries(deliveries: App['deliveries']): readonly string[] {
  if (deliveries.length === 0) return [];
  const rows = deliveries.map(({ event, state, attempts, receivedAt, endedAt = '–', notificationId }) => {
    return [oneLine(event), state, attempts, receivedAt, endedAt, notificationId];
  });
  const table = formatTable(['event', 'state', 'attempts', 'received', 'ended', 'notificationId'], rows);
  return table
    .trimEnd()
    .split('\n')
    .map((line) => `    ${line}`);
}
