import type { NewDelivery } from '../delivery/stored-delivery.ts';
import { Batcher, type Budget } from './batcher.ts';
import type { Engine } from './engine.ts';

const maxBatchItems = 250;
const maxBatchBytes = 4 * 1024 * 1024;
/** A write that takes longer than any acknowledgement may: the store hangs. */
const stuckAfterMs = 2000;
/** Nobody listens to BullMQ's event stream here; keep it as short as it can be. */
const eventStreamLength = 1;

export interface DeliveryQueue {
  add(delivery: NewDelivery): Promise<boolean>;
  /** Rejects when it has to be opened anew. */
  waitUntilReady(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  close(): Promise<void>;
}

/** One (app, consumer) queue. Adds of one moment go out as one batch. */
export function openDeliveryQueue(
  engine: Engine,
  queueName: string,
  budget: Budget,
  nowMs: () => number,
): DeliveryQueue {
  const queue = engine.openQueue(queueName, { streams: { events: { maxLen: eventStreamLength } } });
  queue.on('error', () => {}); // outages are seen by status() and by the adds that fail
  const batcher = new Batcher<NewDelivery, boolean>(
    (batch) => engine.add(queue, queueName, batch),
    { maxBatchItems, maxBatchBytes, stuckAfterMs, budget, batchesInFlight: engine.batchesInFlight },
    nowMs,
  );
  return {
    add: (delivery) => batcher.add(delivery, delivery.sizeBytes),
    waitUntilReady: () => queue.waitUntilReady(),
    pause: () => queue.pause(),
    resume: () => queue.resume(),
    close: () => queue.close(),
  };
}
