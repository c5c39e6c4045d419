import { randomUUID } from 'node:crypto';
import type { AppRecord, CredentialRecord, LogRecord, MeetingRecord } from './records.ts';

/** What is kept of one workspace. */
export interface RecallState {
  readonly apps: Map<string, AppRecord>;
  readonly credentials: Map<string, CredentialRecord>;
  readonly meetings: readonly MeetingRecord[];
  readonly appLogs: readonly LogRecord[];
  readonly credentialLogs: readonly LogRecord[];
  addApp(app: Pick<AppRecord, 'kind' | 'clientId' | 'clientSecret' | 'webhookSecret'>, id?: string): AppRecord;
  addCredential(credential: Pick<CredentialRecord, 'oauthApp' | 'userId' | 'accountId' | 'access'>): CredentialRecord;
  deleteApp(id: string): boolean;
  deleteCredential(id: string): boolean;
  mapMeeting(meetingId: number, credential: string): void;
  noteAboutApp(id: string, message: string): void;
  noteAboutCredential(id: string, message: string): void;
}

const maxMessageLength = 2000;

export function createRecallState(nowMs: () => number): RecallState {
  const apps = new Map<string, AppRecord>();
  const credentials = new Map<string, CredentialRecord>();
  const meetings: MeetingRecord[] = [];
  const appLogs: LogRecord[] = [];
  const credentialLogs: LogRecord[] = [];
  let latest = 0;
  const listed = () => {
    latest += 1;
    return { seq: latest, atMs: nowMs() };
  };

  function forget(predicate: (meeting: MeetingRecord) => boolean): void {
    for (const meeting of meetings.filter(predicate)) meetings.splice(meetings.indexOf(meeting), 1);
  }

  function deleteCredential(id: string): boolean {
    forget(({ credential }) => credential === id);
    return credentials.delete(id);
  }

  const noteIn = (log: LogRecord[]) => (about: string, message: string) => {
    log.push({ ...listed(), about, message: message.slice(0, maxMessageLength) });
  };

  return {
    apps,
    credentials,
    meetings,
    appLogs,
    credentialLogs,
    addApp(app, id = randomUUID()) {
      const record = { ...listed(), ...app, id, lastValidationAtMs: undefined };
      apps.set(id, record);
      return record;
    },
    addCredential(credential) {
      const id = randomUUID();
      const fresh = { status: 'healthy', meetingSyncStatus: 'not_started', errors: 0 } as const;
      const record = { ...listed(), ...credential, id, ...fresh };
      credentials.set(id, record);
      return record;
    },
    deleteApp(id) {
      for (const { id: credential, oauthApp } of credentials.values())
        if (oauthApp === id) deleteCredential(credential);
      return apps.delete(id);
    },
    deleteCredential,
    mapMeeting(meetingId, credential) {
      forget((meeting) => meeting.meetingId === meetingId && meeting.credential === credential);
      meetings.push({ ...listed(), meetingId, credential });
    },
    noteAboutApp: noteIn(appLogs),
    noteAboutCredential: noteIn(credentialLogs),
  };
}
