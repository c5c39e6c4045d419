import type { DeliveryObserver } from './consumers/ports.ts';
import type { IntakeTally } from './delivery/intake-tally.ts';
import { unreachable } from './errors.ts';
import type { IntakeObserver } from './intake/ports.ts';
import { describeError, type Log } from './log.ts';
import type { Metrics } from './operator/metrics.ts';

/** One log line, one count, one metric for each request to an app's endpoint. */
export function reportIntake(log: Log, tally: IntakeTally, metrics: Metrics): IntakeObserver {
  return (event) => {
    if (event.kind === 'app_unknown') {
      log.warn({ event: 'rejected', reason: 'app_unknown', key: event.key });
      return;
    }
    const { app, ackMs } = event;
    switch (event.kind) {
      case 'accepted':
      case 'duplicate': {
        const { kind: result, notificationId, eventName, requestId, bytes } = event;
        tally.count(app, result);
        metrics.notification(app, result, ackMs);
        log.info({ event: 'received', app, result, notificationId, zoomEvent: eventName, requestId, bytes, ackMs });
        return;
      }
      case 'challenge':
        tally.count(app, 'challenge');
        metrics.notification(app, 'challenge', ackMs);
        log.info({ event: 'challenge_answered', app, ackMs });
        return;
      case 'rejected':
        tally.countRejected(app, event.reason);
        metrics.notification(app, event.reason, ackMs);
        log.warn({ event: 'rejected', app, reason: event.reason, ackMs });
        return;
      case 'turned_away': {
        const { code, notificationId, cause } = event;
        const detail = cause instanceof Error ? describeError(cause.cause ?? cause).message : undefined;
        tally.count(app, 'turnedAway');
        metrics.notification(app, code, ackMs);
        log.error({ event: 'turned_away', app, code, notificationId, detail, ackMs });
        return;
      }
      default:
        unreachable(event);
    }
  };
}

/** One log line and one metric for each attempt of a delivery. */
export function reportDelivery(log: Log, metrics: Metrics): DeliveryObserver {
  return (event) => {
    const { app, consumer, notificationId, record } = event;
    const { attempt, status, error, durationMs, outcome } = record;
    const fields = { app, consumer, notificationId, attempt, status, error, durationMs };
    metrics.attempt(app, consumer, outcome, durationMs);
    switch (event.kind) {
      case 'delivered':
        log.info({ event: 'delivered', ...fields, latencyMs: event.latencyMs });
        return;
      case 'attempt_failed':
        log.warn({ event: 'attempt_failed', ...fields, outcome, retryInMs: event.delayMs });
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
