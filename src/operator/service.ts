import { type AppKey, type ConsumerKey, queueNameOf } from '../delivery/names.ts';
import { RelayError } from '../errors.ts';
import type { AuditLog, AuditPage } from './audit-log.ts';
import { type ConsumerView, readConsumers } from './consumers.ts';
import { findDeliveries } from './deliveries/find-deliveries.ts';
import { resolveFilter } from './deliveries/resolve-filter.ts';
import { viewBody, viewDetail, viewRow } from './deliveries/view-delivery.ts';
import type { Diagnosis } from './diagnosis.ts';
import type { ChainView, MeetingReport } from './doctor-schemas.ts';
import { type Ledger, readLedger } from './ledger.ts';
import type { ConsumerName, KeptDelivery, OperatorSource, ReplayResult } from './ports.ts';
import { type ReplayAction, type Replays, replayUnknown } from './replays/replays.ts';
import type {
  AppView,
  DeliveryBody,
  DeliveryDetail,
  DeliveryFilter,
  DeliveryList,
  Replay,
  ReplayInput,
  ReplayPlan,
} from './schemas.ts';
import { unknownConsumer } from './unknown-name.ts';

/** How the store is, and how well it keeps things. */
export interface StoreReport {
  readonly engine: string;
  readonly ready: boolean;
  readonly reason?: string;
  readonly findings: readonly { readonly level: string; readonly code: string; readonly message: string }[];
}

/** One delivery: of which consumer, and the `notificationId`. */
export interface DeliveryName extends ConsumerName {
  readonly id: string;
}

/** What an operator may ask and do, whether by the API or by the dashboard. What acts is audited first. */
export interface OperatorService {
  /** Of the app and consumer named, as far as they are configured. @throws RelayError `consumer_unknown` */
  nameOf(app: string, consumer: string): ConsumerName;
  readonly consumerNames: readonly ConsumerName[];
  readApps(): Promise<readonly AppView[]>;
  readStore(): StoreReport;
  readDiagnosis(): Promise<Diagnosis>;
  readLedger(): Promise<Ledger>;
  readConsumers(): Promise<readonly ConsumerView[]>;
  /** Every link from Zoom to Recall, looked at now or some seconds ago. */
  readChain(): Promise<ChainView>;
  /** @throws RelayError `meeting_unknown` */
  readMeeting(id: string): Promise<MeetingReport>;
  listDeliveries(filter: DeliveryFilter, page: { cursor?: string | undefined; limit: number }): Promise<DeliveryList>;
  /** @throws RelayError `delivery_unknown` */
  readDelivery(name: DeliveryName): Promise<DeliveryDetail>;
  /** @throws RelayError `delivery_unknown` */
  readBody(name: DeliveryName, who: string): Promise<DeliveryBody>;
  pause(name: ConsumerName, who: string, reason?: string): Promise<void>;
  resume(name: ConsumerName, who: string, reason?: string): Promise<void>;
  /** @throws RelayError `delivery_unknown` */
  replayOne(name: DeliveryName, wish: ReplayOneWish, who: string): Promise<ReplayResult>;
  planReplay(input: ReplayInput): Promise<ReplayPlan>;
  startReplay(input: ReplayInput, who: string): Promise<Replay>;
  /** @throws RelayError `replay_unknown` */
  readReplay(id: string): Promise<Replay>;
  listReplays(page: { before?: string | undefined; limit: number }): Promise<readonly Replay[]>;
  steerReplay(id: string, action: ReplayAction, who: string): Promise<Replay>;
  listAudit(page: { before?: string | undefined; limit: number; target?: string | undefined }): Promise<AuditPage>;
}

export interface ReplayOneWish {
  readonly resign: boolean;
  readonly force: boolean;
  readonly reason?: string | undefined;
}

export interface OperatorServiceParts {
  readonly source: OperatorSource;
  readonly consumers: readonly ConsumerName[];
  readonly replays: Replays;
  readonly audit: AuditLog;
  readonly readApps: () => Promise<readonly AppView[]>;
  readonly readStore: () => StoreReport;
  readonly readDiagnosis: () => Promise<Diagnosis>;
  readonly readChain: OperatorService['readChain'];
  readonly readMeeting: OperatorService['readMeeting'];
  readonly pause: (name: ConsumerName) => Promise<void>;
  readonly resume: (name: ConsumerName) => Promise<void>;
  /** One delivery was handed to the queue again, or not. */
  readonly observeReplay: (name: ConsumerName, result: ReplayResult) => void;
  readonly nowMs: () => number;
  /** Some random characters of `a-z 0-9`. */
  readonly newId: () => string;
}

