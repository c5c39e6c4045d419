import { describe, expect, test } from 'vitest';
import { judgeMeeting, type VerdictCode, verdictCodes } from '../src/doctor/meeting/judge-meeting.ts';
import type { Grant, MeetingDelivery, MeetingFacts, MeetingKnown } from '../src/doctor/meeting/meeting-facts.ts';
import { meetingIdFrom } from '../src/zoom/meeting-id.ts';
import { defaultApp } from './support/test-relay.ts';

const nowMs = Date.parse('2026-11-18T10:00:00Z');
const minutesAgo = (minutes: number): number => nowMs - minutes * 60_000;

const directory: MeetingKnown = { isDeleted: false, hostId: 'host', createdAtMs: minutesAgo(10) };
const delivered: MeetingDelivery = {
  notificationId: 'n1',
  event: 'meeting.created',
  state: 'delivered',
  receivedAtMs: minutesAgo(10),
  endedAtMs: minutesAgo(9),
  attempts: 1,
  userId: 'host',
};
const dead: MeetingDelivery = { ...delivered, notificationId: 'n2', state: 'dead', attempts: 12 };
const delayed: MeetingDelivery = {
  ...delivered,
  notificationId: 'n3',
  state: 'delayed',
  nextAttemptAtMs: nowMs + 1000,
};
const later: MeetingDelivery = { ...delivered, notificationId: 'n4', event: 'meeting.updated' };
const grant: Grant = { connection: 'c1', credential: 'r1', isUsable: true, sinceMs: minutesAgo(60), isSyncing: false };
const broken: Grant = { ...grant, isUsable: false, detail: 'revoked by the person' };
const known = { kind: 'asked', known: [{ credential: 'r1', syncedAtMs: minutesAgo(9), connection: 'c1' }] } as const;
const asked = { kind: 'asked', known: [] } as const;
const notAsked = { kind: 'not_asked' } as const;
const away = { kind: 'no_answer', detail: 'Recall gave no answer (timeout)' } as const;

function facts(more: Partial<MeetingFacts> & { readonly deliveries?: readonly MeetingDelivery[] }): MeetingFacts {
  const { deliveries = [delivered], ...rest } = more;
  const found = { deliveries, isPartial: false };
  return { app: defaultApp, id: '81000000001', directory, found, recall: asked, grants: [grant], ...rest };
}

