import { type EventLook, lookAtEvent } from './event.ts';

/** Who and what a body is about, as text, for showing and finding it. A look, never a source. */
export interface Identifiers {
  readonly meetingId?: string;
  readonly meetingUuid?: string;
  /** The host's, or the user's the event is about. */
  readonly userId?: string;
  readonly email?: string;
  readonly accountId?: string;
  /** These and all others that stand where identifiers stand. */
  readonly all: readonly string[];
  /** When it happened by the body's own word, epoch milliseconds. */
  readonly eventTsMs?: number;
}

type Members = Readonly<Record<string, unknown>>;

export function identifiersOf(body: Uint8Array): Identifiers {
  return identifiersIn(lookAtEvent(body));
}

/** What a notification can be found by, besides its own id: its identifiers and `x-zm-request-id`. */
export function handlesOf({ all }: Identifiers, headers: Readonly<Record<string, string>>): readonly string[] {
  const requestId = headers['x-zm-request-id'];
  return requestId === undefined ? all : [...all, requestId];
}

export function identifiersIn({ parsed, name }: EventLook): Identifiers {
  const event = membersOf(parsed);
  const payload = membersOf(event.payload);
  const object = membersOf(payload.object);
  const participant = membersOf(object.participant);
  const isUser = name?.startsWith('user.') ?? false;
  const first = (...values: unknown[]): string | undefined => values.map(textOf).find((text) => text !== undefined);
  const meetingId = isUser ? undefined : first(object.id);
  const meetingUuid = first(object.uuid);
  const userId = first(isUser ? object.id : undefined, object.host_id, payload.user_id, payload.operator_id);
  const email = first(object.email, object.host_email, payload.operator, participant.email);
  const accountId = first(payload.account_id, object.account_id);
  const others = [
    payload.operator_id,
    payload.operator,
    participant.id,
    participant.email,
    participant.participant_user_id,
  ];
  const all = [meetingId, meetingUuid, userId, email, accountId, ...others.map(textOf)];
  return {
    ...(meetingId !== undefined && { meetingId }),
    ...(meetingUuid !== undefined && { meetingUuid }),
    ...(userId !== undefined && { userId }),
    ...(email !== undefined && { email }),
    ...(accountId !== undefined && { accountId }),
    ...(typeof event.event_ts === 'number' && { eventTsMs: event.event_ts }),
    all: [...new Set(all.filter((text) => text !== undefined))],
  };
}

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? (value as Members) : {};
}

const maxLength = 200;

/** Zoom writes ids as numbers and as texts; absent, `null` and `""` all mean absent. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  return typeof value === 'string' && value !== '' ? value.slice(0, maxLength) : undefined;
}
