import { Hono } from 'hono';
import { closedCircuit } from '../../src/delivery/circuit.ts';
import { parseAppKey, parseConsumerKey } from '../../src/delivery/names.ts';
import { RelayError } from '../../src/errors.ts';
import { listen } from '../../src/listener.ts';
import type { AccessEnv, Identity } from '../../src/operator/access/identity.ts';
import { loginPageHeaders, renderLoginPage } from '../../src/operator/access/login-page.ts';
import { type ConnectionService, createConnectionService } from '../../src/operator/connections/connection-service.ts';
import type { ConsumerView } from '../../src/operator/consumers.ts';
import { createAssetRoutes } from '../../src/operator/dashboard/create-asset-routes.ts';
import { createDashboardRoutes } from '../../src/operator/dashboard/create-dashboard-routes.ts';
import type { DashboardService, OpenIncident } from '../../src/operator/dashboard/ports.ts';
import { showErrorsAsPages } from '../../src/operator/dashboard/show-errors-as-pages.ts';
import { LiveTail } from '../../src/operator/live-tail.ts';
import type { ConsumerName } from '../../src/operator/ports.ts';
import type {
  AppView,
  AuditEntry,
  DeliveryDetail,
  DeliveryFilter,
  Replay,
  ReplayInput,
} from '../../src/operator/schemas.ts';
import type { DeliveryName } from '../../src/operator/service.ts';

export const csrfToken = 'csrf-of-the-session';
export const minuteMs = 60_000;
/** What a stranger might put anywhere. */
export const nasty = `"><script>owned=1</script><img src=x onerror="owned=1">'</title></pre>&amp;`;

export function nameOf(app: string, consumer: string): ConsumerName {
  const keys = { app: parseAppKey(app), consumer: parseConsumerKey(consumer) };
  if (keys.app === undefined || keys.consumer === undefined) throw new Error('not a name');
  return { app: keys.app, consumer: keys.consumer };
}

const withoutConnections = createConnectionService({
  ...{ source: undefined, apps: [], audit: { note: async () => {} }, nowMs: Date.now },
});

const oneApp = [nameOf('default', 'recall'), nameOf('default', 'directory'), nameOf('default', 'crm')];

/** A relay as the dashboard sees it, made up and changed by the tests. */
export class FakeRelay implements DashboardService {
  readonly consumerNames: readonly ConsumerName[];
  readonly deliveries: DeliveryDetail[] = [];
  readonly replays: Replay[] = [];
  readonly audit: AuditEntry[] = [];
  readonly paused = new Set<string>();
  incidents: OpenIncident[] = [];
  downSinceMs: number | undefined;
  isAway = false;
  #sequence = 0;

  constructor(names: readonly ConsumerName[] = oneApp) {
    this.consumerNames = names;
  }

  add(change: Partial<DeliveryDetail> = {}): DeliveryDetail {
    this.#sequence += 1;
    const index = this.#sequence;
    const receivedAt = new Date(Date.now() - index * 37_000).toISOString();
    const delivery: DeliveryDetail = {
      app: 'default',
      consumer: 'recall',
      notificationId: index.toString(16).padStart(32, '0'),
      event: index % 3 === 0 ? 'user.updated' : 'meeting.created',
      state: 'delivered',
      receivedAt,
      endedAt: new Date(Date.parse(receivedAt) + 240).toISOString(),
      attempts: 1,
      lastAttempt: { outcome: 'delivered', status: 200 },
      about: index % 3 === 0 ? { email: 'jane@example.com' } : { meetingId: `98${7654321 + index}` },
      requestId: `req-${index}`,
      bytes: 885,
      sha256: 'ab'.repeat(32),
      headers: {
        'x-zm-signature': `v0=${'9f'.repeat(32)}`,
        'x-zm-request-timestamp': '1795000000',
        'x-zm-request-id': `req-${index}`,
        'content-type': 'application/json; charset=utf-8',
        'user-agent': 'Zoom Marketplace/1.0a',
      },
      lagMs: 812,
      attemptLog: [attemptOf(1, receivedAt, 110, { outcome: 'delivered', status: 200, response: '{"ok":true}' })],
      replays: [],
      ...change,
    };
    this.deliveries.push(delivery);
    this.deliveries.sort((a, b) => Date.parse(b.receivedAt) - Date.parse(a.receivedAt));
    return delivery;
  }

