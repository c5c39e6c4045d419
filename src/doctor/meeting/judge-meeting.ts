import { formatAge } from '../../format-age.ts';
import type { Grant, KnownAtRecall, MeetingDelivery, MeetingFacts } from './meeting-facts.ts';

/** Whether Recall knows the meeting, and if not, why: the first of these that holds. */
export const verdictCodes = [
  'known',
  /** No notification has told of it, and Recall does not know it. */
  'never_heard',
  'deleted',
  'nobody_connected',
  /** Who could give access has connected, but it does not work any more. */
  'connection_broken',
  'delivery_pending',
  'delivery_dead',
  /** It was forwarded; Recall could not be asked. */
  'forwarded',
  /** Nothing was forwarded that would have told Recall, and Recall could not be asked. */
  'cannot_tell',
  'created_before_connecting',
  /** `meeting.created` has not come, only later news. */
  'creation_not_heard',
  /** All is as it should be, and Recall does not know it, yet or at all. */
  'not_taken',
] as const;
export type VerdictCode = (typeof verdictCodes)[number];

export interface Verdict {
  readonly code: VerdictCode;
  readonly text: string;
  /** What to do about it. */
  readonly remedy?: string;
}

/** What tells Recall whose a meeting is. */
const creationEvent = 'meeting.created';
/** Recall takes it up after it has answered. */
const settlingMs = 60_000;

export function judgeMeeting(facts: MeetingFacts, nowMs: number): Verdict {
  const { directory, found, recall, grants } = facts;
  const { deliveries } = found;
  if (recall.kind === 'asked' && recall.known.length > 0) return judgeKnown(recall.known, deliveries);
  if (directory === undefined && deliveries.length === 0) return judgeUnheard(facts);
  if (directory?.isDeleted === true)
    return { code: 'deleted', text: 'it was deleted at Zoom: Recall need not know it' };
  const usable = grants?.find(({ isUsable }) => isUsable);
  if (grants !== undefined && usable === undefined) return judgeAccess(facts, grants);
  const creations = deliveries.filter(({ event }) => event === creationEvent);
  const delivered = creations.find(({ state }) => state === 'delivered');
  const [newest] = creations;
  if (delivered === undefined && newest !== undefined) return judgeOnItsWay(facts, newest, nowMs);
  if (recall.kind !== 'asked') return judgeUnasked(recall, delivered);
  return judgeNotTaken(facts, delivered, usable, nowMs);
}

function judgeKnown([first]: readonly KnownAtRecall[], deliveries: readonly MeetingDelivery[]): Verdict {
  const { syncedAtMs, credential, connection } = first ?? { credential: 'unknown' };
  const receivedAtMs = deliveries.findLast(({ event }) => event === creationEvent)?.receivedAtMs;
  const since = syncedAtMs === undefined ? '' : ` since ${iso(syncedAtMs)}`;
  const delay =
    syncedAtMs === undefined || receivedAtMs === undefined || syncedAtMs < receivedAtMs
      ? ''
      : `, ${formatAge(syncedAtMs - receivedAtMs)} after the notification came here`;
  const of = connection === undefined ? '' : ` of connection ${connection}`;
  return { code: 'known', text: `Recall knows it${since}${delay}, with credential ${credential}${of}` };
}

function judgeUnheard({ found, recall }: MeetingFacts): Verdict {
  const looked = found.isPartial ? ' among the newest that are kept' : '';
  const there = recall.kind === 'asked' ? ', and Recall does not know it' : '';
  const remedy =
    "is meeting.created subscribed in Zoom, and the host's account one of the app's? zoom-relay connections sync ID has Recall read the meetings of a connection anew. A Personal Meeting ID comes with the user, not with meeting.created";
  return { code: 'never_heard', text: `no notification has told of it${looked}${there}`, remedy };
}

