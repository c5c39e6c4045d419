import { randomBytes } from 'node:crypto';
import type { ConsumerCounts } from '../delivery/ledger.ts';
import type { NewDelivery } from '../delivery/stored-delivery.ts';
import { RelayError } from '../errors.ts';
import { Batcher, type Budget } from './batcher.ts';
import type { BullQueue, Engine } from './engine.ts';

const maxBatchItems = 250;
const maxBatchBytes = 4 * 1024 * 1024;
/** A write that takes longer than any acknowledgement may: the store hangs. */
const stuckAfterMs = 2000;
/** Nobody listens to BullMQ's event stream here; keep it as short as it can be. */
const eventStreamLength = 1;

export interface DeliveryQueue {
  add(delivery: NewDelivery): Promise<boolean>;
  counts(): Promise<ConsumerCounts>;
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
    (batch) => addBatch(engine, queue, queueName, batch),
    { maxBatchItems, maxBatchBytes, stuckAfterMs, budget, batchesInFlight: engine.batchesInFlight },
    nowMs,
  );

  return {
    add: (delivery) => batcher.add(delivery, delivery.sizeBytes),

    async counts() {
      const counts = await queue.getJobCounts('wait', 'delayed', 'active', 'completed', 'failed');
      const { wait = 0, delayed = 0, active = 0, completed = 0, failed = 0 } = counts;
      return { delivered: completed, pending: wait + delayed + active, dead: failed };
    },

    close: () => queue.close(),
  };
}

/**
 * Adds jobs and tells which are new. BullMQ folds a job whose id is there already and does not say so. Each job is
 * therefore named with a nonce of its own, and the stored name shows whose job it is: exact also when two processes
 * add the same id at the same instant.
 */
async function addBatch(
  engine: Engine,
  queue: BullQueue,
  queueName: string,
  batch: readonly NewDelivery[],
): Promise<readonly boolean[]> {
  const named = batch.map((delivery) => ({
    delivery,
    name: `${delivery.label}#${randomBytes(6).toString('base64url')}`,
  }));
  await queue.addBulk(named.map(({ delivery, name }) => ({ name, data: delivery.data, opts: { jobId: delivery.id } })));
  const ids = batch.map(({ id }) => id);
  const stored = await engine.jobNames(queue, queueName, ids);
  return named.map(({ delivery, name }) => {
    const storedName = stored.get(delivery.id);
    // Delivered and removed by retention within this very moment, or not written: ask Zoom again, folding is harmless.
    if (storedName === undefined) throw new RelayError('store_unavailable', 'a delivery was not found after adding it');
    return storedName === name;
  });
}
