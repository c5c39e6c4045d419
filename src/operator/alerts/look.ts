import { closedCircuit } from '../../delivery/circuit.ts';
import type { AppKey } from '../../delivery/names.ts';
import type { ReadConnectionFigures } from '../connections/connection-figures.ts';
import type { QueueView } from '../consumers.ts';
import type { AppLedger, ConsumerLedger, Ledger } from '../ledger.ts';
import type { AppSnapshot, ConsumerSnapshot, Snapshot, StoreSnapshot } from './snapshot.ts';

/** What a look asks. All but `readStore` reject with `store_unavailable` while the store is away. */
export interface LookPorts {
  readQueues(): Promise<readonly LookedAtQueue[]>;
  readLedger(): Promise<Pick<Ledger, 'apps'>>;
  readStore(): StoreSnapshot;
  readAppFacts(app: AppKey): Promise<{ readonly lastChallengeAtMs?: number }>;
  /** By the minute, those that lie in the time at least in part. */
  readLatency(fromMs: number, toMs: number): Promise<readonly { readonly ack: { readonly overOneSecond: number } }[]>;
  readonly readConnections: ReadConnectionFigures;
}

type LookedAtQueue = Omit<QueueView, 'dead'>;

const minuteMs = 60_000;
const signatureWindowMs = 10 * minuteMs;
const acknowledgementWindowMs = 5 * minuteMs;

/**
 * One look at the relay. Counts are kept by the minute: the minute a window begins in counts in whole.
 *
 * @throws RelayError `store_unavailable`
 */
export async function lookAtRelay(ports: LookPorts, nowMs: number): Promise<Snapshot> {
  const [queues, ledger, latency, connections] = await Promise.all([
    ports.readQueues(),
    ports.readLedger(),
    ports.readLatency(nowMs - acknowledgementWindowMs, nowMs),
    ports.readConnections(),
  ]);
  const facts = await Promise.all(ledger.apps.map(({ app }) => ports.readAppFacts(app)));
  return {
    consumers: queues.map((queue) => lookAtConsumer(queue, ledger.apps)),
    apps: ledger.apps.map((app, index) => lookAtApp(app, facts[index]?.lastChallengeAtMs, nowMs)),
    store: ports.readStore(),
    slowAcknowledgements: latency.reduce((sum, { ack }) => sum + ack.overOneSecond, 0),
    connections,
  };
}

function lookAtConsumer(view: LookedAtQueue, apps: readonly AppLedger[]): ConsumerSnapshot {
  const { app, consumer, isPaused, waiting, delayed, active, oldestPendingMs } = view;
  const account = apps
    .find((candidate) => candidate.app === app)
    ?.consumers.find((candidate: ConsumerLedger) => candidate.consumer === consumer);
  return {
    ...{ app, consumer, isPaused },
    circuit: account?.circuit ?? closedCircuit,
    pending: waiting + delayed + active,
    ...(oldestPendingMs === undefined ? {} : { oldestPendingMs }),
    offBy: account?.offBy ?? 0,
    deaths: account?.minutes ?? [],
  };
}

function lookAtApp({ app, minutes }: AppLedger, lastChallengeAtMs: number | undefined, nowMs: number): AppSnapshot {
  const recent = minutes.filter(({ atMs }) => atMs > nowMs - signatureWindowMs - minuteMs);
  const received = recent.reduce((sum, minute) => sum + minute.received, 0);
  const signatureMismatch = recent.reduce((sum, { rejected }) => sum + (rejected.signature_mismatch ?? 0), 0);
  const challenge = lastChallengeAtMs === undefined ? {} : { lastChallengeAtMs };
  return { app, ...challenge, lastTenMinutes: { received, signatureMismatch } };
}
