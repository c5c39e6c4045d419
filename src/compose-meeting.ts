import { type AppKey, recallConsumer } from './delivery/names.ts';
import type { MeetingEntry } from './directory/meeting-entry.ts';
import { viewMeeting } from './directory/meeting-view.ts';
import type { FoundDeliveries, MeetingDelivery, MeetingKnown } from './doctor/meeting/meeting-facts.ts';
import { diagnoseMeeting, type MeetingParts } from './doctor/meeting/read-meeting.ts';
import { viewDiagnosis } from './doctor/meeting/view-diagnosis.ts';
import { RelayError } from './errors.ts';
import { findMeetingDeliveries } from './operator/deliveries/find-meeting-deliveries.ts';
import type { MeetingReport } from './operator/doctor-schemas.ts';
import type { OperatorSource } from './operator/ports.ts';
import type { DeliveryRow } from './operator/schemas.ts';

export interface MeetingReportParts extends Pick<MeetingParts, 'apps' | 'connections' | 'nowMs'> {
  readonly source: Pick<OperatorSource, 'search' | 'delivery'>;
  /** `undefined` when the app's directory has not heard of it, or none is kept. */
  readonly directory: (app: AppKey, id: string) => Promise<MeetingEntry | undefined>;
}

/**
 * What is known of a meeting, of the apps for which anything is.
 *
 * @param id as people write it
 * @throws RelayError `meeting_unknown`, `store_unavailable`
 */
export async function readMeetingReport(
  id: string,
  { source, directory, ...parts }: MeetingReportParts,
): Promise<MeetingReport> {
  const diagnosed = await diagnoseMeeting(id, {
    ...parts,
    directory: async (app, meeting) => knownOf(await directory(app, meeting)),
    deliveries: (app, meeting) => readDeliveries(source, app, meeting),
  });
  if (diagnosed === undefined) throw new RelayError('meeting_unknown', 'a meeting id has digits only, 9 to 11 of them');
  const heard = diagnosed.filter(({ isHeardOf }) => isHeardOf);
  if (heard.length === 0) {
    const [verdict] = diagnosed.map((each) => each.verdict);
    const message = [verdict?.text, verdict?.remedy].filter((part) => part !== undefined).join('; ');
    throw new RelayError('meeting_unknown', message);
  }
  const entries = await Promise.all(heard.map(async (each) => [each.app, await directory(each.app, each.id)] as const));
  return {
    meetings: entries.flatMap(([app, entry]) => (entry === undefined ? [] : [{ app, ...viewMeeting(entry) }])),
    apps: heard.map(viewDiagnosis),
  };
}

function knownOf(entry: MeetingEntry | undefined): MeetingKnown | undefined {
  if (entry === undefined) return undefined;
  const creation = [entry.firstHeard, entry.lastHeard].find(({ event }) => event === 'meeting.created');
  return {
    isDeleted: entry.deleted?.value ?? false,
    hostId: entry.hostId?.value,
    operatorId: entry.operator?.value.id,
    accountId: entry.accountId?.value,
    createdAtMs: creation?.atMs,
  };
}

async function readDeliveries(
  source: MeetingReportParts['source'],
  app: AppKey,
  meeting: string,
): Promise<FoundDeliveries> {
  const { rows, isPartial } = await findMeetingDeliveries(source, { app, consumer: recallConsumer }, meeting);
  return { deliveries: rows.map(deliveryOf), isPartial };
}

function deliveryOf({ notificationId, event, state, attempts, about, ...times }: DeliveryRow): MeetingDelivery {
  const { receivedAt, endedAt, nextAttemptAt } = times;
  return {
    notificationId,
    event,
    state,
    attempts,
    receivedAtMs: Date.parse(receivedAt),
    ...(endedAt !== undefined && { endedAtMs: Date.parse(endedAt) }),
    ...(nextAttemptAt !== undefined && { nextAttemptAtMs: Date.parse(nextAttemptAt) }),
    ...(about.userId !== undefined && { userId: about.userId }),
    ...(about.accountId !== undefined && { accountId: about.accountId }),
  };
}
