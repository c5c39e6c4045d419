import { createRedisBackend, type JobJson, withBackend } from 'bullmq';
import type { StoredDelivery } from '../delivery/stored-delivery.ts';
import type { NewJob } from './engine.ts';
import { redisJobName } from './redis-job-name.ts';
import { type Client, markArguments, readMarkAnswers } from './redis-ledger.ts';
import { runScript } from './run-script.ts';

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
    const marked = runScript(client, ...markArguments(prefix, jobs, nowMs));
    const [answer] = await Promise.all([marked, ...added]);
    return readMarkAnswers(answer);
  }
}

/**
 * As BullMQ makes it of a name and data, but without its options, which would say the id once more: the policy of this
 * release decides, see `adoptPolicy`.
 */
function jobJson(job: NewJob, nowMs: number): JobJson {
  return {
    id: job.id,
    name: redisJobName(job),
    data: JSON.stringify(job.data),
    opts: {},
    timestamp: nowMs,
    progress: 0,
    attemptsMade: 0,
    attemptsStarted: 0,
    stalledCounter: 0,
    failedReason: '',
    returnvalue: '',
  };
}
