import { z } from '@hono/zod-openapi';
import { parseEventPattern } from '../delivery/event-pattern.ts';
import { consumerKeyRule, keyRule, parseAppKey, parseConsumerKey } from '../delivery/names.ts';
import { deliveryStates } from './ports.ts';

/** What the operator API takes and gives. Input is checked by these, `/openapi.json` is made of them. */

const time = z.iso.datetime().describe('UTC');
const count = z.int().min(0);

export const appKey = z.string().refine((text) => parseAppKey(text) !== undefined, `must be ${keyRule}`);
export const consumerKey = z
  .string()
  .refine((text) => parseConsumerKey(text) !== undefined, `must be ${consumerKeyRule}`);
export const notificationId = z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 hex digits');
export const deliveryState = z.enum(deliveryStates, `must be one of ${deliveryStates.join(', ')}`);

export const errorBody = z
  .object({ error: z.object({ code: z.string(), message: z.string() }) })
  .openapi('Error', { description: 'codes are a closed list' });

const instant = z.union(
  [z.iso.datetime({ offset: true }), z.string().regex(/^\d{1,6}[smhd]$/)],
  'must be a time as 2026-01-31T08:00:00Z, or how long ago: 90s, 30m, 24h, 7d',
);

const textRule = 'must be 1 to 200 characters';
const limitRule = 'must be a whole number from 1 to 200';
export const pageLimit = z.coerce.number(limitRule).int(limitRule).min(1, limitRule).max(200, limitRule).default(50);

/** Which deliveries. All conditions must hold; without any, all of them. */
export const deliveryFilter = z
  .object({
    app: appKey.optional(),
    consumer: consumerKey.optional(),
    state: deliveryState.optional(),
    event: z
      .string()
      .refine((text) => parseEventPattern(text) !== undefined, 'must be an event name, a prefix as meeting.*, or *')
      .optional(),
    since: instant.optional().describe('received at or after: a time, or how long ago'),
    until: instant.optional().describe('received before: a time, or how long ago'),
    q: z
      .string()
      .trim()
      .min(1, textRule)
      .max(200, textRule)
      .optional()
      .describe('meeting id or uuid, user id, e-mail, account id, notificationId or x-zm-request-id'),
  })
  .openapi('DeliveryFilter');
export type DeliveryFilter = z.infer<typeof deliveryFilter>;

/** Longer than any there is. */
export const cursorRule = 'is no cursor of this list: begin without it';

export const deliveryListQuery = deliveryFilter.extend({
  cursor: z.string().max(2000, cursorRule).optional().describe('from the page before'),
  limit: pageLimit,
});

const attempt = z
  .object({
    attempt: z.int().min(1),
    startedAt: time,
    durationMs: z.number(),
    outcome: z.string(),
    status: z.int().optional(),
    error: z.string().optional(),
    response: z.string().optional().describe('the first KiB of the answer, or the message of what a handler threw'),
    resigned: z.object({ timestamp: z.string(), signature: z.string() }).optional(),
    worker: z.string(),
  })
  .openapi('Attempt');

export const deliveryRow = z
  .object({
    app: z.string(),
    consumer: z.string(),
    notificationId: z.string(),
    event: z.string().describe('"unknown" when the body names none'),
    state: deliveryState,
    receivedAt: time,
    endedAt: time.optional().describe('when it was delivered or died'),
    nextAttemptAt: time.optional(),
    attempts: count,
    lastAttempt: attempt.pick({ outcome: true, status: true, error: true }).optional(),
    about: z
      .object({
        meetingId: z.string().optional(),
        userId: z.string().optional(),
        email: z.string().optional(),
        accountId: z.string().optional(),
      })
      .describe('what the body says it is about'),
  })
  .openapi('DeliveryRow');
export type DeliveryRow = z.infer<typeof deliveryRow>;

