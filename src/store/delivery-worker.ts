import { RateLimitError, UnrecoverableError } from 'bullmq';
import type { AttemptRecord } from '../delivery/attempt.ts';
import { unreachable } from '../errors.ts';
import { readAttemptRecords } from './attempt-records.ts';
import { AttemptSlots } from './attempt-slots.ts';
import type { BullWorker, DeliveryJob, DeliveryProcessor, Engine } from './engine.ts';
import { readReplayMarks } from './replay-marks.ts';
import type { ClaimedDelivery, ProcessDelivery, SettledDelivery, WorkOptions } from './store.ts';

/** How often a worker looks for deliveries whose worker was lost, milliseconds. */
const stalledIntervalMs = 6000;
/** How long an idle worker waits for the store to wake it before it looks by itself, seconds. */
const drainDelaySec = 10;
/**
 * BullMQ fails a job for good once its worker was lost this often; its default of 1 loses deliveries when a process
 * is killed twice.
 */
const maxStalledCount = 1_000_000;
/** After a lost connection a worker asks again this soon, milliseconds (BullMQ: 15 s). */
const retryAfterOutageMs = 1000;
/** For a surprise: `process` rejected, because the store went away under it or by a bug. */
const retryAfterSurpriseMs = 5000;
const keptAttempts = 100;

/** A worker on one queue, to be run once it is ready: claims deliveries, has them processed, and carries the decision out. */
export function openDeliveryWorker(
  engine: Engine,
  queueName: string,
  options: WorkOptions,
  process: ProcessDelivery,
  onError: (error: unknown) => void,
): BullWorker {
  const slots = new AttemptSlots(options.concurrency, options.claimedAhead ?? 0);
  const processor: DeliveryProcessor = async (job) => {
    adoptPolicy(job);
    // This process is stopping: back to the queue, for others to take.
    if (!(await slots.take())) return carryOut(worker, { decision: { kind: 'defer', delayMs: 0 } });
    const startedAtMs = performance.now();
    try {
      return await carryOut(worker, await process(claimedFrom(job)));
    } finally {
      slots.free(performance.now() - startedAtMs);
      worker.concurrency = slots.claims;
    }
  };
  const worker = engine.openWorker(queueName, processor, {
    autorun: false,
    concurrency: slots.claims,
    lockDuration: options.lockMs,
    stalledInterval: stalledIntervalMs,
    drainDelay: drainDelaySec,
    maxStalledCount,
    runRetryDelay: retryAfterOutageMs,
    ...(options.rateLimit && { limiter: { max: options.rateLimit.max, duration: options.rateLimit.durationMs } }),
    ...(engine.removesAsJobsFinish && {
      removeOnComplete: { age: seconds(options.retainDeliveredMs), count: options.retainDeliveredCount },
      removeOnFail: { age: seconds(options.retainDeadMs) },
    }),
    settings: { backoffStrategy: (_attempt, _type, error) => retryDelayOf(error) },
  });
  worker.on('error', onError);
  worker.on('closing', () => slots.close());
  return worker;
}

/** What a job says, as the workers know it. Not `attemptsMade`: BullMQ counts surprises too. */
function claimedFrom(job: DeliveryJob): ClaimedDelivery {
  const history = readAttemptRecords(job.stacktrace);
  const replay = readReplayMarks(job.progress).at(-1);
  // By the last record's own number, because only so many records are kept.
  const before = Math.max(history.length, history.at(-1)?.attempt ?? 0, replay?.attemptsBefore ?? 0);
  return { id: job.id ?? '', data: job.data, attempt: before + 1, history, ...(replay !== undefined && { replay }) };
}

/** The policy of this release decides, not one stored with the job: options of queued jobs would outlive a change. */
function adoptPolicy(job: DeliveryJob): void {
  job.opts.attempts = Number.MAX_SAFE_INTEGER;
  job.opts.backoff = { type: 'decided' };
  job.opts.stackTraceLimit = keptAttempts;
}

/**
 * A failed attempt. BullMQ keeps the `stack` of each failure with the job in the write that reschedules it: the attempt
 * record rides in it, so that the attempt log costs no round trip of its own.
 */
class AttemptFailed extends Error {
  readonly delayMs: number;

  constructor(record: AttemptRecord | undefined, delayMs: number) {
    super(describeAttempt(record));
    this.delayMs = delayMs;
    this.stack = record === undefined ? '' : JSON.stringify(record);
  }
}

/** Tells BullMQ what was decided: a return completes the job, an error reschedules it or fails it for good. */
async function carryOut(worker: BullWorker, { decision, record }: SettledDelivery): Promise<AttemptRecord> {
  switch (decision.kind) {
    case 'done':
      if (record !== undefined) return record;
      throw new Error('a delivery was called done without an attempt');
    case 'retry':
      throw new AttemptFailed(record, decision.delayMs);
    case 'defer':
      throw new AttemptFailed(undefined, decision.delayMs); // without a record it does not count
    case 'hold':
      await worker.rateLimit(Math.ceil(decision.delayMs));
      throw new RateLimitError();
    case 'dead': {
      const dead = new UnrecoverableError(`${decision.reason}: ${describeAttempt(record)}`);
      dead.stack = JSON.stringify(record);
      throw dead;
    }
    default:
      return unreachable(decision);
  }
}

function describeAttempt(record: AttemptRecord | undefined): string {
  return [record?.outcome, record?.status, record?.error].filter((part) => part !== undefined).join(' ');
}

function retryDelayOf(error: Error | undefined): number {
  return error instanceof AttemptFailed ? error.delayMs : retryAfterSurpriseMs;
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
