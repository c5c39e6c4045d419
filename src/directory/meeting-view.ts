import type { MeetingEntry } from './meeting-entry.ts';

/** A meeting for people to read: what is known now, and which notifications said so. Times as ISO 8601. */
export interface MeetingView {
  readonly id: string;
  readonly isDeleted: boolean;
  readonly uuid?: string | undefined;
  readonly hostId?: string | undefined;
  readonly operatorId?: string | undefined;
  readonly operatorEmail?: string | undefined;
  readonly accountId?: string | undefined;
  readonly topic?: string | undefined;
  readonly startTime?: string | undefined;
  /** Without its passcode. */
  readonly joinUrl?: string | undefined;
  readonly firstHeard: HeardView;
  readonly lastHeard: HeardView;
}

export interface HeardView {
  readonly at: string;
  readonly event: string;
  readonly notificationId: string;
}

export function viewMeeting(entry: MeetingEntry): MeetingView {
  return {
    id: entry.id,
    isDeleted: entry.deleted?.value ?? false,
    uuid: entry.uuid?.value,
    hostId: entry.hostId?.value,
    operatorId: entry.operator?.value.id,
    operatorEmail: entry.operator?.value.email,
    accountId: entry.accountId?.value,
    topic: entry.topic?.value,
    startTime: entry.startTime?.value,
    joinUrl: entry.joinUrl && withoutPasscode(entry.joinUrl.value),
    firstHeard: viewHeard(entry.firstHeard),
    lastHeard: viewHeard(entry.lastHeard),
  };
}

function viewHeard({ atMs, event, notificationId }: MeetingEntry['firstHeard']): HeardView {
  return { at: new Date(atMs).toISOString(), event, notificationId };
}

function withoutPasscode(joinUrl: string): string | undefined {
  const url = URL.parse(joinUrl);
  if (url === null) return undefined;
  if (url.searchParams.has('pwd')) url.searchParams.set('pwd', '***');
  return url.href;
}
