import { Registry } from 'prom-client';
import { createDeliveryMetrics, type DeliveryMetrics } from './metrics/delivery-metrics.ts';
import { createIntakeMetrics, type IntakeMetrics } from './metrics/intake-metrics.ts';
import { processMetrics } from './metrics/process-metrics.ts';
import { createQueueMetrics } from './metrics/queue-metrics.ts';
import type { QueueReading } from './metrics/read-queues.ts';
import { createStoreMetrics, type StoreHealth, type StoreMetrics } from './metrics/store-metrics.ts';
import type { ConsumerName } from './ports.ts';

/** Prometheus series of this process. Labels are bounded (apps, consumers, closed lists), and all there from the start. */
export interface Metrics extends IntakeMetrics, DeliveryMetrics, StoreMetrics {
  /** The text exposition format. Never rejects because the store is away. */
  render(): Promise<{ readonly contentType: string; readonly body: string }>;
}

export interface MetricsParts {
  /** Every consumer of every app. */
  readonly consumers: readonly ConsumerName[];
  /** Every result that a request to an app's endpoint can have. */
  readonly results: readonly string[];
  readonly store: () => StoreHealth;
  /** Asked for by scrapes, at most every 5 s; one that takes longer than 2 s is a failure. */
  readonly readQueues: () => Promise<readonly QueueReading[]>;
  /** Milliseconds of a clock that only goes forward. */
  readonly nowMs: () => number;
}

export function createMetrics({ consumers, results, store, readQueues, nowMs }: MetricsParts): Metrics {
  const registry = new Registry();
  const apps = [...new Set(consumers.map(({ app }) => app))];
  const intake = createIntakeMetrics(registry, apps, results);
  const delivery = createDeliveryMetrics(registry, consumers);
  const ofStore = createStoreMetrics(registry, store);
  const queues = createQueueMetrics(registry, consumers, readQueues, nowMs);
  const ofProcess = processMetrics();
  return {
    ...intake,
    ...delivery,
    ...ofStore,
    async render() {
      await queues.refresh();
      const texts = await Promise.all([registry.metrics(), ofProcess.metrics()]);
      return { contentType: registry.contentType, body: texts.join('\n') };
    },
  };
}
