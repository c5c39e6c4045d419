import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startRecallStandIn } from '../../src/demo/recall-stand-in.ts';
import type { Ledger } from '../../src/operator/ledger.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { startRedis } from '../support/redis-server.ts';
import { type RelayProcess, spawnRelay } from '../support/relay-process.ts';
import type { ServerProcess } from '../support/server-process.ts';
import { oauthAppId, testEnvironment, testSecret } from '../support/test-relay.ts';
import { startMoods } from './recall-moods.ts';
import { startTraffic } from './traffic.ts';

/** How hard a trial is. */
export interface Plan {
  readonly perSecond: number;
  readonly relayKills: number;
  readonly storeKills: number;
  readonly freezeMs: number;
  /** Between two faults, milliseconds. */
  readonly pauseMs: number;
  readonly moodMs: number;
  /** How long Recall is gone altogether, milliseconds. */
  readonly goneMs: number;
  /** How long what was acknowledged may take to arrive once all is well, milliseconds. */
  readonly patienceMs: number;
}

export interface TrialResult {
  readonly engine: string;
  readonly sent: number;
  readonly acknowledged: number;
  readonly turnedAway: number;
  readonly noAnswer: number;
  readonly delivered: number;
  readonly deliveredTwice: number;
  readonly lost: number;
  /** By how much the relay's own ledger is off at the end. */
  readonly ledgerOffBy: number;
}

interface StoreUnderTest {
  readonly url: string;
  /** Absent for the embedded store, which dies with the relay. */
  readonly process?: ServerProcess;
  stop(): Promise<void>;
}

const stores: Readonly<Record<string, () => Promise<StoreUnderTest>>> = {
  async redis() {
    const { url, process, stop } = await startRedis();
    return { url, process, stop };
  },
  async postgres() {
    const { process, urlOf, stop } = await startPostgres();
    return { url: urlOf('postgres'), process, stop };
  },
  async embedded() {
    const folder = await mkdtemp(join(tmpdir(), 'zoom-relay-chaos-'));
    return { url: `file:${folder}`, stop: () => rm(folder, { recursive: true, force: true }) };
  },
};
export const engineNames = Object.keys(stores);

/** Traffic, faults, then peace: whatever was acknowledged must be at the stand-in, byte for byte. */
export async function runTrial(engine: string, plan: Plan, say: (line: string) => void): Promise<TrialResult> {
  const store = await (stores[engine] ?? fail(engine))();
  const recall = await startRecallStandIn(oauthAppId, [testSecret]);
  const port = await freePort();
  const relay = superviseRelay({
    ...testEnvironment(store.url, recall.baseUrl),
    PORT: String(port),
    DELIVERY_TIMEOUT_MS: '1000',
    RETRY_SCHEDULE: Array(50).fill('1s').join(','),
  });
  await relay.ready();
  const traffic = startTraffic(new URL(`http://127.0.0.1:${port}/webhooks/zoom`), testSecret, plan.perSecond);
  const moods = startMoods(recall, plan.moodMs);
  await doHarm(plan, store, relay, recall, say);
  moods.stop();
  await relay.ready();
  await delay(plan.pauseMs);
  await traffic.stop();
  say('faults are over, waiting for what was acknowledged');
  const { counts } = traffic;
  const arrivals = (): Map<string, number> => countArrivals(recall.requests);
  await eventually(
    'all acknowledged are delivered',
    () => missing(counts.acknowledged, arrivals()) === 0,
    plan.patienceMs,
  ).catch(
    () => undefined, // the table says how many are lost
  );
  const arrived = arrivals();
  const ledgerOffBy = await relay.ledgerOffBy();
  await relay.stop();
  await recall.close();
  await store.stop();
  return {
    engine,
    sent: counts.sent,
    acknowledged: counts.acknowledged.size,
    turnedAway: counts.turnedAway,
    noAnswer: counts.noAnswer,
    delivered: arrived.size,
    deliveredTwice: [...arrived.values()].filter((times) => times > 1).length,
    lost: missing(counts.acknowledged, arrived),
    ledgerOffBy,
  };
}

