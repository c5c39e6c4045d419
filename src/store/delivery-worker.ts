import { UnrecoverableError } from 'bullmq';
import { unreachable } from '../errors.ts';
import type { BullWorker, DeliveryJob, DeliveryProcessor, Engine } from './engine.ts';
import type { ProcessDelivery, SettledDelivery, WorkOptions } from './store.ts';

/** How often a worker looks for deliveries whose worker was lost, milliseconds. */
const stalledIntervalMs = 4000;
/**
 * BullMQ fails a job for good once its worker was lost this often; its default of 1 loses deliveries when a process
 * is killed twice.
 */
const maxStalledCount = 1_000_000;
/** After a lost connection a worker asks again this soon, milliseconds (BullMQ: 15 s). */
const retryAfterOutageMs = 1000;
/** For a bug: `process` must not reject. */
const retryAfterBugMs = 60_000;
const keptAttempts = 100;

/** A worker on one queue: claims deliveries, has them processed, and carries the decision out. */
export function openDeliveryWorker(
  engine: Engine,
  queueName: string,
  options: WorkOptions,
  process: ProcessDelivery,
  onError: (error: Error) => void,
): BullWorker {
  const processor: DeliveryProcessor = async (job) => {
    const attempt = job.attemptsMade + 1;
    const settled = await process({ id: job.id ?? '', data: job.data, attempt });
    return carryOut(job, settled);
  };
  const worker = engine.openWorker(queueName, processor, {
    autorun: false,
    concurrency: options.concurrency,
    lockDuration: options.lockMs,
    stalledInterval: stalledIntervalMs,
    maxStalledCount,
    runRetryDelay: retryAfterOutageMs,
    removeOnComplete: { age: seconds(options.retainDeliveredMs), count: options.retainDeliveredCount },
    removeOnFail: { age: seconds(options.retainDeadMs) },
    settings: { backoffStrategy: (_attempt, _type, error) => retryDelayOf(error) },
  });
  worker.on('error', onError);
  void worker.run().catch(onError);
  return worker;
}

/**
 * A failed attempt. BullMQ keeps the `stack` of each failure with the job in the write that reschedules it: the attempt
 * record rides in it, so that the attempt log costs no round trip of its own.
 */
class AttemptFailed extends Error {
  readonly delayMs: number;

  constructor({ record }: SettledDelivery, delayMs: number) {
    super(describeAttempt(record));
    this.delayMs = delayMs;
    this.stack = JSON.stringify(record);
  }
}

/** Tells BullMQ what was decided: a return completes the job, an error reschedules it or fails it for good. */
function carryOut(job: DeliveryJob, settled: SettledDelivery): SettledDelivery['record'] {
  const { decision, record } = settled;
  // The policy of this release decides, not one stored with the job: options of queued jobs would outlive a change.
  job.opts.attempts = Number.MAX_SAFE_INTEGER;
  job.opts.backoff = { type: 'decided' };
  job.opts.stackTraceLimit = keptAttempts;
  switch (decision.kind) {
    case 'done':
      return record;
    case 'retry':
      throw new AttemptFailed(settled, decision.delayMs);
    case 'dead': {
      const dead = new UnrecoverableError(`${decision.reason}: ${describeAttempt(record)}`);
      dead.stack = JSON.stringify(record);
      throw dead;
    }
    default:
      return unreachable(decision);
  }
}

function describeAttempt({ outcome, status, error }: SettledDelivery['record']): string {
  return [outcome, status, error].filter((part) => part !== undefined).join(' ');
}

function retryDelayOf(error: Error | undefined): number {
  return error instanceof AttemptFailed ? error.delayMs : retryAfterBugMs;
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