export const deliveryList = z
  .object({
    deliveries: z.array(deliveryRow),
    cursor: z.string().optional().describe('for the next page; absent at the end'),
    lookedAt: count,
    isPartial: z.boolean().describe('enough was looked at before the page was full: go on with the cursor'),
  })
  .openapi('DeliveryList');
export type DeliveryList = z.infer<typeof deliveryList>;

export const deliveryDetail = deliveryRow
  .extend({
    requestId: z.string().optional().describe('x-zm-request-id'),
    meetingUuid: z.string().optional(),
    deathReason: z.string().optional(),
    bytes: count.optional().describe('of the body; absent when the delivery cannot be read'),
    sha256: z.string().optional().describe('of the body'),
    headers: z.record(z.string(), z.string()).describe('as kept'),
    lagMs: z.number().optional().describe('from event_ts to receipt'),
    attemptLog: z.array(attempt),
    replays: z.array(
      z.object({
        replayId: z.string(),
        at: time,
        resign: z.boolean(),
        by: z.string().optional(),
        reason: z.string().optional(),
      }),
    ),
  })
  .openapi('Delivery');
export type DeliveryDetail = z.infer<typeof deliveryDetail>;

export const deliveryBody = z
  .object({
    text: z.string().optional().describe('passcodes and download tokens masked'),
    base64: z.string().optional().describe('of a body that is not UTF-8'),
    masked: count.describe('values that were masked'),
  })
  .openapi('DeliveryBody');
export type DeliveryBody = z.infer<typeof deliveryBody>;

export const reason = z
  .string()
  .trim()
  .max(500, 'must be at most 500 characters')
  .optional()
  .describe('why; kept in the audit log');

export const replayOneInput = z.object({
  reason,
  resign: z.boolean().default(false),
  force: z.boolean().default(false),
});
export const replayOneResult = z
  .object({ result: z.enum(['replayed', 'brought_forward', 'on_its_way', 'delivered_already', 'gone']) })
  .openapi('ReplayOneResult');

export const rateRule = 'must be a number from 0.1 to 1000';

export const replayInput = z
  .object({
    filter: deliveryFilter.extend({ app: appKey, consumer: consumerKey }).describe('one app and one consumer'),
    reason,
    rate: z.number(rateRule).min(0.1, rateRule).max(1000, rateRule).default(20).describe('deliveries a second'),
    resign: z.boolean().default(false),
    force: z.boolean().default(false).describe('also those that were delivered'),
    dryRun: z.boolean().default(false).describe('only the plan'),
  })
  .openapi('ReplayInput');
export type ReplayInput = z.infer<typeof replayInput>;

export const replayPlan = z
  .object({
    total: count,
    oldestReceivedAt: time.optional(),
    newestReceivedAt: time.optional(),
    alreadyDelivered: count.describe('left out unless force'),
    onTheirWay: count.describe('waiting, delayed or active; delayed ones are brought forward'),
    wouldBeResigned: count,
    isTruncated: z.boolean().describe('more match than one replay takes'),
  })
  .openapi('ReplayPlan');
export type ReplayPlan = z.infer<typeof replayPlan>;

export const replayStates = ['running', 'paused', 'cancelled', 'done'] as const;
export const replay = z
  .object({
    id: z.string(),
    state: z.enum(replayStates),
    filter: replayInput.shape.filter,
    by: z.string(),
    reason: z.string().optional(),
    rate: z.number(),
    resign: z.boolean(),
    force: z.boolean(),
    createdAt: time,
    endedAt: time.optional(),
    plan: replayPlan,
    progress: z.object({
      fed: count.describe('handed to the queue so far'),
      skipped: count.describe('gone, on their way already, or delivered'),
      delivered: count,
      dead: count.describe('that died again'),
      pending: count.describe('handed over, neither delivered nor dead yet'),
    }),
    waitingFor: z.string().optional().describe('why it feeds nothing at the moment'),
  })
  .openapi('Replay');
