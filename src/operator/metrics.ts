import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds. Zoom waits 3, ACK_DEADLINE_MS is 1.5 by default. */
const ackBuckets = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 3];
const attemptBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export interface StoreHealth {
  readonly ready: boolean;
  readonly findings: readonly { readonly level: string; readonly code: string }[];
}

const circuitStates = ['closed', 'throttled', 'half_open', 'open'];

/** Prometheus series of this process. Labels are bounded: apps, consumers and closed lists. */
export interface Metrics {
  notification(app: string, result: string, ackMs: number): void;
  unknownApp(): void;
  attempt(app: string, consumer: string, outcome: string, durationMs: number): void;
  dead(app: string, consumer: string, reason: string): void;
  circuit(app: string, consumer: string, kind: string): void;
  /** The text exposition format. */
  render(): Promise<{ readonly contentType: string; readonly body: string }>;
}

export function createMetrics(store: () => StoreHealth): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const notifications = new Counter({
    name: 'zoom_relay_notifications_total',
    help: 'Requests to the Zoom endpoint by result: accepted, duplicate, challenge, or the error code answered (app is empty for app_unknown).',
    labelNames: ['app', 'result'],
    registers,
  });
  const ack = new Histogram({
    name: 'zoom_relay_acknowledgement_seconds',
    help: 'From headers read to answer ready.',
    labelNames: ['app'],
    buckets: ackBuckets,
    registers,
  });
  const attempts = new Counter({
    name: 'zoom_relay_delivery_attempts_total',
    help: 'Attempts by outcome: delivered, refused, throttled, unavailable, failed, gave_up, corrupt, unreadable.',
    labelNames: ['app', 'consumer', 'outcome'],
    registers,
  });
  const duration = new Histogram({
    name: 'zoom_relay_delivery_attempt_seconds',
    help: 'How long attempts took.',
    labelNames: ['app', 'consumer'],
    buckets: attemptBuckets,
    registers,
  });
  const dead = new Counter({
    name: 'zoom_relay_dead_deliveries_total',
    help: 'Deliveries that will not be tried again by themselves, by reason.',
    labelNames: ['app', 'consumer', 'reason'],
    registers,
  });
  const circuits = new Gauge({
    name: 'zoom_relay_circuit_state',
    help: 'The circuit of a consumer as this process last changed it: 0 closed, 1 throttled, 2 half open, 3 open.',
    labelNames: ['app', 'consumer'],
    registers,
  });
  new Gauge({
    name: 'zoom_relay_store_ready',
    help: '1 while the store takes notifications, else 0.',
    registers,
    collect() {
      this.set(store().ready ? 1 : 0);
    },
  });
  new Gauge({
    name: 'zoom_relay_store_findings',
    help: 'What the store says about how well it keeps things, 1 for each: see the log line store_finding of that code.',
    labelNames: ['level', 'code'],
    registers,
    collect() {
      this.reset();
      for (const { level, code } of store().findings) this.set({ level, code }, 1);
    },
  });

  return {
    notification(app, result, ackMs) {
      notifications.inc({ app, result });
      ack.observe({ app }, ackMs / 1000);
    },
    unknownApp() {
      notifications.inc({ app: '', result: 'app_unknown' });
    },
    attempt(app, consumer, outcome, durationMs) {
      attempts.inc({ app, consumer, outcome });
      duration.observe({ app, consumer }, durationMs / 1000);
    },
    dead(app, consumer, reason) {
      dead.inc({ app, consumer, reason });
    },
    circuit(app, consumer, kind) {
      circuits.set({ app, consumer }, circuitStates.indexOf(kind));
    },
    async render() {
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
  };
}
