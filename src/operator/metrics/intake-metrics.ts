import { Counter, Histogram, type Registry } from 'prom-client';
import type { AppKey } from '../../delivery/names.ts';
import { believableLagSec } from './believable-lag.ts';

/** Seconds. Zoom waits 3, ACK_DEADLINE_MS is 1.5 by default. */
const ackBuckets = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 3];
/** Seconds. Zoom repeats after 5, 20 and 60 minutes. */
const lagBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1200, 3600, 7200];

export interface IntakeMetrics {
  /** @param result one of the results given at the start */
  notification(app: AppKey, result: string, ackMs: number): void;
  /** @param lagMs from `event_ts` to receipt; counted if `believableLagSec` */
  eventLag(app: AppKey, lagMs: number): void;
  unknownApp(): void;
}

export function createIntakeMetrics(
  registry: Registry,
  apps: readonly AppKey[],
  results: readonly string[],
): IntakeMetrics {
  const registers = [registry];
  const notifications = new Counter({
    name: 'zoom_relay_notifications_total',
    help: 'Requests to the Zoom endpoint by result: accepted, duplicate, challenge, or the error code answered (app is empty for app_unknown).',
    labelNames: ['app', 'result'],
    registers,
  });
  const acknowledgements = new Histogram({
    name: 'zoom_relay_acknowledgement_seconds',
    help: 'From headers read to answer ready.',
    labelNames: ['app'],
    buckets: ackBuckets,
    registers,
  });
  const lags = new Histogram({
    name: 'zoom_relay_event_lag_seconds',
    help: 'From the event_ts of accepted notifications to their receipt.',
    labelNames: ['app'],
    buckets: lagBuckets,
    registers,
  });
  for (const app of apps) {
    for (const result of results) notifications.inc({ app, result }, 0);
    acknowledgements.zero({ app });
    lags.zero({ app });
  }
  notifications.inc({ app: '', result: 'app_unknown' }, 0);

  return {
    notification(app, result, ackMs) {
      notifications.inc({ app, result });
      acknowledgements.observe({ app }, ackMs / 1000);
    },
    eventLag(app, lagMs) {
      const lagSec = believableLagSec(lagMs);
      if (lagSec !== undefined) lags.observe({ app }, lagSec);
    },
    unknownApp() {
      notifications.inc({ app: '', result: 'app_unknown' });
    },
  };
}
