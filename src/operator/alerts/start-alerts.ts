import { setTimeout as delay } from 'node:timers/promises';
import { RelayError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { UnsentMessage } from './alert-state.ts';
import { describeMessage } from './describe-message.ts';
import { emptyOutbox } from './empty-outbox.ts';
import type { Condition, Incident, Message } from './incident.ts';
import { judge } from './judge.ts';
import { logMessage } from './log-message.ts';
import { OwnAlerts } from './own-alerts.ts';
import type { AlertRecords, SendAlert } from './ports.ts';
import { SharedAlerts } from './shared-alerts.ts';
import type { Snapshot } from './snapshot.ts';
import { storeAway } from './store-away.ts';

export interface AlertsSetup {
  readonly records: AlertRecords;
  /** Rejects with `store_unavailable` while the store is away. */
  readonly look: () => Promise<Snapshot>;
  /** `undefined`: incidents are logged and listed, and nothing is sent. */
  readonly send: SendAlert | undefined;
  readonly log: Log;
  /** Epoch milliseconds. The lease is compared between processes: their clocks should agree to some seconds. */
  readonly nowMs: () => number;
  /** Between looks; well below the lease of 90 s. */
  readonly intervalMs: number;
  /** Gives ids that are unique over all processes and restarts. */
  readonly newId: () => string;
}

/** One that has been announced and is not over. */
export interface OpenIncident extends Omit<Extract<Incident, { phase: 'open' }>, 'phase' | 'absentSinceMs'> {
  /** One plain line. */
  readonly text: string;
}

export interface Alerts {
  /** Of all processes, and what this one tells by itself; the latter alone while the store is away. */
  currentIncidents(): Promise<readonly OpenIncident[]>;
  /** Lets what is under way end, makes no further tries, and lets another process take over at once. Never rejects. */
  stop(): Promise<void>;
}

/**
 * Looks every `intervalMs` whether something is the matter, and tells. Of several processes one does, whoever has the
 * lease; its state is one record, so that another goes on where it stopped. A message is in that record from the look
 * that gave it until it has been sent: it may be sent twice (with the same id) when a process dies in between, and is
 * never forgotten.
 *
 * While the store is away nobody can be elected. Each process then tells by itself that it is away, and when it is back;
 * one that is restarted meanwhile begins anew.
 */
export function startAlerts(setup: AlertsSetup): Alerts {
  const { records, send, log, nowMs } = setup;
  const shared = new SharedAlerts(records, setup.newId(), nowMs);
  const own = new OwnAlerts();
  const stopping = new AbortController();
  const sent = new Set<string>();
  let emptying: Promise<void> | undefined;

  const identify = (messages: readonly Message[]): readonly UnsentMessage[] =>
    messages.map((message) => ({ id: setup.newId(), ...message }));

  async function look(): Promise<void> {
    try {
      if (await shared.mayLead()) await stepShared(judge(await setup.look(), nowMs()));
      stepOwn([]);
    } catch (error) {
      if (isAway(error)) stepOwn([storeAway(nowMs())]);
      else log.error({ event: 'alerts_failed', err: error });
    }
    // Beside the looks: the lease must be renewed while a receiver hangs.
    emptying ??= emptyBoth().finally(() => {
      emptying = undefined;
    });
  }

  async function stepShared(conditions: readonly Condition[]): Promise<void> {
    const { messages, dropped } = await shared.step(conditions, identify, send !== undefined);
    for (const message of messages) logMessage(log, message);
    if (dropped > 0) log.error({ event: 'alerts_dropped', count: dropped });
  }

  function stepOwn(conditions: readonly Condition[]): void {
    for (const message of own.step(conditions, nowMs(), identify, send !== undefined)) logMessage(log, message);
  }

  async function emptyBoth(): Promise<void> {
    if (send === undefined) return;
    try {
      for (const outbox of [own, shared]) await emptyOutbox(outbox, send, sent, stopping.signal);
    } catch (error) {
      if (!isAway(error)) log.warn({ event: 'alert_unsent', err: error }); // after the next look it is tried again
    }
  }

  const looking = repeat(look, setup.intervalMs, stopping.signal);
  return {
    async currentIncidents() {
      const ofAll = await shared.incidents().catch(() => []);
      return [...own.incidents, ...ofAll].flatMap(openOnly);
    },
    async stop() {
      stopping.abort();
      await looking;
      await emptying;
      await shared.release().catch(() => undefined); // else the lease ends by itself
    },
  };
}

/** Resolves when it has been stopped. */
async function repeat(act: () => Promise<void>, intervalMs: number, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    await act();
    await delay(intervalMs, undefined, { signal: stopping, ref: false }).catch(() => undefined);
  }
}

function openOnly(incident: Incident): readonly OpenIncident[] {
  if (incident.phase !== 'open') return [];
  const { phase: _phase, absentSinceMs: _absentSinceMs, ...happening } = incident;
  return [{ ...happening, text: describeMessage({ ...happening, phase: 'begin' }) }];
}

function isAway(error: unknown): boolean {
  return error instanceof RelayError && error.code === 'store_unavailable';
}
