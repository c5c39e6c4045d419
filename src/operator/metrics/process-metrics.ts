import { collectDefaultMetrics, Registry } from 'prom-client';
import { metricPrefix } from './metric-prefix.ts';

/** Gauges whose names Prometheus keeps for counters. */
const misnamed = ['nodejs_active_resources_total', 'nodejs_active_handles_total', 'nodejs_active_requests_total'];

let shared: Registry | undefined;

/**
 * Memory, CPU, event loop lag and garbage collection of this process. Made once, however many relays live in it: what
 * watches them (an unreferenced timer and an observer) cannot be closed.
 */
export function processMetrics(): Registry {
  if (shared !== undefined) return shared;
  shared = new Registry();
  collectDefaultMetrics({ register: shared, prefix: metricPrefix });
  for (const name of misnamed) shared.removeSingleMetric(`${metricPrefix}${name}`);
  return shared;
}
