import type { AtRecall, MeetingDelivery } from './meeting-facts.ts';
import type { MeetingDiagnosis } from './read-meeting.ts';

/** For people and programs to read. Times as ISO 8601. */
export function viewDiagnosis({ app, found, recall, verdict }: MeetingDiagnosis) {
  return {
    app,
    deliveries: found.deliveries.map(viewDelivery),
    isPartial: found.isPartial,
    recall: viewRecall(recall, found.deliveries),
    verdict,
  };
}

function viewDelivery({ notificationId, event, state, attempts, ...times }: MeetingDelivery) {
  const { receivedAtMs, endedAtMs, nextAttemptAtMs } = times;
  return {
    notificationId,
    event,
    state,
    attempts,
    receivedAt: iso(receivedAtMs),
    ...(endedAtMs !== undefined && { endedAt: iso(endedAtMs) }),
    ...(nextAttemptAtMs !== undefined && { nextAttemptAt: iso(nextAttemptAtMs) }),
  };
}

function viewRecall(recall: AtRecall, deliveries: readonly MeetingDelivery[]) {
  if (recall.kind === 'not_asked') return { state: recall.kind, credentials: [] };
  if (recall.kind === 'no_answer') return { state: recall.kind, detail: recall.detail, credentials: [] };
  const receivedAtMs = deliveries.findLast(({ event }) => event === 'meeting.created')?.receivedAtMs;
  return {
    state: recall.known.length === 0 ? ('unknown' as const) : ('known' as const),
    credentials: recall.known.map(({ credential, connection, syncedAtMs }) => ({
      credential,
      ...(connection !== undefined && { connection }),
      ...(syncedAtMs !== undefined && { syncedAt: iso(syncedAtMs) }),
      ...(syncedAtMs !== undefined &&
        receivedAtMs !== undefined &&
        syncedAtMs >= receivedAtMs && { delayMs: syncedAtMs - receivedAtMs }),
    })),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
