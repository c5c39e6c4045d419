import { setTimeout as delay } from 'node:timers/promises';
import type { QueueName } from '../delivery/names.ts';
import { Attendance, type AttendanceTimes } from './attendance.ts';
import { openDeliveryWorker } from './delivery-worker.ts';
import type { Engine } from './engine.ts';
import { inTime } from './in-time.ts';
import { OnCallWorker } from './on-call-worker.ts';
import type { ProcessDelivery, Retention, WorkOptions } from './store.ts';

/** A look that takes longer has failed. */
const lookLimitMs = 10_000;

export interface WorkerGroupParts {
  readonly engine: Engine;
  /** Absent: every queue has its worker all the time. */
  readonly onCall?: AttendanceTimes;
  /** Milliseconds on any clock that only goes forward. */
  readonly nowMs: () => number;
  readonly onError: (error: unknown) => void;
}

/** The workers of a store, once it is open: those of all queues, or of those that have work. */
export class WorkerGroup {
  readonly #parts: WorkerGroupParts;
  readonly #attendance: Attendance | undefined;
  readonly #workers = new Map<QueueName, OnCallWorker[]>();
  readonly #retentions = new Map<QueueName, Retention>();
  readonly #stopping = new AbortController();
  #isOpen = false;

  constructor(parts: WorkerGroupParts) {
    this.#parts = parts;
    this.#attendance = parts.onCall && new Attendance(parts.onCall);
  }

  add(queue: QueueName, options: WorkOptions, process: ProcessDelivery): void {
    const { engine, onError } = this.#parts;
    const open = () => openDeliveryWorker(engine, queue, options, process, onError);
    const worker = new OnCallWorker(open, options.lockMs, onError);
    this.#retentions.set(queue, options);
    this.#workers.set(queue, [...(this.#workers.get(queue) ?? []), worker]);
    if (this.#isOpen) this.attend(queue);
  }

  /** The store is there. */
  open(): void {
    const { engine, onError, onCall } = this.#parts;
    if (this.#isOpen || this.#stopping.signal.aborted) return;
    this.#isOpen = true;
    if (onCall === undefined) {
      for (const queue of this.#workers.keys()) this.attend(queue);
      return;
    }
    engine.hear((queue) => this.attend(queue as QueueName), onError);
    void this.#lookAgainAndAgain(onCall.lookMs);
  }

  /**
   * Something was put into a queue.
   *
   * @returns whether this process sees to it
   */
  attend(queue: QueueName): boolean {
    const workers = this.#workers.get(queue);
    if (workers === undefined || !this.#isOpen || this.#stopping.signal.aborted) return false;
    this.#attendance?.noteWork(queue, this.#parts.nowMs());
    for (const worker of workers) worker.call();
    return true;
  }

  /** Removes finished deliveries past their retention from the queues worked on here. */
  async removeExpired(nowMs: number): Promise<void> {
    for (const [queue, retention] of this.#retentions) await this.#parts.engine.removeExpired(queue, retention, nowMs);
  }

  /** No new attempts; resolves when the active ones have ended and are settled. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#workers.values()].flat().map((worker) => worker.stop()));
  }

  async #lookAgainAndAgain(lookMs: number): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#look().catch((error) => {
        if (!signal.aborted) this.#parts.onError(error);
      });
      await delay(lookMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Also finds what nobody told of: what is due by now, what a killed worker had, what came while nobody listened. */
  async #look(): Promise<void> {
    const { engine } = this.#parts;
    if (engine.obstacle() !== undefined) return; // the store is away, and said to be
    const queues = [...this.#workers.keys()];
    const due = await inTime(engine.nextWork(queues), lookLimitMs);
    if (this.#stopping.signal.aborted) return;
    for (const [index, queue] of queues.entries()) {
      const isNeeded = this.#attendance?.judge(queue, due[index], this.#parts.nowMs());
      for (const worker of this.#workers.get(queue) ?? []) {
        if (isNeeded) worker.call();
        else worker.letGo();
      }
    }
  }
}
