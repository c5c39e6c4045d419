import type { ServerResponse } from 'node:http';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import type { Role } from '../src/config.ts';
import { type RecallStandIn, startRecallStandIn } from '../src/demo/recall-stand-in.ts';
import type { AppLedger, Ledger } from '../src/operator/ledger.ts';
import { engines } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { stopAfterEach } from './support/keep.ts';
import { type BalancedRequest, startNginx } from './support/nginx.ts';
import { startRedis } from './support/redis-server.ts';
import { type RelayProcess, spawnRelay } from './support/relay-process.ts';
import { type SentNotification, startSteadyZoom } from './support/steady-zoom.ts';
import { oauthAppId, testEnvironment, testSecret } from './support/test-relay.ts';

const keep = stopAfterEach();

/** Attempts at once in one worker process: so many may be under way when it is killed. */
const concurrency = 8;
const perSecond = 100;
/** A process has its share of the work once it has done so many. */
const share = 20;

interface SharedStore {
  readonly url: string;
  /** From now on nothing is stored, and nothing refused; resolves with what ends that. */
  freeze(): Promise<() => Promise<void>>;
}

const stores: readonly { engine: string; startStore(): Promise<SharedStore> }[] = [
  {
    engine: 'redis',
    async startStore() {
      const redis = await keep(startRedis());
      return {
        url: redis.url,
        async freeze() {
          redis.process.signal('SIGSTOP');
          return async () => redis.process.signal('SIGCONT');
        },
      };
    },
  },
  {
    engine: 'postgres',
    async startStore() {
      const { url } = await engines[2].createStore();
      return {
        url,
        async freeze() {
          const locker = new Client({ connectionString: url });
          await locker.connect();
          await locker.query('BEGIN; LOCK TABLE bullmq.job IN ACCESS EXCLUSIVE MODE');
          return () => locker.end();
        },
      };
    },
  },
];

describe.each(stores)('two edges behind nginx and two workers on one $engine', ({ startStore }) => {
  test('share the work; killing one of each under load and adding others loses nothing and doubles only what the killed worker was sending', async () => {
    const store = await startStore();
    const recall = await startRecallStandIn(oauthAppId, [testSecret]);
    await keep({ stop: recall.close });
    const env = {
      ...testEnvironment(store.url, recall.baseUrl),
      DELIVERY_CONCURRENCY: String(concurrency),
      DELIVERY_TIMEOUT_MS: '7000',
    };
    const start = (role: Role): Promise<Machine> => startMachine(role, env);
    const [edgeToKill, edge, workerToKill, worker, operator] = await Promise.all([
      start('edge'),
      start('edge'),
      start('worker'),
      start('worker'),
      start('operator'),
    ]);
    const nginx = await keep(startNginx([edgeToKill.address, edge.address]));
    const endpoint = new URL('/webhooks/zoom', nginx.url);
    expect((await fetch(new URL('/readyz', nginx.url))).status).toBe(200);

    // Both edges and both workers share the work, and all of it is counted.
    const before = startSteadyZoom(endpoint, testSecret, perSecond);
    await haveTheirShare([edgeToKill, edge], [workerToKill, worker]);
    await before.stop();
    await eventually('all requests are counted', async () => {
      const { accepted, duplicate } = (await ledgerOf(operator)).total;
      return accepted + duplicate === edgeToKill.did('received') + edge.did('received');
    });
    const counted = countsOf(edgeToKill);

    // A worker is killed with as many deliveries under way as it makes at once.
    const load = startSteadyZoom(endpoint, testSecret, perSecond);
    const underWay = await holdDeliveries(recall, 2 * concurrency);
    await workerToKill.kill();
    underWay.release();

    // An edge is killed with requests that are neither stored nor acknowledged; the other one takes them.
    const thaw = await store.freeze();
    await eventually('nothing is acknowledged while nothing is stored', () => load.unacknowledged() >= share);
    await edgeToKill.kill();
    await thaw();
    await eventually('the other edge has taken what was cut off', async () =>
      (await nginx.requests()).some((request) => wasTakenOver(request, edgeToKill.address, edge.address)),
    );

    // New ones are added, and get their share.
    const [newEdge, newWorker] = await Promise.all([start('edge'), start('worker')]);
    await nginx.reload([edge.address, newEdge.address]);
    await haveTheirShare([edge, newEdge], [worker, newWorker]);

    // One is told to stop while it is still in the balancer; what it had counted it writes down.
    await edge.stop();
    await load.stop();
    await newEdge.stop();

    const sent = new Map([...before.sent, ...load.sent]);
    for (const { answers } of sent.values()) expect(answers.at(-1)).toBe(204);
    await eventually('nothing is pending', async () => recallLedger(await ledgerOf(operator)).pending === 0);
    const ledger = await ledgerOf(operator);

    // Nothing is lost, nothing is changed.
    const arrivals = Map.groupBy(recall.requests, ({ sha256 }) => sha256);
    expect(new Set(arrivals.keys())).toEqual(new Set(sent.keys()));
    for (const { body, headers, sha256 } of recall.requests) {
      expect(body).toEqual(sent.get(sha256)?.body);
      expect(headers).toMatchObject(signatureOf(sent.get(sha256)));
    }

    // Nothing is doubled but what the killed worker was sending.
    const repeated = [...arrivals].filter(([, requests]) => requests.length > 1).map(([sha256]) => sha256);
    expect(repeated).toHaveLength(concurrency);
    expect(underWay.held).toEqual(expect.arrayContaining(repeated));
    expect(recall.requests).toHaveLength(sent.size + concurrency);

    // Each is accounted for once, also what two edges took.
    const all = { accepted: sent.size, delivered: sent.size, pending: 0, dead: 0, offBy: 0 };
    expect(recallLedger(ledger)).toMatchObject(all);

    // Every request is counted, but for those that the killed edge had not written down.
    expect(Object.values(ledger.total.rejected)).toEqual([]);
    for (const column of columns) {
      const ofKilled = ledger.total[column] - countsOf(edge)[column] - countsOf(newEdge)[column];
      expect(ofKilled, column).toBeGreaterThanOrEqual(counted[column]);
      expect(ofKilled, column).toBeLessThanOrEqual(countsOf(edgeToKill)[column]);
    }
  });
});

