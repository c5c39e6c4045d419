import { Counter, Histogram, type Registry } from 'prom-client';
import { type DeathReason, deathReasons } from '../../delivery/decide.ts';
import type { AppKey, ConsumerKey } from '../../delivery/names.ts';
import { type OutcomeKind, outcomeKinds } from '../../delivery/outcome.ts';
import type { ConsumerName, ReplayResult } from '../ports.ts';
import { believableLagSec } from './believable-lag.ts';

/** Seconds. */
const attemptBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Seconds: from what goes through at once to what waited for days. */
const latencyBuckets = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400, 259_200];

const replayResults: Readonly<Record<ReplayResult, true>> = {
  replayed: true,
  brought_forward: true,
  on_its_way: true,
  delivered_already: true,
  gone: true,
};

export interface DeliveryMetrics {
  attempt(app: AppKey, consumer: ConsumerKey, outcome: OutcomeKind, durationMs: number): void;
  /** @param latencyMs from receipt to the consumer's answer */
  delivered(app: AppKey, consumer: ConsumerKey, latencyMs: number): void;
  /** @param sinceEventMs from `event_ts` to the consumer's answer; counted if `believableLagSec` */
  eventDelivered(app: AppKey, consumer: ConsumerKey, sinceEventMs: number): void;
  dead(app: AppKey, consumer: ConsumerKey, reason: DeathReason): void;
  /** An operator asked for one delivery again. */
  replayed(app: AppKey, consumer: ConsumerKey, result: ReplayResult): void;
}

export function createDeliveryMetrics(registry: Registry, consumers: readonly ConsumerName[]): DeliveryMetrics {
  const registers = [registry];
  const attempts = new Counter({
    name: 'zoom_relay_delivery_attempts_total',
    help: `Attempts by outcome: ${outcomeKinds.join(', ')}.`,
    labelNames: ['app', 'consumer', 'outcome'],
    registers,
  });
  const durations = new Histogram({
    name: 'zoom_relay_delivery_attempt_seconds',
    help: 'How long attempts took.',
    labelNames: ['app', 'consumer'],
    buckets: attemptBuckets,
    registers,
  });
  const latencies = new Histogram({
    name: 'zoom_relay_delivery_latency_seconds',
    help: 'From receipt of a notification to its delivery, with all waits and attempts.',
    labelNames: ['app', 'consumer'],
    buckets: latencyBuckets,
    registers,
  });
  const sinceEvent = new Histogram({
    name: 'zoom_relay_event_delivery_seconds',
    help: "From a notification's event_ts to its delivery: what Zoom, the network and the relay took.",
    labelNames: ['app', 'consumer'],
    buckets: latencyBuckets,
    registers,
  });
  const deaths = new Counter({
    name: 'zoom_relay_dead_deliveries_total',
    help: `Deliveries that will not be tried again by themselves, by reason: ${deathReasons.join(', ')}.`,
    labelNames: ['app', 'consumer', 'reason'],
    registers,
  });
  const replays = new Counter({
    name: 'zoom_relay_replayed_deliveries_total',
    help: `Deliveries that an operator asked for again, by result: ${Object.keys(replayResults).join(', ')}.`,
    labelNames: ['app', 'consumer', 'result'],
    registers,
  });
  for (const { app, consumer } of consumers) {
    for (const outcome of outcomeKinds) attempts.inc({ app, consumer, outcome }, 0);
    for (const reason of deathReasons) deaths.inc({ app, consumer, reason }, 0);
    for (const result of Object.keys(replayResults)) replays.inc({ app, consumer, result }, 0);
    durations.zero({ app, consumer });
    latencies.zero({ app, consumer });
    sinceEvent.zero({ app, consumer });
  }

  return {
    attempt(app, consumer, outcome, durationMs) {
      attempts.inc({ app, consumer, outcome });
      durations.observe({ app, consumer }, durationMs / 1000);
    },
    delivered(app, consumer, latencyMs) {
      latencies.observe({ app, consumer }, latencyMs / 1000);
    },
    eventDelivered(app, consumer, sinceEventMs) {
      const lagSec = believableLagSec(sinceEventMs);
      if (lagSec !== undefined) sinceEvent.observe({ app, consumer }, lagSec);
    },
    dead(app, consumer, reason) {
      deaths.inc({ app, consumer, reason });
    },
    replayed(app, consumer, result) {
      replays.inc({ app, consumer, result });
    },
  };
}
