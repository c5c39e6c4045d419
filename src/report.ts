import type { DeliveryEvent, DeliveryObserver } from './consumers/ports.ts';
import { rejectedName } from './delivery/ledger.ts';
import { unreachable } from './errors.ts';
import type { IntakeLedger } from './intake/intake-ledger.ts';
import { type IntakeObserver, rejectionReasons } from './intake/ports.ts';
import { describeError, type Log } from './log.ts';
import type { AppFacts } from './operator/app-facts.ts';
import type { LatencyLog } from './operator/latency-log.ts';
import type { Metrics } from './operator/metrics.ts';
import type { OutageLog } from './operator/outage-log.ts';
import { rejections } from './zoom/verify.ts';

/** Why a notification can be answered with 503. */
const turnedAwayCodes = [
  'store_unavailable',
  'ack_deadline_passed',
  'overloaded',
  'shutting_down',
  'internal',
] as const;

/** What a request to an app's endpoint can end in. A closed list: metrics have a line for each. */
export const notificationResults = [
  'accepted',
  'duplicate',
  'challenge',
  ...rejections,
  ...rejectionReasons,
  ...turnedAwayCodes,
] as const;

export interface Reporters {
  readonly log: Log;
  readonly ledger: IntakeLedger;
  readonly metrics: Metrics;
  readonly facts: AppFacts;
  readonly latency: LatencyLog;
  readonly outages: OutageLog;
}

/** One log line, one count, one metric for each request to an app's endpoint. */
export function reportIntake({ log, ledger, metrics, facts, latency }: Omit<Reporters, 'outages'>): IntakeObserver {
  return (event) => {
    if (event.kind === 'app_unknown') {
      log.warn({ event: 'rejected', reason: 'app_unknown', key: event.key });
      metrics.unknownApp();
      return;
    }
    const { app, ackMs } = event;
    switch (event.kind) {
      case 'accepted':
      case 'duplicate': {
        const { kind: result, notificationId, eventName, requestId, bytes, secret, lagMs } = event;
        ledger.count(app, result);
        metrics.notification(app, result, ackMs);
        if (result === 'accepted' && lagMs !== undefined) metrics.eventLag(app, lagMs);
        facts.eventSeen(app, eventName ?? 'unknown');
        latency.acknowledged(ackMs);
        log.info({
          event: 'received',
          app,
          result,
          notificationId,
          zoomEvent: eventName,
          requestId,
          bytes,
          secret,
          ackMs,
        });
        return;
      }
      case 'challenge':
        ledger.count(app, 'challenge');
        facts.challenge(app);
        metrics.notification(app, 'challenge', ackMs);
        log.info({ event: 'challenge_answered', app, ackMs });
        return;
      case 'rejected':
        ledger.count(app, rejectedName(event.reason));
        metrics.notification(app, event.reason, ackMs);
        log.warn({ event: 'rejected', app, reason: event.reason, ackMs });
        return;
      case 'turned_away': {
        const { code, notificationId, cause } = event;
        const detail = cause instanceof Error ? describeError(cause.cause ?? cause).message : undefined;
        ledger.count(app, 'turnedAway');
        metrics.notification(app, turnedAwayCodes.find((known) => known === code) ?? 'internal', ackMs);
        log.error({ event: 'turned_away', app, code, notificationId, detail, ackMs });
        return;
      }
      default:
        unreachable(event);
    }
  };
}

/** One log line and one metric for each attempt of a delivery. */
export function reportDelivery({
  log,
  metrics,
  latency,
  outages,
}: Omit<Reporters, 'ledger' | 'facts'>): DeliveryObserver {
  return (event) => {
    if (event.kind === 'circuit') {
      const { app, consumer, from, to } = event;
      if ('sinceMs' in from && !('sinceMs' in to)) outages.ended(app, consumer, from.sinceMs);
      reportCircuit(event, log);
      return;
    }
    const { app, consumer, notificationId, record } = event;
    const { attempt, status, error, durationMs, outcome } = record;
    const resigned = record.resigned === undefined ? undefined : true;
    const fields = { app, consumer, notificationId, attempt, status, error, durationMs, resigned };
    metrics.attempt(app, consumer, outcome, durationMs);
    switch (event.kind) {
      case 'delivered':
        // How long ago it came says nothing of how fast the consumer is when an operator has asked for it again.
        if (event.replayId === undefined) {
          metrics.delivered(app, consumer, event.latencyMs);
          if (event.sinceEventMs !== undefined) metrics.eventDelivered(app, consumer, event.sinceEventMs);
          latency.delivered(app, consumer, event.latencyMs);
        }
        log.info({ event: 'delivered', ...fields, latencyMs: event.latencyMs, sinceEventMs: event.sinceEventMs });
        return;
      case 'attempt_failed':
        log.warn({ event: 'attempt_failed', ...fields, outcome, retryInMs: event.delayMs });
        return;
      case 'held':
        log.info({ event: 'held', ...fields, outcome, holdMs: event.delayMs });
        return;
      case 'dead':
        metrics.dead(app, consumer, event.reason);
        log.error({ event: 'dead', ...fields, outcome, reason: event.reason, detail: event.detail });
        return;
      default:
        unreachable(event);
    }
  };
}

/** A line when the circuit changes its kind or opens anew; counting single failures is no event. */
function reportCircuit(event: Extract<DeliveryEvent, { kind: 'circuit' }>, log: Log): void {
  const { app, consumer, from, to } = event;
  if (from.kind === to.kind) return;
  const until = 'untilMs' in to ? new Date(to.untilMs).toISOString() : undefined;
  const down = 'sinceMs' in to ? to : 'sinceMs' in from ? from : undefined;
  const since = down === undefined ? undefined : new Date(down.sinceMs).toISOString();
  const fields = { event: `circuit_${to.kind}`, app, consumer, until, since, openings: down?.openings };
  if (to.kind === 'open') log.error(fields);
  else log.info(fields);
}