  change(id: string, change: Partial<DeliveryDetail>): void {
    const index = this.deliveries.findIndex(({ notificationId }) => notificationId === id);
    const before = this.deliveries[index];
    if (before !== undefined) this.deliveries[index] = { ...before, ...change };
  }

  #check(): void {
    if (this.isAway) throw new RelayError('store_unavailable', 'ECONNREFUSED');
  }

  note(who: string, action: string, target: string, reason?: string): void {
    const at = new Date().toISOString();
    this.audit.unshift({ id: `${at}~${this.audit.length}`, at, who, action, target, ...(reason && { reason }) });
  }

  nameOf(app: string, consumer: string): ConsumerName {
    const found = this.consumerNames.find((name) => name.app === app && name.consumer === consumer);
    if (found === undefined) throw new RelayError('consumer_unknown', 'no such consumer');
    return found;
  }

  async readApps(): Promise<readonly AppView[]> {
    this.#check();
    const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();
    return [...new Set(this.consumerNames.map(({ app }) => app))].map((app) => ({
      app,
      endpoint: `/webhooks/zoom/${app}`,
      recallHost: 'us-east-1.recall.ai',
      consumers: this.consumerNames.filter((name) => name.app === app).map(({ consumer }) => consumer),
      secrets: 2,
      lastChallengeAt: ago(5 * 3_600_000),
      events: [
        { event: 'meeting.created', lastAt: ago(41_000) },
        { event: 'user.updated', lastAt: ago(3 * 3_600_000) },
      ],
    }));
  }

  readStore() {
    const message = 'Redis may lose the last second on a power cut: set appendfsync to always.';
    const findings = [{ level: 'warning', code: 'flushes_late', message }];
    return { engine: 'Redis 7.0.15', ready: !this.isAway, findings };
  }

  async readLedger() {
    this.#check();
    const intake = { received: 18_205, accepted: 18_190, duplicate: 10, challenge: 1, turnedAway: 0 };
    const total = this.deliveries.length === 0 ? { ...intake, received: 0, accepted: 0, duplicate: 0 } : intake;
    const rejected = { signature_mismatch: 3, timestamp_stale: 1 };
    const apps = Map.groupBy(this.consumerNames, ({ app }) => app);
    return {
      addsUp: true,
      apps: [...apps].map(([app, names]) => ({
        app,
        total: { ...total, rejected },
        lastDay: { ...total, rejected },
        minutes: [],
        consumers: names.map(({ consumer }) => ({
          consumer,
          ...{ accepted: 18_190, delivered: 18_121, pending: 66, dead: 3, offBy: 0 },
          circuit: closedCircuit,
          minutes: minutesBack(60).map((atMs, index) => {
            const delivered = Math.round(20 + 15 * Math.sin(index / 5));
            return { atMs, accepted: delivered, delivered, dead: 0 };
          }),
        })),
      })),
    };
  }

  async readConsumers(): Promise<readonly ConsumerView[]> {
    this.#check();
    return this.consumerNames.map((name) => {
      const own = this.deliveries.filter(({ app, consumer }) => app === name.app && consumer === name.consumer);
      const countOf = (state: string): number => own.filter((delivery) => delivery.state === state).length;
      const isDown = this.downSinceMs !== undefined && name.consumer === 'recall';
      const untilMs = Date.now() + 20_000;
      return {
        ...name,
        isPaused: this.paused.has(name.consumer),
        circuit: isDown ? { kind: 'open', untilMs, openings: 3, sinceMs: this.downSinceMs ?? 0 } : closedCircuit,
        ...{ waiting: countOf('waiting'), delayed: countOf('delayed'), active: 0, dead: countOf('dead') },
        ...(isDown && { oldestPendingMs: 6 * minuteMs }),
        deliveredLastMinute: isDown ? 0 : 34,
      };
    });
  }

  async listDeliveries(filter: DeliveryFilter, { cursor, limit }: { cursor?: string | undefined; limit: number }) {
    this.#check();
    const [, offset = '0'] = /^at-(\d+)$/.exec(cursor ?? 'at-0') ?? [];
    if (cursor !== undefined && !cursor.startsWith('at-')) throw new RelayError('cursor_invalid', 'not of this list');
    const matching = this.deliveries.filter((delivery) => {
      const isNamed = (filter.app ?? delivery.app) === delivery.app;
      const isMeant = (filter.consumer ?? delivery.consumer) === delivery.consumer;
      const isState = (filter.state ?? delivery.state) === delivery.state;
      const isEvent = (filter.event ?? delivery.event) === delivery.event;
      return isNamed && isMeant && isState && isEvent && JSON.stringify(delivery.about).includes(filter.q ?? '');
    });
    const from = Number(offset);
    const deliveries = matching.slice(from, from + limit);
    const isPartial = filter.q === '98' && from === 0;
    const isEnd = from + limit >= matching.length && !isPartial;
    return { deliveries, ...(!isEnd && { cursor: `at-${from + limit}` }), lookedAt: 5000, isPartial };
  }

  async readDelivery({ app, consumer, id }: DeliveryName): Promise<DeliveryDetail> {
    this.#check();
    const found = this.deliveries.find((delivery) => {
      return delivery.notificationId === id && delivery.app === app && delivery.consumer === consumer;
    });
    if (found !== undefined) return found;
    throw new RelayError('delivery_unknown', `${consumer} of app ${app} has no delivery ${id}, or not any more`);
  }

  async readBody(name: DeliveryName, who: string) {
    const { event } = await this.readDelivery(name);
    this.note(who, 'body_viewed', `delivery:${name.app}/${name.consumer}/${name.id}`);
    return { text: JSON.stringify({ event, payload: { object: { topic: nasty, password: '***' } } }), masked: 1 };
  }

  async pause({ app, consumer }: ConsumerName, who: string): Promise<void> {
    this.#check();
    this.paused.add(consumer);
    this.note(who, 'consumer_paused', `consumer:${app}/${consumer}`);
  }

  async resume({ app, consumer }: ConsumerName, who: string): Promise<void> {
    this.#check();
    this.paused.delete(consumer);
    this.note(who, 'consumer_resumed', `consumer:${app}/${consumer}`);
  }

  async replayOne(
    name: DeliveryName,
    wish: { resign: boolean; force: boolean; reason?: string | undefined },
    who: string,
  ) {
    const { state } = await this.readDelivery(name);
    if (state === 'delivered' && !wish.force) return 'delivered_already' as const;
    this.note(who, 'delivery_replayed', 'replay:one-abc', wish.reason);
    if (state === 'waiting' || state === 'active') return 'on_its_way' as const;
    const mark = { replayId: 'one-abc', at: new Date().toISOString(), resign: wish.resign, by: who };
    const { replays, endedAt: _before, ...rest } = await this.readDelivery(name);
    const replayed = { ...rest, replays: [...replays, { ...mark, ...(wish.reason && { reason: wish.reason }) }] };
    this.deliveries[this.deliveries.findIndex(({ notificationId }) => notificationId === name.id)] = {
      ...replayed,
      state: 'waiting',
    };
    return 'replayed' as const;
  }

  async planReplay({ filter, force, resign }: { filter: DeliveryFilter; force: boolean; resign: boolean }) {
    const { deliveries } = await this.listDeliveries(filter, { limit: 1000 });
    const delivered = deliveries.filter(({ state }) => state === 'delivered').length;
    const total = force ? deliveries.length : deliveries.length - delivered;
    return {
      total,
      ...(total > 0 && {
        oldestReceivedAt: deliveries.at(-1)?.receivedAt,
        newestReceivedAt: deliveries.at(0)?.receivedAt,
      }),
      alreadyDelivered: delivered,
      onTheirWay: deliveries.filter(({ state }) => state !== 'delivered' && state !== 'dead').length,
      wouldBeResigned: resign ? total : 0,
      isTruncated: false,
    };
  }

  async startReplay(input: ReplayInput, who: string): Promise<Replay> {
    const plan = await this.planReplay(input);
    this.note(who, 'replay_started', `consumer:${input.filter.app}/${input.filter.consumer}`, input.reason);
    const { filter, rate, resign, force, reason } = input;
    const replay: Replay = {
      ...{
        id: `20261118t100211123z-${this.replays.length}`,
        state: 'running',
        filter,
        by: who,
        rate,
        resign,
        force,
        plan,
      },
      ...(reason !== undefined && { reason }),
      createdAt: new Date().toISOString(),
      progress: { fed: 0, skipped: 0, delivered: 0, dead: 0, pending: 0 },
    };
    this.replays.unshift(replay);
    return replay;
  }

  async readReplay(id: string): Promise<Replay> {
    this.#check();
    const found = this.replays.find((replay) => replay.id === id);
    if (found !== undefined) return found;
    throw new RelayError('replay_unknown', 'no such replay');
  }

  changeReplay(id: string, change: Partial<Replay>): Replay {
    const index = this.replays.findIndex((replay) => replay.id === id);
    const before = this.replays[index];
    if (before === undefined) throw new RelayError('replay_unknown', 'no such replay');
    const after = { ...before, ...change };
    this.replays[index] = after;
    return after;
  }

  async listReplays(): Promise<readonly Replay[]> {
    this.#check();
    return this.replays;
  }

  async steerReplay(id: string, action: 'pause' | 'resume' | 'cancel', who: string): Promise<Replay> {
    this.note(who, `replay_${action}`, `replay:${id}`);
    const state = { pause: 'paused', resume: 'running', cancel: 'cancelled' } as const;
    return this.changeReplay(id, { state: state[action] });
  }

  async listAudit({ target }: { target?: string | undefined }) {
    this.#check();
    return { entries: this.audit.filter((entry) => (target ?? entry.target) === entry.target) };
  }
}

