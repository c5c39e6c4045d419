import type { QueueName } from '../delivery/names.ts';

/** With so many queues or fewer each has a worker all the time; with more, those that have work. */
export const alwaysAttended = 32;

export interface AttendanceTimes {
  /** Between two looks at what is in the queues, milliseconds. */
  readonly lookMs: number;
  /** How long a worker stays without work, milliseconds. */
  readonly idleMs: number;
}

export const attendanceTimes: AttendanceTimes = { lookMs: 15_000, idleMs: 30_000 };

/**
 * Decides which queues have a worker. A queue has one from when something was put into it, or from when a look found
 * something to do now or soon, until nothing of that has been so for `idleMs`.
 */
export class Attendance {
  readonly #times: AttendanceTimes;
  /** When there last was work, of the queues that are attended. */
  readonly #workedAtMs = new Map<QueueName, number>();

  constructor(times: AttendanceTimes) {
    this.#times = times;
  }

  /** Something was put into the queue. */
  noteWork(queue: QueueName, nowMs: number): void {
    this.#workedAtMs.set(queue, nowMs);
  }

  /**
   * Whether the queue is to have a worker after a look.
   *
   * @param dueInMs when there is something to do; 0 or less: now; `undefined`: there is nothing
   */
  judge(queue: QueueName, dueInMs: number | undefined, nowMs: number): boolean {
    // Twice, so that one look that fails makes nothing late: a worker that is there in time is punctual by itself.
    if (dueInMs !== undefined && dueInMs <= 2 * this.#times.lookMs) this.noteWork(queue, nowMs);
    const workedAtMs = this.#workedAtMs.get(queue);
    if (workedAtMs !== undefined && nowMs - workedAtMs < this.#times.idleMs) return true;
    this.#workedAtMs.delete(queue);
    return false;
  }
}
