import { createRedisBackend, type JobJson, withBackend } from 'bullmq';
import type { StoredDelivery } from '../delivery/stored-delivery.ts';
import type { NewJob } from './engine.ts';
import { type Client, markNewJobs } from './redis-ledger.ts';

const { Queue } = withBackend(createRedisBackend);

/** A BullMQ queue that adds and marks in one round trip: what tells who was first is sent right behind the adds. */
export class AddingQueue extends Queue<StoredDelivery> {
  /**
   * @param client what the queue has as its connection: commands of one connection are carried out in order
   * @param prefix of the queue's keys, with the colon at its end
   * @returns for each whether it is new
   */
  async addAndMark(
    client: Client,
    prefix: string,
    jobs: readonly NewJob[],
    nowMs: number,
  ): Promise<readonly boolean[]> {
    const { backend } = this;
    const adding = await backend.client;
    const added = jobs.map((job) => backend.addJobToTransaction(adding, jobJson(job, nowMs), job.id));
    const [areNew] = await Promise.all([markNewJobs(client, prefix, jobs, nowMs), ...added]);
    return areNew;
  }
}

/** As BullMQ makes it of a name, data and `{ jobId }`; what a new job does not have yet is not sent. */
function jobJson({ id, label, data }: NewJob, nowMs: number): JobJson {
  return {
    id,
    name: label,
    data: JSON.stringify(data),
    opts: { jobId: id, attempts: 0 },
    timestamp: nowMs,
    progress: 0,
    attemptsMade: 0,
    attemptsStarted: 0,
    stalledCounter: 0,
    failedReason: '',
    returnvalue: '',
  };
}