export function attemptOf(
  attempt: number,
  afterIso: string,
  afterMs: number,
  rest: object,
): DeliveryDetail['attemptLog'][number] {
  const startedAt = new Date(Date.parse(afterIso) + afterMs).toISOString();
  return { attempt, startedAt, durationMs: 84, outcome: 'unavailable', worker: 'relay-1:4711', ...rest };
}

function minutesBack(amount: number): readonly number[] {
  const current = Math.floor(Date.now() / minuteMs);
  return Array.from({ length: amount }, (_, index) => (current - amount + 1 + index) * minuteMs);
}

function latency(index: number, base: number) {
  const wave = 1 + 0.4 * Math.sin(index / 4);
  return { count: Math.round(20 * wave), p50Ms: base * wave, p99Ms: base * 9 * wave, maxMs: base * 30 * wave };
}

export interface Served extends AsyncDisposable {
  readonly url: string;
}

/** The dashboard on a port, with what comes before it on the private listener made simple. */
export async function serve(
  relay: FakeRelay,
  identity: Partial<Identity> = {},
  connections: ConnectionService = withoutConnections,
): Promise<Served> {
  const stopping = new AbortController();
  const tail = new LiveTail((filter, page) => relay.listDeliveries(filter, page));
  const app = new Hono<AccessEnv>();
  app.get('/login', async (c) =>
    c.html(await renderLoginPage('/', 'This is not an operator token of this relay.'), 200, loginPageHeaders),
  );
  app.use(showErrorsAsPages());
  app.route('/', createAssetRoutes());
  app.use(async (c, next) => {
    c.set('identity', { name: 'ops', role: 'operate', via: 'session', ...identity });
    c.set('csrfToken', csrfToken);
    if (c.req.method === 'GET') return next();
    const given = c.req.header('x-csrf-token') ?? (await c.req.parseBody()).csrf;
    return given === csrfToken ? next() : c.json({ error: { code: 'csrf_refused', message: 'too old' } }, 403);
  });
  app.post('/logout', (c) => c.redirect('/login', 303));
  app.route(
    '/',
    createDashboardRoutes({
      service: relay,
      connections,
      async readHistory(range) {
        const minutes = minutesBack(range === 'hour' ? 60 : 1440).map((atMs, index) => ({
          atMs,
          ack: latency(index, 4),
          delivery: { 'default/recall': latency(index, 60), 'default/directory': latency(index + 9, 8) },
        }));
        if (relay.deliveries.length === 0) return { minutes: [], outages: {} };
        const past = { fromMs: Date.now() - 40 * minuteMs, toMs: Date.now() - 28 * minuteMs };
        const current = relay.downSinceMs === undefined ? [] : [{ fromMs: relay.downSinceMs }];
        return { minutes, outages: { 'default/recall': [past, ...current] } };
      },
      readIncidents: async () => relay.incidents,
      tail,
      stopping: stopping.signal,
      nowMs: Date.now,
    }),
  );
  const outer = new Hono().route('/', app);
  outer.notFound((c) => c.json({ error: { code: 'route_unknown', message: 'there is nothing at this path' } }, 404));
  const listener = await listen(outer, { host: '127.0.0.1', port: 0 }, { host: 'H', port: 'P' });
  return {
    url: listener.url.origin,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await tail.stop();
      await listener.drain();
      await listener.close();
    },
  };
}
