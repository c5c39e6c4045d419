import type { ConnectionFigures } from '../connections/connection-figures.ts';
import type { Condition } from './incident.ts';
import type { AppSnapshot, ConsumerSnapshot, Snapshot, StoreSnapshot } from './snapshot.ts';
import { storeAway } from './store-away.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const circuitOpenMs = 5 * minuteMs;
const oldestPendingMs = 15 * minuteMs;
/** As long as none dies for so long, those that died belong together. */
export const noDeathMs = 30 * minuteMs;
/** The ledger can be off for a moment while much is being added. */
const ledgerOffMs = minuteMs;
/** Zoom validates an endpoint every 72 h, and switches it off after six failures. */
const noChallengeMs = 80 * hourMs;
const mismatches = { atLeast: 10, shareAbove: 0.2 };
const slowAcknowledgementsAtLeast = 5;
/** Zoom or Recall may be away for a while: it is tried again by itself. */
const connectionsFailingMs = 15 * minuteMs;

/**
 * Everything that is the matter. Of each kind, app, consumer and code at most one; kinds whose beginning cannot be seen
 * in a look begin now.
 */
export function judge(snapshot: Snapshot, nowMs: number): readonly Condition[] {
  return [
    ...snapshot.consumers.flatMap((consumer) => judgeConsumer(consumer, nowMs)),
    ...snapshot.apps.flatMap((app) => judgeApp(app, nowMs)),
    ...judgeStore(snapshot.store, nowMs),
    ...judgeAcknowledgements(snapshot.slowAcknowledgements, nowMs),
    ...snapshot.connections.flatMap((figures) => judgeConnections(figures, nowMs)),
  ];
}

function judgeConsumer(snapshot: ConsumerSnapshot, nowMs: number): readonly Condition[] {
  const { app, consumer, circuit, isPaused, pending, offBy } = snapshot;
  const found: Condition[] = [];
  if (!isPaused && 'sinceMs' in circuit && nowMs - circuit.sinceMs > circuitOpenMs) {
    const { sinceMs, openings } = circuit;
    found.push({ kind: 'circuit_open', app, consumer, sinceMs, figures: { pending, openings } });
  }
  const oldestMs = snapshot.oldestPendingMs ?? 0;
  if (!isPaused && oldestMs > oldestPendingMs) {
    const figures = { oldestPendingMs: oldestMs, pending };
    found.push({ kind: 'oldest_pending', app, consumer, sinceMs: nowMs - oldestMs, figures });
  }
  if (offBy !== 0) {
    const figures = { offBy };
    found.push({ kind: 'ledger_off', app, consumer, sinceMs: nowMs, mustLastMs: ledgerOffMs, figures });
  }
  const { sinceMs, died } = recentDeaths(snapshot.deaths, nowMs);
  if (died > 0) found.push({ kind: 'dead_deliveries', app, consumer, sinceMs, figures: { died } });
  return found;
}

/** Those that died with less than `noDeathMs` from one to the next and from the last until now. At most the last day's. */
function recentDeaths(deaths: ConsumerSnapshot['deaths'], nowMs: number): { sinceMs: number; died: number } {
  let sinceMs = nowMs;
  let died = 0;
  for (const { atMs, dead } of deaths.toReversed()) {
    if (dead <= 0) continue;
    if (sinceMs - (atMs + minuteMs) >= noDeathMs) break;
    sinceMs = Math.min(atMs, nowMs);
    died += dead;
  }
  return { sinceMs, died };
}

function judgeApp({ app, lastChallengeAtMs, lastTenMinutes }: AppSnapshot, nowMs: number): readonly Condition[] {
  const found: Condition[] = [];
  const silentMs = nowMs - (lastChallengeAtMs ?? nowMs);
  if (silentMs > noChallengeMs) {
    found.push({ kind: 'no_challenge', app, sinceMs: nowMs - silentMs, figures: { silentMs } });
  }
  const { received, signatureMismatch } = lastTenMinutes;
  if (signatureMismatch >= mismatches.atLeast && signatureMismatch > mismatches.shareAbove * received) {
    found.push({ kind: 'bad_signatures', app, sinceMs: nowMs, figures: { signatureMismatch, received } });
  }
  return found;
}

function judgeStore({ ready, findings }: StoreSnapshot, nowMs: number): readonly Condition[] {
  const unsafe = findings.filter(({ level }) => level === 'warning' || level === 'fatal');
  // What is fatal makes the store unready, too: one incident for it is enough.
  const isAway = !ready && !unsafe.some(({ level }) => level === 'fatal');
  const found = unsafe.map(({ code, message }): Condition => {
    return { kind: 'store_unsafe', code, detail: message, sinceMs: nowMs, figures: {} };
  });
  return isAway ? [...found, storeAway(nowMs)] : found;
}

function judgeAcknowledgements(slow: number, nowMs: number): readonly Condition[] {
  if (slow < slowAcknowledgementsAtLeast) return [];
  return [{ kind: 'slow_acknowledgements', sinceMs: nowMs, figures: { slow } }];
}

/** Two matters, each told by itself: what fails and is tried again may end in somebody having to connect again. */
function judgeConnections({ app, needPerson, failing }: ConnectionFigures, nowMs: number): readonly Condition[] {
  const about = { kind: 'connections', app, sinceMs: nowMs, figures: { needPerson, failing } } as const;
  return [
    ...(needPerson > 0 ? [{ ...about, code: 'need_person' }] : []),
    ...(failing > 0 ? [{ ...about, code: 'failing', mustLastMs: connectionsFailingMs }] : []),
  ];
}
