import { Registry } from 'prom-client';
import type { ReadConnectionFigures } from './connections/connection-figures.ts';
import { type ConnectMetricLabels, type ConnectMetrics, createConnectMetrics } from './metrics/connect-metrics.ts';
import { createConnectionMetrics } from './metrics/connection-metrics.ts';
import { createDeliveryMetrics, type DeliveryMetrics } from './metrics/delivery-metrics.ts';
import { createIntakeMetrics, type IntakeMetrics } from './metrics/intake-metrics.ts';
import { processMetrics } from './metrics/process-metrics.ts';
import { createQueueMetrics } from './metrics/queue-metrics.ts';
import type { QueueReading } from './metrics/read-queues.ts';
import { createStoreMetrics, type StoreHealth, type StoreMetrics } from './metrics/store-metrics.ts';
import type { ConsumerName } from './ports.ts';

/** Prometheus series of this process. Labels are bounded (apps, consumers, closed lists), and all there from the start. */
export interface Metrics extends IntakeMetrics, DeliveryMetrics, StoreMetrics, ConnectMetrics {
  /** The text exposition format. Never rejects because the store is away. */
  render(): Promise<{ readonly contentType: string; readonly body: string }>;
}

export interface MetricsParts {
  /** Every consumer of every app. */
  readonly consumers: readonly ConsumerName[];
  /** Every result that a request to an app's endpoint can have. */
  readonly results: readonly string[];
  /** Absent: nobody can connect to any app. */
  readonly connect?: ConnectMetricLabels & { readonly readFigures: ReadConnectionFigures };
  readonly store: () => StoreHealth;
  /** Asked for by scrapes, as `readFigures`, at most every 5 s; one that takes longer than 2 s is a failure. */
  readonly readQueues: () => Promise<readonly QueueReading[]>;
  /** Milliseconds of a clock that only goes forward. */
  readonly nowMs: () => number;
}

const noConnect = {
  ...{ apps: [], consentResults: [], tokenKinds: [], tokenResults: [], refreshResults: [] },
  readFigures: async () => [],
};

export function createMetrics({
  consumers,
  results,
  connect = noConnect,
  store,
  readQueues,
  nowMs,
}: MetricsParts): Metrics {
  const registry = new Registry();
  const apps = [...new Set(consumers.map(({ app }) => app))];
  const intake = createIntakeMetrics(registry, apps, results);
  const delivery = createDeliveryMetrics(registry, consumers);
  const ofConnect = createConnectMetrics(registry, connect);
  const connections = createConnectionMetrics(registry, connect.apps, connect.readFigures, nowMs);
  const ofStore = createStoreMetrics(registry, store);
  const queues = createQueueMetrics(registry, consumers, readQueues, nowMs);
  const ofProcess = processMetrics();
  return {
    ...intake,
    ...delivery,
    ...ofConnect,
    ...ofStore,
    async render() {
      await Promise.all([queues.refresh(), connections.refresh()]);
      const texts = await Promise.all([registry.metrics(), ofProcess.metrics()]);
      return { contentType: registry.contentType, body: texts.join('\n') };
    },
  };
}
