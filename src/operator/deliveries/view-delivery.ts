import { createHash } from 'node:crypto';
import type { AttemptRecord } from '../../delivery/attempt.ts';
import { type DeliveryContent, decodeDelivery } from '../../delivery/stored-delivery.ts';
import { handlesOf, type Identifiers, identifiersOf } from '../../zoom/identifiers.ts';
import { maskBody } from '../../zoom/mask-body.ts';
import type { ConsumerName, KeptDelivery } from '../ports.ts';
import type { DeliveryBody, DeliveryDetail, DeliveryRow } from '../schemas.ts';

/** A delivery as a line of a list. */
export function viewRow(name: ConsumerName, kept: KeptDelivery): DeliveryRow {
  return rowOf(name, kept, aboutOf(contentOf(kept)));
}

/** A delivery as a whole, its body apart. */
export function viewDetail(name: ConsumerName, kept: KeptDelivery): Omit<DeliveryDetail, 'replays'> {
  const content = contentOf(kept);
  const about = aboutOf(content);
  const requestId = content?.headers['x-zm-request-id'];
  return {
    ...rowOf(name, kept, about),
    ...(requestId !== undefined && { requestId }),
    ...(about?.meetingUuid !== undefined && { meetingUuid: about.meetingUuid }),
    ...(kept.deathReason !== undefined && { deathReason: kept.deathReason }),
    ...(content !== undefined && {
      bytes: content.body.length,
      sha256: createHash('sha256').update(content.body).digest('hex'),
    }),
    headers: { ...content?.headers },
    ...(content !== undefined && about?.eventTsMs !== undefined && { lagMs: content.receivedAtMs - about.eventTsMs }),
    attemptLog: kept.attempts.map(viewAttempt),
  };
}

/** The body, passcodes and tokens masked; `undefined` when the delivery cannot be read. */
export function viewBody(kept: KeptDelivery): DeliveryBody | undefined {
  const content = contentOf(kept);
  if (content === undefined) return undefined;
  const bytes = Buffer.from(content.body);
  const isText = Buffer.from(bytes.toString('utf8')).equals(bytes);
  return isText ? maskBody(bytes.toString('utf8')) : { base64: bytes.toString('base64'), masked: 0 };
}

/** What a delivery can be found by, besides its own id. */
export function handlesIn(kept: KeptDelivery): readonly string[] {
  const content = contentOf(kept);
  return content === undefined ? [] : handlesOf(identifiersOf(content.body), content.headers);
}

function contentOf({ data }: KeptDelivery): DeliveryContent | undefined {
  const decoded = decodeDelivery(data);
  return decoded.kind === 'content' ? decoded.content : undefined;
}

function aboutOf(content: DeliveryContent | undefined): Identifiers | undefined {
  return content && identifiersOf(content.body);
}

function rowOf({ app, consumer }: ConsumerName, kept: KeptDelivery, about: Identifiers | undefined): DeliveryRow {
  const { meetingId, userId, email, accountId } = about ?? {};
  const last = kept.attempts.at(-1);
  return {
    app,
    consumer,
    notificationId: kept.id,
    event: kept.event,
    state: kept.state,
    receivedAt: iso(kept.addedAtMs),
    ...(kept.endedAtMs !== undefined && { endedAt: iso(kept.endedAtMs) }),
    ...(kept.nextAttemptAtMs !== undefined && { nextAttemptAt: iso(kept.nextAttemptAtMs) }),
    attempts: kept.attempts.length,
    ...(last !== undefined && {
      lastAttempt: {
        outcome: last.outcome,
        ...(last.status !== undefined && { status: last.status }),
        ...(last.error !== undefined && { error: last.error }),
      },
    }),
    about: {
      ...(meetingId !== undefined && { meetingId }),
      ...(userId !== undefined && { userId }),
      ...(email !== undefined && { email }),
      ...(accountId !== undefined && { accountId }),
    },
  };
}

function viewAttempt({ startedAtMs, ...record }: AttemptRecord): DeliveryDetail['attemptLog'][number] {
  return { ...record, startedAt: iso(startedAtMs) };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
