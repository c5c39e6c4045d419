import { Gauge, Histogram, type Registry } from 'prom-client';

/** Seconds. */
const roundTripBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 3];

export interface StoreHealth {
  readonly ready: boolean;
  readonly findings: readonly { readonly level: string; readonly code: string }[];
}

export interface StoreMetrics {
  /** The store kept what it was given; `ms` is how long that took. */
  storeRoundTrip(ms: number): void;
}

/** @param store asked whenever the metrics are read */
export function createStoreMetrics(registry: Registry, store: () => StoreHealth): StoreMetrics {
  const registers = [registry];
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
  const roundTrips = new Histogram({
    name: 'zoom_relay_store_round_trip_seconds',
    help: 'How long durable writes took that the store carried out, as notifications waited for them.',
    buckets: roundTripBuckets,
    registers,
  });
  return {
    storeRoundTrip(ms) {
      roundTrips.observe(ms / 1000);
    },
  };
}
