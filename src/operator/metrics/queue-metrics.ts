import { Counter, Gauge, type Registry } from 'prom-client';
import type { Circuit } from '../../delivery/circuit.ts';
import type { ConsumerName } from '../ports.ts';
import { readAtScrape } from './read-at-scrape.ts';
import type { QueueReading } from './read-queues.ts';

const states = ['waiting', 'delayed', 'active', 'dead'] as const;
const circuitLevels: Readonly<Record<Circuit['kind'], number>> = { closed: 0, throttled: 1, half_open: 2, open: 3 };

export interface QueueMetrics {
  /** Brings the series up to date if they are not; after a failure or the time limit they keep their values. Never rejects. */
  refresh(): Promise<void>;
}

/** @param nowMs milliseconds of a clock that only goes forward */
export function createQueueMetrics(
  registry: Registry,
  consumers: readonly ConsumerName[],
  readQueues: () => Promise<readonly QueueReading[]>,
  nowMs: () => number,
): QueueMetrics {
  const show = createGauges(registry, consumers);
  const failures = new Counter({
    name: 'zoom_relay_queues_read_failures_total',
    help: 'Scrapes for which the queues could not be read within 2 s: zoom_relay_deliveries, _oldest_pending_seconds and _circuit_state then have the values of before.',
    registers: [registry],
  });
  const read = readAtScrape(async () => show(await readQueues()), nowMs);
  return {
    async refresh() {
      if (!(await read())) failures.inc();
    },
  };
}

/** The gauges of all consumers, at 0 until the first reading. */
function createGauges(
  registry: Registry,
  consumers: readonly ConsumerName[],
): (readings: readonly QueueReading[]) => void {
  const registers = [registry];
  const deliveries = new Gauge({
    name: 'zoom_relay_deliveries',
    help: 'Deliveries in the store now, of all processes, by state: waiting, delayed, active, dead.',
    labelNames: ['app', 'consumer', 'state'],
    registers,
  });
  const oldestPending = new Gauge({
    name: 'zoom_relay_oldest_pending_seconds',
    help: 'How long the oldest delivery that is neither delivered nor dead has been here; 0 when there is none.',
    labelNames: ['app', 'consumer'],
    registers,
  });
  const circuits = new Gauge({
    name: 'zoom_relay_circuit_state',
    help: 'The circuit of a consumer, shared by all processes: 0 closed, 1 throttled, 2 half open, 3 open.',
    labelNames: ['app', 'consumer'],
    registers,
  });
  const show = (reading: QueueReading): void => {
    const { app, consumer, oldestPendingMs = 0, circuitKind } = reading;
    for (const state of states) deliveries.set({ app, consumer, state }, reading[state]);
    oldestPending.set({ app, consumer }, oldestPendingMs / 1000);
    circuits.set({ app, consumer }, circuitLevels[circuitKind]);
  };
  const nothing = { waiting: 0, delayed: 0, active: 0, dead: 0, circuitKind: 'closed' } as const;
  for (const name of consumers) show({ ...name, ...nothing });
  return (readings) => readings.forEach(show);
}