async function doHarm(
  plan: Plan,
  store: StoreUnderTest,
  relay: SupervisedRelay,
  recall: { goAway(): void; comeBack(): void },
  say: (line: string) => void,
): Promise<void> {
  const faults = [
    ...Array.from({ length: plan.relayKills }, () => 'kill the relay' as const),
    ...Array.from({ length: store.process === undefined ? 0 : plan.storeKills }, () => 'kill the store' as const),
  ];
  for (const [index, fault] of interleave(faults).entries()) {
    await delay(plan.pauseMs);
    say(`${index + 1} of ${faults.length}: ${fault}`);
    if (fault === 'kill the relay') await relay.kill();
    else await restart(store);
  }
  await delay(plan.pauseMs);
  say(`freeze for ${plan.freezeMs} ms`);
  if (store.process === undefined) await relay.freeze(plan.freezeMs);
  else await freeze(store.process, plan.freezeMs);
  say(`Recall is gone for ${plan.goneMs} ms`);
  recall.goAway();
  await delay(plan.goneMs);
  recall.comeBack();
}

async function restart(store: StoreUnderTest): Promise<void> {
  await store.process?.end('SIGKILL');
  await store.process?.start();
}

async function freeze(server: ServerProcess, ms: number): Promise<void> {
  server.signal('SIGSTOP');
  await delay(ms);
  server.signal('SIGCONT');
}

/** Spreads the rarer kind between the others. */
function interleave<T>(items: readonly T[]): readonly T[] {
  const half = Math.ceil(items.length / 2);
  return items.slice(0, half).flatMap((item, index) => [item, ...items.slice(half + index, half + index + 1)]);
}

interface SupervisedRelay {
  ready(): Promise<void>;
  kill(): Promise<void>;
  freeze(ms: number): Promise<void>;
  ledgerOffBy(): Promise<number>;
  stop(): Promise<void>;
}

/** A relay that is started again whenever it dies, as an orchestrator does. */
function superviseRelay(env: Readonly<Record<string, string | undefined>>): SupervisedRelay {
  let stopping = false;
  let current = start();

  function start(): RelayProcess {
    const relay = spawnRelay(['start'], env);
    void relay.ended.then(() => {
      if (!stopping) current = start();
    });
    return relay;
  }

  return {
    async ready() {
      await eventually(
        'the relay is ready',
        () => current.lines.some((line) => line.includes('"store_ready"')),
        60_000,
      );
    },
    async kill() {
      const dying = current;
      dying.child.kill('SIGKILL');
      await dying.ended;
    },
    async freeze(ms) {
      const { child } = current;
      child.kill('SIGSTOP');
      await delay(ms);
      child.kill('SIGCONT');
    },
    async ledgerOffBy() {
      const { private: url } = await current.logged('listening');
      const headers = { authorization: `Bearer ${env.OPERATOR_TOKEN}` };
      const answer = await fetch(new URL('/api/ledger', String(url)), { headers });
      const ledger = (await answer.json()) as Ledger;
      return ledger.apps[0]?.consumers[0]?.offBy ?? Number.NaN;
    },
    async stop() {
      stopping = true;
      current.child.kill('SIGTERM');
      await current.ended;
    },
  };
}

function countArrivals(requests: readonly { sha256: string; status: number }[]): Map<string, number> {
  const arrived = new Map<string, number>();
  for (const { sha256, status } of requests) if (status === 200) arrived.set(sha256, (arrived.get(sha256) ?? 0) + 1);
  return arrived;
}

function missing(acknowledged: ReadonlySet<string>, arrived: ReadonlyMap<string, number>): number {
  return [...acknowledged].filter((sha256) => !arrived.has(sha256)).length;
}

function fail(engine: string): never {
  throw new Error(`no such engine: ${engine}; there are ${engineNames.join(', ')}`);
}