interface Machine {
  /** `host:port` of its public listener; empty without one. */
  readonly address: string;
  readonly privateUrl: string;
  readonly log: () => readonly Record<string, unknown>[];
  /** How many log lines of this event it has written. */
  did(event: string): number;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

async function startMachine(role: Role, env: Readonly<Record<string, string | undefined>>): Promise<Machine> {
  const relay: RelayProcess = spawnRelay(['start', '--role', role], env);
  const end = async (signal: NodeJS.Signals): Promise<number | string> => {
    relay.child.kill(signal);
    return relay.ended;
  };
  await keep({ stop: () => end('SIGKILL') });
  const listening = await relay.logged('listening');
  await relay.logged('store_ready');
  const log = () => relay.lines.map((line) => JSON.parse(line));
  return {
    address: role === 'edge' ? new URL(String(listening.public)).host : '',
    privateUrl: String(listening.private),
    log,
    did: (event) => log().filter((line) => line.event === event).length,
    kill: async () => expect(await end('SIGKILL')).toBe('SIGKILL'),
    stop: async () => expect(await end('SIGTERM')).toBe(0),
  };
}

async function haveTheirShare(edges: readonly Machine[], workers: readonly Machine[]): Promise<void> {
  await eventually(
    'each edge and each worker has done some of the work',
    () => edges.every(({ did }) => did('received') >= share) && workers.every(({ did }) => did('delivered') >= share),
  );
}

/** Recall does not answer until it has so many requests to answer. */
async function holdDeliveries(
  recall: RecallStandIn,
  count: number,
): Promise<{ readonly held: readonly string[]; release(): void }> {
  const responses: ServerResponse[] = [];
  const from = recall.requests.length;
  recall.misbehaveAlways((_request, response) => void responses.push(response));
  await eventually('the workers are as busy as can be', () => responses.length >= count);
  const held = recall.requests.slice(from).map(({ sha256 }) => sha256);
  return {
    held,
    release() {
      recall.misbehaveAlways();
      for (const response of responses) response.writeHead(200).end();
    },
  };
}

/** A POST that one edge had been sent when it was killed, and that the other one then answered. */
function wasTakenOver({ status, tries }: BalancedRequest, killed: string, other: string): boolean {
  const [first, second] = tries;
  const wasCutOff = first?.edge === killed && first.status === 502 && first.bytesSent > 0;
  return wasCutOff && second?.edge === other && status === 204;
}

const columns = ['accepted', 'duplicate', 'turnedAway'] as const;

/** What an edge did with its requests, as its log has it. */
function countsOf(edge: Machine): Readonly<Record<(typeof columns)[number], number>> {
  const results = edge.log().map(({ event, result }) => (event === 'turned_away' ? event : result));
  const count = (wanted: string): number => results.filter((result) => result === wanted).length;
  return { accepted: count('accepted'), duplicate: count('duplicate'), turnedAway: count('turned_away') };
}

async function ledgerOf({ privateUrl }: Machine): Promise<AppLedger> {
  const headers = { authorization: 'Bearer operator-token-for-tests' };
  const answer = await fetch(new URL('/api/ledger', privateUrl), { headers });
  const { apps } = (await answer.json()) as Ledger;
  return apps[0] ?? expect.fail('the ledger has no app');
}

function recallLedger({ consumers }: AppLedger): AppLedger['consumers'][number] {
  return consumers[0] ?? expect.fail('the ledger has no consumer');
}

function signatureOf(notification: SentNotification | undefined): Readonly<Record<string, string>> {
  const { 'x-zm-signature': signature = '', 'x-zm-request-timestamp': timestamp = '' } = notification?.headers ?? {};
  return { 'x-zm-signature': signature, 'x-zm-request-timestamp': timestamp };
}