export function createOperatorService(parts: OperatorServiceParts): OperatorService {
  const { source, consumers, replays, audit, nowMs } = parts;

  function nameOf(app: string, consumer: string): ConsumerName {
    const known = consumers.find((name) => name.app === app && name.consumer === consumer);
    if (known !== undefined) return known;
    throw unknownConsumer(consumers, app, consumer);
  }

  async function keptOf({ app, consumer, id }: DeliveryName): Promise<KeptDelivery> {
    const kept = await source.delivery(queueNameOf(app, consumer), id);
    if (kept !== undefined) return kept;
    throw new RelayError('delivery_unknown', `${consumer} of app ${app} has no delivery ${id}, or not any more`);
  }

  async function replaysOf(kept: KeptDelivery): Promise<DeliveryDetail['replays']> {
    return Promise.all(
      kept.replays.map(async ({ replayId, atMs, resign }) => {
        const bulk = await replays.read(replayId);
        const own = bulk === undefined ? await singleReplay(replayId) : bulk;
        const told = { ...(own?.by && { by: own.by }), ...(own?.reason && { reason: own.reason }) };
        return { replayId, at: new Date(atMs).toISOString(), resign, ...told };
      }),
    );
  }

  /** The replay of one delivery is in the audit log only. */
  async function singleReplay(replayId: string): Promise<{ by: string; reason?: string | undefined } | undefined> {
    const { entries } = await audit.list({ limit: 1, target: `replay:${replayId}` });
    const [entry] = entries;
    return entry && { by: entry.who, reason: entry.reason };
  }

  async function readReplay(id: string): Promise<Replay> {
    const found = await replays.read(id);
    if (found !== undefined) return found;
    throw new RelayError('replay_unknown', replayUnknown);
  }

  return {
    nameOf,
    consumerNames: consumers,
    readApps: parts.readApps,
    readStore: parts.readStore,
    readDiagnosis: parts.readDiagnosis,
    readLedger: () => readLedger(source, consumers),
    readConsumers: () => readConsumers(source, consumers, nowMs()),
    readChain: parts.readChain,
    readMeeting: parts.readMeeting,

    async listDeliveries(filter, page) {
      const found = await findDeliveries(source, consumers, resolveFilter(filter, nowMs()), page);
      const { cursor, lookedAt, isPartial } = found;
      const deliveries = found.found.map(({ name, kept }) => viewRow(name, kept));
      return { deliveries, ...(cursor !== undefined && { cursor }), lookedAt, isPartial };
    },

    async readDelivery(name) {
      const kept = await keptOf(name);
      return { ...viewDetail(name, kept), replays: await replaysOf(kept) };
    },

    async readBody(name, who) {
      const kept = await keptOf(name);
      await audit.note({ who, action: 'body_viewed', target: targetOf(name) });
      const body = viewBody(kept);
      if (body !== undefined) return body;
      throw new RelayError('delivery_unknown', 'this delivery cannot be read: a newer release wrote it');
    },

    async pause(name, who, reason) {
      await audit.note({ who, action: 'consumer_paused', target: `consumer:${name.app}/${name.consumer}`, reason });
      await parts.pause(name);
    },

    async resume(name, who, reason) {
      await audit.note({ who, action: 'consumer_resumed', target: `consumer:${name.app}/${name.consumer}`, reason });
      await parts.resume(name);
    },

    async replayOne(name, { resign, force, reason }, who) {
      const { state } = await keptOf(name);
      if (state === 'delivered' && !force) return 'delivered_already';
      const replayId = `one-${parts.newId()}`;
      const detail = { delivery: targetOf(name), resign, force };
      await audit.note({ who, action: 'delivery_replayed', target: `replay:${replayId}`, reason, detail });
      const mark = { replayId, atMs: nowMs(), resign };
      const result = await source.replay(queueNameOf(name.app, name.consumer), name.id, mark, force);
      parts.observeReplay(name, result);
      return result;
    },

    planReplay: (input) => replays.plan(input, nameOf(input.filter.app, input.filter.consumer)),

    async startReplay(input, who) {
      const name = nameOf(input.filter.app, input.filter.consumer);
      const { reason, filter, resign, force, rate } = input;
      const detail = { filter, resign, force, rate };
      const target = `consumer:${name.app}/${name.consumer}`;
      return replays.start(input, name, who, () => {
        return audit.note({ who, action: 'replay_started', target, reason, detail });
      });
    },

    readReplay,
    listReplays: (page) => replays.list(page),

    async steerReplay(id, action, who) {
      const actions = { pause: 'replay_paused', resume: 'replay_resumed', cancel: 'replay_cancelled' } as const;
      await readReplay(id);
      await audit.note({ who, action: actions[action], target: `replay:${id}` });
      return replays.steer(id, action);
    },

    listAudit: (page) => audit.list(page),
  };
}

function targetOf({ app, consumer, id }: { app: AppKey; consumer: ConsumerKey; id: string }): string {
  return `delivery:${app}/${consumer}/${id}`;
}
