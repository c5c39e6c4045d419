import { setTimeout as delay } from 'node:timers/promises';
import type { Circuit } from '../delivery/circuit.ts';
import { type ConsumerCounts, type IntakeCounts, intakeCountsOf, offBy, receivedOf } from '../delivery/ledger.ts';
import { type AppKey, type ConsumerKey, queueNameOf } from '../delivery/names.ts';
import type { ConsumerMinute, ConsumerName, OperatorSource } from './ports.ts';

/** What the ledger asks of the store. */
type LedgerSource = Pick<OperatorSource, 'account' | 'recount' | 'intake' | 'circuit'>;

export interface Ledger {
  readonly apps: readonly AppLedger[];
  /** Whether every consumer adds up. */
  readonly addsUp: boolean;
}

export interface AppLedger {
  readonly app: AppKey;
  readonly total: IntakeCounts & { readonly received: number };
  readonly lastDay: IntakeCounts & { readonly received: number };
  readonly minutes: readonly (IntakeCounts & { readonly received: number; readonly atMs: number })[];
  readonly consumers: readonly ConsumerLedger[];
}

export interface ConsumerLedger extends ConsumerCounts {
  readonly consumer: ConsumerKey;
  /** `accepted` less all the others; 0 when it adds up. */
  readonly offBy: number;
  readonly circuit: Circuit;
  readonly minutes: readonly ConsumerMinute[];
}

/**
 * On Redis a delivery is counted a moment after it was added: a reading that is off is taken again. What a killed process
 * could not count is found in the background; a reading tells what it knows.
 */
const rereads = 5;
const rereadAfterMs = 200;

/** Counts what is in the queues now and holds it against what was counted when it was added. */
export async function readLedger(source: LedgerSource, consumers: readonly ConsumerName[]): Promise<Ledger> {
  const apps = Map.groupBy(consumers, ({ app }) => app);
  const read = await Promise.all(
    [...apps].map(([app, ofApp]) => {
      const keys = ofApp.map(({ consumer }) => consumer);
      return readApp(source, app, keys);
    }),
  );
  return { apps: read, addsUp: read.every(({ consumers }) => consumers.every((consumer) => consumer.offBy === 0)) };
}

async function readApp(source: LedgerSource, app: AppKey, keys: readonly ConsumerKey[]): Promise<AppLedger> {
  const intake = await source.intake(app);
  const minutes = intake.minutes.map(({ atMs, counts }) => ({ atMs, ...withReceived(counts) }));
  return {
    app,
    total: withReceived(intake.totals),
    lastDay: withReceived(addUp(intake.minutes.map(({ counts }) => counts))),
    minutes,
    consumers: await Promise.all(keys.map((key) => readConsumer(source, app, key))),
  };
}

async function readConsumer(source: LedgerSource, app: AppKey, consumer: ConsumerKey): Promise<ConsumerLedger> {
  const queue = queueNameOf(app, consumer);
  for (let reading = 1; ; reading += 1) {
    const [account, circuit] = await Promise.all([source.account(queue), source.circuit(queue)]);
    const off = offBy(account);
    if (off === 0 || reading === rereads) return { consumer, ...account, offBy: off, circuit };
    if (reading === rereads - 1) await source.recount(queue);
    await delay(rereadAfterMs);
  }
}

function withReceived(counts: Readonly<Record<string, number>>): IntakeCounts & { readonly received: number } {
  const intake = intakeCountsOf(counts);
  return { received: receivedOf(intake), ...intake };
}

function addUp(list: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const [name, count] of list.flatMap(Object.entries)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}
