import type { Job, Processor, QueueOptions, WorkerOptions } from 'bullmq';
import type { AttemptRecord } from '../delivery/attempt.ts';
import type { StoredDelivery } from '../delivery/stored-delivery.ts';
import type { Finding } from './findings.ts';
import type {
  DeliveryPage,
  DeliveryQuery,
  KeptDelivery,
  NewReplayMark,
  ReplayResult,
  Whereabouts,
} from './kept-delivery.ts';
import type { EngineName, IntakeAccount, QueueAccount, QueueState, Records, Retention, SharedText } from './store.ts';

export type DeliveryJob = Job<StoredDelivery, AttemptRecord>;
export type DeliveryProcessor = Processor<StoredDelivery, AttemptRecord>;

/** What is used of a BullMQ `Queue`, whichever backend it has. */
export interface BullQueue {
  addBulk(
    jobs: { name: string; data: StoredDelivery; opts: { jobId: string } }[],
  ): Promise<readonly { readonly id?: string | undefined }[]>;
  waitUntilReady(): Promise<void>;
  /** Keeps all workers of the queue from claiming, until it is resumed. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  close(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** What is used of a BullMQ `Worker`. */
export interface BullWorker {
  /** Jobs that it claims at once. */
  concurrency: number;
  run(): Promise<void>;
  /** Holds the queue for that long, milliseconds, from when a job is next put back. */
  rateLimit(expireTimeMs: number): Promise<void>;
  waitUntilReady(): Promise<void>;
  close(force?: boolean): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'closing', listener: () => void): unknown;
}

export interface NewJob {
  readonly id: string;
  readonly label: string;
  readonly data: StoredDelivery;
  /** What a search for a text finds it by, see `NewDelivery`. An engine that is quick enough without need not keep them. */
  readonly handles?: readonly string[];
}

/** A space of records; takes only what was checked. */
export interface RecordSpace extends Records {
  /** Removes what has expired, in batches. */
  forgetExpired(): Promise<void>;
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
  /**
   * Of each queue in order: in how many milliseconds a worker finds something to do. 0 or less: now, also while something is
   * active, whose worker may be lost; a hold and delays count; `undefined`: nothing is there, or it is paused.
   */
  nextWork(queueNames: readonly string[]): Promise<readonly (number | undefined)[]>;
  /** Tells the processes that hear that something was put into a queue. Not everybody has to hear it. */
  announce(queueName: string): Promise<void>;
  /** From now on, through outages, calls back with queues that other processes put something into. */
  hear(onAnnounced: (queueName: string) => void, onError: (error: unknown) => void): void;
  /**
   * Whether finished jobs past their retention are removed as jobs finish. BullMQ's SQL for it reads all that is kept at
   * each completion (25 deliveries/s with 15,000 kept); there `removeExpired` does it once a minute.
   */
  readonly removesAsJobsFinish: boolean;
  /** Removes finished jobs past their retention, or what an index still holds of those that were removed. */
  removeExpired(queueName: string, retention: Retention, nowMs: number): Promise<void>;
  /** Adds jobs durably, counts the new ones in the queue's ledger, and tells for each whether it is new. */
  add(queue: BullQueue, queueName: string, jobs: readonly NewJob[]): Promise<readonly boolean[]>;
  /** What the ledger and the queue itself say, at one moment. */
  account(queueName: string): Promise<QueueAccount>;
  queueState(queueName: string): Promise<QueueState>;
  /** One short step of a search: its page may end after few were looked at. */
  scan(queueName: string, query: DeliveryQuery): Promise<DeliveryPage>;
  delivery(queueName: string, id: string): Promise<KeptDelivery | undefined>;
  /** Of each id in order. */
  whereabouts(queueName: string, ids: readonly string[]): Promise<readonly (Whereabouts | undefined)[]>;
  replay(queueName: string, id: string, mark: NewReplayMark, isForced: boolean): Promise<ReplayResult>;
  /** Begins to count what was stored by a process that was killed before it could count it; does not wait for it. */
  recount(queueName: string): Promise<void>;
  /** Adds to what is counted of the requests to an app, for the minute that has now. */
  countIntake(app: string, counts: Readonly<Record<string, number>>): Promise<void>;
  /** Removes minutes older than a day from the ledgers. */
  forgetOldMinutes(queueNames: readonly string[], apps: readonly string[]): Promise<void>;
  /** What was counted of the requests to an app. */
  intake(app: string): Promise<IntakeAccount>;
  /** A small text beside a queue, for workers. */
  sharedText(queueName: string, name: string): SharedText;
  /** Opens nothing, so that it can be asked for before the store is connected. */
  records(space: string): RecordSpace;
  /** How well the store keeps things, as it is set up now. */
  inspect(): Promise<readonly Finding[]>;
  /** Resolves when the store has answered on every connection that writes. */
  ping(): Promise<void>;
  /** Writes something that does not matter; rejects when the store takes no writes. */
  probeWrite(): Promise<void>;
  /** Drops connections that no longer answer, so that they are made anew. */
  reset(): void;
  close(): Promise<void>;
}
