import type { Endpoint } from './endpoint.ts';
import { type Filter, listPage, uuid } from './list-page.ts';
import type { RecallState } from './recall-state.ts';
import { formatTime, type LogRecord, type MeetingRecord, renderMeeting } from './records.ts';
import type { RecallApiSettings } from './settings.ts';

const meetingFilters: Readonly<Record<string, Filter<MeetingRecord>>> = {
  meeting_id: { pattern: /^\d{1,18}$/, matches: ({ meetingId }, value) => String(meetingId) === value },
  credential: { pattern: uuid, matches: ({ credential }, value) => credential === value },
};
const logFilters: Readonly<Record<string, Filter<LogRecord>>> = {
  credential: { pattern: uuid, matches: ({ about }, value) => about === value },
};

/** What Recall knows of meetings, and what it noted about credentials. */
export function createRecordEndpoints(state: RecallState, settings: RecallApiSettings): readonly Endpoint[] {
  return [
    {
      method: 'GET',
      path: '/api/v2/zoom-meetings-to-credentials/',
      limit: 'lists',
      answer: (c) => {
        const listing = { items: state.meetings, filters: meetingFilters, render: renderMeeting };
        return listPage(c, settings, { ...listing, timeField: 'synced_at' });
      },
    },
    {
      method: 'GET',
      path: '/api/v2/zoom-oauth-credential-logs/',
      limit: 'others',
      answer: (c) => {
        const listing = { items: state.credentialLogs, filters: logFilters, render: renderLog };
        return listPage(c, settings, { ...listing, timeField: 'created_at' });
      },
    },
  ];
}

function renderLog({ about, message, atMs }: LogRecord) {
  return { credential: about, message, created_at: formatTime(atMs) };
}