export type Replay = z.infer<typeof replay>;

export const auditEntry = z
  .object({
    id: z.string(),
    at: time,
    who: z.string().describe('name of the token'),
    action: z.string(),
    target: z.string(),
    reason: z.string().optional(),
    detail: z.record(z.string(), z.unknown()).optional(),
  })
  .openapi('AuditEntry');
export type AuditEntry = z.infer<typeof auditEntry>;

export const consumerView = z
  .object({
    app: z.string(),
    consumer: z.string(),
    isPaused: z.boolean(),
    circuit: z.object({
      kind: z.enum(['closed', 'throttled', 'open', 'half_open']),
      untilMs: z.number().optional(),
      sinceMs: z.number().optional(),
      openings: z.number().optional(),
    }),
    waiting: count,
    delayed: count,
    active: count,
    dead: count.describe('kept and replayable'),
    oldestPendingMs: z.number().optional(),
    deliveredLastMinute: count,
  })
  .openapi('Consumer');

export const appView = z
  .object({
    app: z.string(),
    endpoint: z.string().describe('path of the event notification endpoint'),
    recallHost: z.string(),
    consumers: z.array(z.string()),
    secrets: count.describe('Secret Tokens in use'),
    lastChallengeAt: time.optional(),
    events: z.array(z.object({ event: z.string(), lastAt: time })).describe('newest first'),
  })
  .openapi('App');
export type AppView = z.infer<typeof appView>;

export const storeView = z
  .object({
    engine: z.string(),
    ready: z.boolean(),
    reason: z.string().optional(),
    findings: z.array(z.object({ level: z.string(), code: z.string(), message: z.string() })),
  })
  .openapi('Store');

const intakeCounts = z.object({
  received: count,
  accepted: count,
  duplicate: count,
  challenge: count,
  rejected: z.record(z.string(), count).describe('by reason'),
  turnedAway: count.describe('answered with 503'),
});
const minute = z.object({ atMs: z.number(), accepted: count, delivered: count, dead: count });

export const ledgerView = z
  .object({
    addsUp: z.boolean(),
    apps: z.array(
      z.object({
        app: z.string(),
        total: intakeCounts,
        lastDay: intakeCounts,
        minutes: z.array(intakeCounts.extend({ atMs: z.number() })),
        consumers: z.array(
          z.object({
            consumer: z.string(),
            accepted: count,
            delivered: count,
            pending: count,
            dead: count,
            offBy: z.int().describe('accepted less the others; 0 when it adds up'),
            circuit: consumerView.shape.circuit,
            minutes: z.array(minute),
          }),
        ),
      }),
    ),
  })
  .openapi('Ledger');

const heard = z.object({ at: time, event: z.string(), notificationId: z.string() });

export const meetingView = z
  .object({
    app: z.string(),
    id: z.string(),
    isDeleted: z.boolean().optional(),
    uuid: z.string().optional(),
    hostId: z.string().optional(),
    operatorId: z.string().optional(),
    operatorEmail: z.string().optional(),
    accountId: z.string().optional(),
    topic: z.string().optional(),
    startTime: z.string().optional(),
    joinUrl: z.string().optional().describe('without its passcode'),
    firstHeard: heard.optional(),
    lastHeard: heard.optional(),
  })
  .openapi('Meeting');

export const diagnosisView = z
  .object({
    version: z.string(),
    node: z.string(),
    nowMs: z.number(),
    roles: z.array(z.string()),
    listeners: z.object({ public: z.string().optional(), private: z.string() }),
    disk: z
      .object({ freeBytes: count, totalBytes: count })
      .optional()
      .describe("where the embedded store's folder lies"),
    zoomClock: z
      .object({ looked: count, minMs: z.number(), maxMs: z.number() })
      .optional()
      .describe("how far Zoom's timestamps were behind our clock"),
  })
  .openapi('Diagnosis');