/** What is known, the verdict, what its text says, what its remedy says. */
const rules: readonly [string, Parameters<typeof facts>[0], VerdictCode, RegExp, RegExp | undefined][] = [
  [
    'Recall has it',
    { recall: known },
    'known',
    /since 2026-11-18T09:51:00\.000Z, 1 min after the notification came here, with credential r1 of connection c1/,
    undefined,
  ],
  [
    'Recall has it, whatever else is wrong',
    { recall: known, deliveries: [dead], grants: [] },
    'known',
    /credential r1/,
    undefined,
  ],
  [
    'Recall had it before it was heard of here',
    { recall: { kind: 'asked', known: [{ credential: 'r1', syncedAtMs: minutesAgo(30) }] } },
    'known',
    /since 2026-11-18T09:30:00\.000Z, with/,
    undefined,
  ],
  [
    'nothing has told of it',
    { directory: undefined, deliveries: [] },
    'never_heard',
    /no notification.*Recall does not know it/,
    /meeting\.created subscribed.*connections sync/,
  ],
  [
    'nothing has told of it, and Recall cannot say',
    { directory: undefined, deliveries: [], recall: notAsked },
    'never_heard',
    /no notification has told of it$/,
    /./,
  ],
  ['it was deleted', { directory: { ...directory, isDeleted: true } }, 'deleted', /deleted at Zoom/, undefined],
  [
    'neither host nor creator has connected',
    { grants: [] },
    'nobody_connected',
    /not the host, Zoom user host/,
    /connections link --app default --user NAME/,
  ],
  [
    'that comes before a delivery that is dead: sending it again would not help',
    { grants: [], deliveries: [dead] },
    'nobody_connected',
    /./,
    /connections link/,
  ],
  [
    'the host is known by the delivery alone',
    { directory: undefined, grants: [] },
    'nobody_connected',
    /Zoom user host/,
    /./,
  ],
  [
    'what the host gave is revoked',
    { grants: [broken] },
    'connection_broken',
    /connection c1 does not work any more: revoked by the person/,
    /connections link --connection c1/,
  ],
  [
    'a credential that this relay does not know is unhealthy',
    { grants: [{ credential: 'r9', isUsable: false, isSyncing: false }] },
    'connection_broken',
    /credential r9/,
    /connect again as they did/,
  ],
  ['of host and creator one suffices', { grants: [broken, grant] }, 'not_taken', /./, /./],
  [
    'it waits',
    { deliveries: [delayed] },
    'delivery_pending',
    /on its way to Recall for 10 min \(1 attempt, next at 2026-11-18T10:00:01/,
    /consumers.*replay n3 --app default/,
  ],
  ['it waits, and Recall is away', { deliveries: [delayed], recall: away }, 'delivery_pending', /on its way/, /./],
  [
    'it died',
    { deliveries: [dead] },
    'delivery_dead',
    /died on the way to Recall at 2026-11-18T09:51.*12 attempts/,
    /replay n2 --app default/,
  ],
  ['it died, and a copy of it was delivered', { deliveries: [dead, delivered] }, 'not_taken', /./, /./],
  [
    'it was forwarded, and there is no API key',
    { recall: notAsked, grants: undefined },
    'forwarded',
    /has taken its meeting\.created at .*RECALL_API_KEY is not set/,
    /set RECALL_API_KEY/,
  ],
  [
    'it was forwarded, and Recall does not answer',
    { recall: away, grants: undefined },
    'forwarded',
    /timeout/,
    /ask again/,
  ],
  [
    'only later news was forwarded, and there is no API key',
    { recall: notAsked, grants: undefined, deliveries: [later] },
    'cannot_tell',
    /cannot be told/,
    /set RECALL_API_KEY/,
  ],
  [
    'the host connected later',
    { grants: [{ ...grant, sinceMs: minutesAgo(5) }] },
    'created_before_connecting',
    /created at 2026-11-18T09:50.*connected at 2026-11-18T09:55/,
    /connections sync c1/,
  ],
  [
    'the host connected later, and Recall is reading',
    { grants: [{ ...grant, sinceMs: minutesAgo(5), isSyncing: true }] },
    'created_before_connecting',
    /./,
    /ask again in some minutes/,
  ],
  [
    'its creation has not come here',
    { directory: { isDeleted: false }, deliveries: [later] },
    'creation_not_heard',
    /has not come here/,
    /connections sync c1/,
  ],
  [
    'Recall has taken it a moment ago',
    { deliveries: [{ ...delivered, endedAtMs: nowMs - 3000 }] },
    'not_taken',
    /3 s ago and does not know it yet/,
    /ask again in a minute/,
  ],
  [
    'Recall has taken it and does not know it',
    {},
    'not_taken',
    /at 2026-11-18T09:51.*does not know it/,
    /zoom-relay doctor; zoom-relay connections sync c1/,
  ],
  ['whose it is, is not known', { grants: undefined }, 'not_taken', /does not know it/, /connections sync ID/],
];

describe('why Recall does not know a meeting', () => {
  test.each(rules)('%s', (_rule, more, code, text, remedy) => {
    const verdict = judgeMeeting(facts(more), nowMs);
    expect(verdict).toMatchObject({ code, text: expect.stringMatching(text) });
    if (remedy === undefined) expect(verdict).not.toHaveProperty('remedy');
    else expect(verdict.remedy).toMatch(remedy);
  });

  test('every verdict has a rule', () => {
    const judged = new Set(rules.map(([, , code]) => code));
    expect([...judged].toSorted()).toEqual([...verdictCodes].toSorted());
  });
});

test.each<[string, string | undefined]>([
  ['81000000001', '81000000001'],
  ['810 0000 0001', '81000000001'],
  ['810-0000-0001', '81000000001'],
  [' 810\u00a00000\u20130001 ', '81000000001'],
  ['', undefined],
  ['abc', undefined],
  ['81000000001x', undefined],
  ['4444AAAiAAAAAiAiAiiAii==', undefined],
  ['1'.repeat(21), undefined],
])('of %j the meeting id is %j', (text, id) => {
  expect(meetingIdFrom(text)).toBe(id);
});
