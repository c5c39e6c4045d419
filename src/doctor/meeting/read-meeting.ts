import type { RecallCredential } from '../../recall/api/recall-api.ts';
import { meetingIdFrom } from '../../zoom/meeting-id.ts';
import type { DoctorApp, KnownConnection, RecallReader } from '../ports.ts';
import { judgeMeeting, type Verdict } from './judge-meeting.ts';
import type { AtRecall, FoundDeliveries, Grant, KnownAtRecall, MeetingFacts, MeetingKnown } from './meeting-facts.ts';

export interface MeetingParts {
  readonly apps: readonly DoctorApp[];
  /** @param id digits. `undefined` when the app's directory has not heard of it, or there is none */
  readonly directory: (app: DoctorApp['key'], id: string) => Promise<MeetingKnown | undefined>;
  /** To Recall, about the meeting. */
  readonly deliveries: (app: DoctorApp['key'], id: string) => Promise<FoundDeliveries>;
  /** All of an app. */
  readonly connections: (app: DoctorApp['key']) => Promise<readonly KnownConnection[]>;
  readonly nowMs: () => number;
}

/** What is known of a meeting for one app, and what follows from it. */
export interface MeetingDiagnosis extends MeetingFacts {
  readonly verdict: Verdict;
  /** Anything at all tells of it. */
  readonly isHeardOf: boolean;
}

/** A credential of another app of the workspace may have it too; of so many it is asked whose they are. */
const maxCredentials = 20;

/**
 * For each app: what was heard of a meeting, what was forwarded, whether Recall has it, and if not why.
 *
 * @param id as people write it; `undefined` is answered when it can be no meeting's
 * @throws RelayError `store_unavailable`
 */
export async function diagnoseMeeting(
  id: string,
  parts: MeetingParts,
): Promise<readonly MeetingDiagnosis[] | undefined> {
  const meetingId = meetingIdFrom(id);
  if (meetingId === undefined) return undefined;
  return Promise.all(parts.apps.map((app) => diagnoseFor(app, meetingId, parts)));
}

async function diagnoseFor(app: DoctorApp, id: string, parts: MeetingParts): Promise<MeetingDiagnosis> {
  const [directory, found, connections] = await Promise.all([
    parts.directory(app.key, id),
    parts.deliveries(app.key, id),
    app.client === undefined ? [] : parts.connections(app.key),
  ]);
  const recall =
    app.recall === undefined ? ({ kind: 'not_asked' } as const) : await askRecall(app.recall, app, id, connections);
  const isKnown = recall.kind === 'asked' && recall.known.length > 0;
  const isHeardOf = isKnown || directory !== undefined || found.deliveries.length > 0;
  const grants = isKnown ? undefined : await grantsOf(app, directory, found, connections);
  const facts: MeetingFacts = { app: app.key, id, directory, found, recall, grants };
  return { ...facts, isHeardOf, verdict: judgeMeeting(facts, parts.nowMs()) };
}

/** Recall lists the meetings of all apps of the workspace: those of this app's credentials count. */
async function askRecall(
  recall: RecallReader,
  { oauthApp }: DoctorApp,
  meetingId: string,
  connections: readonly KnownConnection[],
): Promise<AtRecall> {
  const listed = await recall.listMeetings({ meetingId });
  if (listed.kind !== 'ok') return { kind: 'no_answer', detail: listed.detail };
  const mine = listed.value.filter((entry) => entry.meetingId === meetingId).slice(0, maxCredentials);
  const known = await Promise.all(
    mine.map(async ({ credential, syncedAtMs }): Promise<readonly KnownAtRecall[]> => {
      const own = connections.find(({ credentialId }) => credentialId === credential);
      if (own === undefined) {
        const read = await recall.readCredential(credential);
        if (read.kind === 'ok' && read.value.oauthApp !== oauthApp) return [];
      }
      return [
        {
          credential,
          ...(syncedAtMs !== undefined && { syncedAtMs }),
          ...(own !== undefined && { connection: own.id }),
        },
      ];
    }),
  );
  return { kind: 'asked', known: known.flat() };
}

/** Of those who could give access: the host and the creator, or their account. `undefined` when nothing tells. */
async function grantsOf(
  { recall, client, oauthApp }: DoctorApp,
  directory: MeetingKnown | undefined,
  found: FoundDeliveries,
  connections: readonly KnownConnection[],
): Promise<readonly Grant[] | undefined> {
  const people = idsOf([directory?.hostId, directory?.operatorId, ...found.deliveries.map(({ userId }) => userId)]);
  const accounts = idsOf([directory?.accountId, ...found.deliveries.map(({ accountId }) => accountId)]);
  if (people.length === 0 && accounts.length === 0) return undefined;
  const own = connections.filter(({ zoomUserId = '', zoomAccountId = '' }) => {
    return client?.kind === 'account_level' ? accounts.includes(zoomAccountId) : people.includes(zoomUserId);
  });
  const listed = await recall?.listCredentials({ oauthApp });
  if (listed?.kind !== 'ok') return own.length === 0 ? undefined : own.map((each) => grantOf(each, undefined));
  const theirs = listed.value.filter(({ userId, accountId }) => {
    return userId === undefined ? accountId !== undefined && accounts.includes(accountId) : people.includes(userId);
  });
  const foreign = theirs.filter(({ id }) => !own.some(({ credentialId }) => credentialId === id));
  return [
    ...own.map((each) =>
      grantOf(
        each,
        theirs.find(({ id }) => id === each.credentialId),
      ),
    ),
    ...foreign.map((credential) => grantOf(undefined, credential)),
  ];
}

/** @param credential as Recall has it now, which comes before what the connection was last told of it */
function grantOf(connection: KnownConnection | undefined, credential: RecallCredential | undefined): Grant {
  const isUnhealthy = credential?.status === 'unhealthy';
  const isMended = connection?.state === 'unhealthy_at_recall' && credential?.status === 'healthy';
  const isBroken = connection !== undefined && connection.state !== 'healthy' && !isMended;
  const detail = isBroken ? (connection.detail ?? connection.state) : isUnhealthy ? 'unhealthy at Recall' : undefined;
  const credentialId = credential?.id ?? connection?.credentialId;
  const sinceMs = connection?.connectedAtMs ?? credential?.createdAtMs;
  return {
    ...(connection !== undefined && { connection: connection.id }),
    ...(credentialId !== undefined && { credential: credentialId }),
    isUsable: !isBroken && !isUnhealthy,
    ...(detail !== undefined && { detail }),
    ...(sinceMs !== undefined && { sinceMs }),
    isSyncing: credential?.meetingSyncStatus === 'in_progress' || credential?.meetingSyncStatus === 'not_started',
  };
}

function idsOf(values: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(values.filter((value) => value !== undefined))];
}
