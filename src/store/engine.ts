import type { Job, Processor, QueueOptions, WorkerOptions } from 'bullmq';
import type { AttemptRecord } from '../delivery/attempt.ts';
import type { StoredDelivery } from '../delivery/stored-delivery.ts';
import type { EngineName } from './store.ts';

export type DeliveryJob = Job<StoredDelivery, AttemptRecord>;
export type DeliveryProcessor = Processor<StoredDelivery, AttemptRecord>;

/** What is used of a BullMQ `Queue`, whichever backend it has. */
export interface BullQueue {
  addBulk(
    jobs: { name: string; data: StoredDelivery; opts: { jobId: string } }[],
  ): Promise<readonly { readonly id?: string | undefined }[]>;
  getJobCounts(...states: ('wait' | 'delayed' | 'active' | 'completed' | 'failed')[]): Promise<Record<string, number>>;
  toKey(type: string): string;
  waitUntilReady(): Promise<void>;
  close(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** What is used of a BullMQ `Worker`. */
export interface BullWorker {
  run(): Promise<void>;
  waitUntilReady(): Promise<void>;
  close(force?: boolean): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export type BullQueueOptions = Omit<QueueOptions, 'connection' | 'prefix'>;
export type BullWorkerOptions = Omit<WorkerOptions, 'connection' | 'prefix'>;

/** One kind of store under BullMQ. An adapter uses one client library and is named for it. */
export interface Engine {
  readonly name: EngineName;
  /** Batches of one queue written at once; one where writers of a queue wait for each other anyway. */
  readonly batchesInFlight: number;
  /** Makes the store usable (connections, schema). Rejects when it cannot be done now; is then called again. */
  connect(): Promise<void>;
  /** Why a write would have to wait, as far as known without asking; `undefined` when nothing speaks against one. */
  obstacle(): string | undefined;
  openQueue(name: string, options: BullQueueOptions): BullQueue;
  openWorker(name: string, processor: DeliveryProcessor, options: BullWorkerOptions): BullWorker;
  /** The names of stored jobs by id. */
  jobNames(queue: BullQueue, queueName: string, ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Resolves when the store has answered on every connection that writes. */
  ping(): Promise<void>;
  /** Drops connections that no longer answer, so that they are made anew. */
  reset(): void;
  close(): Promise<void>;
}