function judgeAccess({ app, directory, found }: MeetingFacts, grants: readonly Grant[]): Verdict {
  const [broken] = grants;
  if (broken === undefined) {
    const host = directory?.hostId ?? directory?.operatorId ?? found.deliveries.find(({ userId }) => userId)?.userId;
    const text = `nobody who could give access has connected${host === undefined ? '' : `: not the host, Zoom user ${host}`}`;
    const remedy = `send them a link: zoom-relay connections link --app ${app} --user NAME`;
    return { code: 'nobody_connected', text, remedy };
  }
  const { connection, credential, detail } = broken;
  const what = connection === undefined ? `credential ${credential ?? 'unknown'}` : `connection ${connection}`;
  const remedy =
    connection === undefined
      ? 'have the person connect again as they did'
      : `send them a new link: zoom-relay connections link --connection ${connection}`;
  return { code: 'connection_broken', text: `${what} does not work any more${detail ? `: ${detail}` : ''}`, remedy };
}

function judgeOnItsWay({ app }: MeetingFacts, delivery: MeetingDelivery, nowMs: number): Verdict {
  const { state, notificationId, attempts, endedAtMs, nextAttemptAtMs } = delivery;
  const tries = attempts === 1 ? '1 attempt' : `${attempts} attempts`;
  if (state === 'dead') {
    const text = `its meeting.created died on the way to Recall${endedAtMs === undefined ? '' : ` at ${iso(endedAtMs)}`}, after ${tries}`;
    const remedy = `zoom-relay deliveries show ${notificationId}, then zoom-relay replay ${notificationId} --app ${app}`;
    return { code: 'delivery_dead', text, remedy };
  }
  const next = nextAttemptAtMs === undefined ? '' : `, next at ${iso(nextAttemptAtMs)}`;
  const text = `its meeting.created is on its way to Recall for ${formatAge(nowMs - delivery.receivedAtMs)} (${tries}${next})`;
  const remedy = `zoom-relay consumers says why it waits; zoom-relay replay ${notificationId} --app ${app} brings it forward`;
  return { code: 'delivery_pending', text, remedy };
}

function judgeUnasked(
  recall: Exclude<MeetingFacts['recall'], { kind: 'asked' }>,
  delivered: MeetingDelivery | undefined,
): Verdict {
  const why = recall.kind === 'not_asked' ? 'RECALL_API_KEY is not set' : recall.detail;
  const remedy = recall.kind === 'not_asked' ? 'set RECALL_API_KEY to have Recall asked' : 'ask again';
  if (delivered === undefined) {
    const text = `its meeting.created is not among the deliveries that are kept; whether Recall knows it cannot be told: ${why}`;
    return { code: 'cannot_tell', text, remedy };
  }
  const at = delivered.endedAtMs === undefined ? '' : ` at ${iso(delivered.endedAtMs)}`;
  const text = `Recall has taken its meeting.created${at}; whether it knows the meeting cannot be told: ${why}`;
  return { code: 'forwarded', text, remedy };
}

function judgeNotTaken(
  { directory }: MeetingFacts,
  delivered: MeetingDelivery | undefined,
  usable: Grant | undefined,
  nowMs: number,
): Verdict {
  const remedy = syncRemedy(usable);
  const createdAtMs = directory?.createdAtMs ?? delivered?.receivedAtMs;
  const sinceMs = usable?.sinceMs;
  if (createdAtMs !== undefined && sinceMs !== undefined && createdAtMs < sinceMs) {
    const text = `it was created at ${iso(createdAtMs)}, before its host or creator connected at ${iso(sinceMs)}`;
    return { code: 'created_before_connecting', text, remedy };
  }
  if (delivered === undefined) {
    const text = 'its meeting.created has not come here or is not kept any more, and Recall does not know it';
    return { code: 'creation_not_heard', text, remedy };
  }
  const atMs = delivered.endedAtMs ?? delivered.receivedAtMs;
  if (nowMs - atMs < settlingMs) {
    const text = `Recall has taken its meeting.created ${formatAge(Math.max(0, nowMs - atMs))} ago and does not know it yet`;
    return { code: 'not_taken', text, remedy: 'ask again in a minute' };
  }
  const text = `Recall has taken its meeting.created at ${iso(atMs)} and does not know it`;
  return { code: 'not_taken', text, remedy: `zoom-relay doctor; ${remedy}` };
}

function syncRemedy(usable: Grant | undefined): string {
  if (usable?.isSyncing === true) return "Recall is reading the person's meetings: ask again in some minutes";
  return `zoom-relay connections sync ${usable?.connection ?? 'ID'} has Recall read the person's meetings anew`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
