import { setTimeout as delay } from 'node:timers/promises';
import type { AppKey, QueueName } from '../delivery/names.ts';
import type { NewDelivery } from '../delivery/stored-delivery.ts';
import { RelayError } from '../errors.ts';
import { describeError, type Log } from '../log.ts';
import { Announcer } from './announcer.ts';
import { type AttendanceTimes, alwaysAttended, attendanceTimes } from './attendance.ts';
import type { Budget } from './batcher.ts';
import { type DeliveryQueue, openDeliveryQueue } from './delivery-queue.ts';
import type { Engine } from './engine.ts';
import type { Finding } from './findings.ts';
import { inTime } from './in-time.ts';
import { Inspection } from './inspection.ts';
import type {
  DeliveryPage,
  DeliveryQuery,
  KeptDelivery,
  NewReplayMark,
  ReplayResult,
  Whereabouts,
} from './kept-delivery.ts';
import { RecordSpaces } from './record-spaces.ts';
import { searchDeliveries } from './search-deliveries.ts';
import type {
  IntakeAccount,
  ProcessDelivery,
  QueueAccount,
  QueueState,
  Records,
  SharedText,
  Store,
  StoreStatus,
  WorkOptions,
} from './store.ts';
import { WorkerGroup } from './worker-group.ts';

const reconnectDelayMs = 1000;
/** A store that has not answered for this long at start is said to be away. */
const sayAwayAfterMs = 2000;
/** For each step of opening the store. */
const openTimeoutMs = 10_000;
const pingIntervalMs = 5000;
/** After one that was not answered. */
const pingAgainMs = 1000;
const pingTimeoutMs = 2000;
/** A connection that is open but dead says nothing for hours; after this many pings it is made anew. */
const unansweredBeforeReset = 2;
/** For a question that somebody waits for. */
const answerTimeoutMs = 10_000;
const defaultUpkeepIntervalMs = 60_000;
/** The same error is said again after this, milliseconds, and so many different ones are remembered. */
const repeatErrorAfterMs = 10_000;
const rememberedErrors = 100;
/** Ids that are asked for in one round trip. */
const locatedAtOnce = 500;
/** Notifications that may wait for the store in one process, and their bytes. Beyond: 503. */
const unwrittenItems = 10_000;
const unwrittenBytes = 64 * 1024 * 1024;

export interface StoreSetup {
  readonly queues: readonly QueueName[];
  readonly apps: readonly AppKey[];
  /** How many workers this process will start. */
  readonly workers: number;
  /** Of the workers, where there are more than are there all the time. */
  readonly attendance?: AttendanceTimes;
  readonly log: Log;
  /** How often the store is inspected and tidied up, milliseconds; a minute unless told otherwise. */
  readonly upkeepIntervalMs?: number;
  /** Run on a Redis that evicts keys. */
  readonly allowEviction: boolean;
  /** Milliseconds on any clock that only goes forward. */
  readonly nowMs: () => number;
  /** Called once when the store can never be opened: wrong kind, folder in use, unsafe. */
  readonly onFatal: (error: RelayError) => void;
}

/** The store on BullMQ, whatever the engine: opens in the background, watches, and says how it is. */
export class BullStore implements Store {
  readonly #engine: Engine;
  readonly #setup: StoreSetup;
  readonly #upkeepIntervalMs: number;
  readonly #inspection: Inspection;
  readonly #workers: WorkerGroup;
  /** Absent where every process has its workers all the time. */
  readonly #announcer: Announcer | undefined;
  readonly #records: RecordSpaces;
  readonly #queues = new Map<QueueName, DeliveryQueue>();
  readonly #stopping = new AbortController();
  readonly #saidAtMs = new Map<string, number>();
  #background: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  #isOpen = false;
  #isTidying = false;
  #tidiedAtMs = Number.NEGATIVE_INFINITY;
  #unanswered = 0;
  /** Why the last write failed, until one succeeds: a store that is full or read-only answers everything else. */
  #refusedWrite: string | undefined;
  #status: StoreStatus = { ready: false, reason: 'not connected yet' };

  constructor(engine: Engine, setup: StoreSetup) {
    this.#engine = engine;
    this.#setup = setup;
    this.#upkeepIntervalMs = setup.upkeepIntervalMs ?? defaultUpkeepIntervalMs;
    this.#inspection = new Inspection(engine, setup.log, setup.allowEviction);
    const onError = (error: unknown): void => this.#sayError(error);
    this.#workers = new WorkerGroup({
      engine,
      ...(setup.workers > alwaysAttended && { onCall: setup.attendance ?? attendanceTimes }),
      nowMs: setup.nowMs,
      onError,
    });
    this.#announcer =
      setup.queues.length > alwaysAttended ? new Announcer((queue) => engine.announce(queue), onError) : undefined;
    this.#records = new RecordSpaces(
      (space) => engine.records(space),
      (question) => this.#askInTime(question),
    );
  }

  open(): void {
    this.#background ??= this.#run();
  }

  get engine(): Engine['name'] {
    return this.#engine.name;
  }

  findings(): readonly Finding[] {
    return this.#inspection.findings;
  }

  status(): StoreStatus {
    if (!this.#status.ready) return this.#status;
    const reason = this.#engine.obstacle() ?? this.#inspection.fatal?.message ?? this.#refusedWrite;
    return reason === undefined ? this.#status : { ready: false, reason };
  }

  async add(deliveries: readonly NewDelivery[]): Promise<readonly boolean[]> {
    const obstacle = this.#engine.obstacle() ?? this.#inspection.fatal?.message;
    if (obstacle !== undefined) throw new RelayError('store_unavailable', obstacle);
    try {
      const areNew = await Promise.all(deliveries.map((delivery) => this.#queue(delivery.queue).add(delivery)));
      this.#refusedWrite = undefined;
      for (const { queue } of deliveries) this.#haveAttended(queue);
      return areNew;
    } catch (error) {
      const unavailable = asUnavailable(error);
      this.#refusedWrite = describeError(unavailable.cause ?? unavailable).message;
      throw unavailable;
    }
  }

  work(queue: QueueName, options: WorkOptions, process: ProcessDelivery): void {
    this.#workers.add(queue, options, process);
  }

  circuit(name: QueueName): SharedText {
    return this.#engine.sharedText(name, 'circuit');
  }

  account(name: QueueName): Promise<QueueAccount> {
    return this.#ask((engine) => engine.account(name));
  }

  recount(name: QueueName): Promise<void> {
    return this.#ask((engine) => engine.recount(name));
  }

  countIntake(app: AppKey, counts: Readonly<Record<string, number>>): Promise<void> {
    return this.#ask((engine) => engine.countIntake(app, counts));
  }

  intake(app: AppKey): Promise<IntakeAccount> {
    return this.#ask((engine) => engine.intake(app));
  }

  queueState(name: QueueName): Promise<QueueState> {
    return this.#askInTime(() => this.#engine.queueState(name));
  }

  search(name: QueueName, query: DeliveryQuery): Promise<DeliveryPage> {
    return this.#askInTime(() => {
      return searchDeliveries((step) => this.#engine.scan(name, step), query, this.#setup.nowMs);
    });
  }

  delivery(name: QueueName, id: string): Promise<KeptDelivery | undefined> {
    return this.#askInTime(() => this.#engine.delivery(name, id));
  }

  async whereabouts(name: QueueName, ids: readonly string[]): Promise<readonly (Whereabouts | undefined)[]> {
    const found: (Whereabouts | undefined)[] = [];
    for (let from = 0; from < ids.length; from += locatedAtOnce) {
      const some = ids.slice(from, from + locatedAtOnce);
      found.push(...(await this.#askInTime(() => this.#engine.whereabouts(name, some))));
    }
    return found;
  }

  async replay(name: QueueName, id: string, mark: NewReplayMark, isForced: boolean): Promise<ReplayResult> {
    const result = await this.#askInTime(() => this.#engine.replay(name, id, mark, isForced));
    this.#haveAttended(name);
    return result;
  }

  pause(name: QueueName): Promise<void> {
    return this.#askInTime(() => this.#queue(name).pause());
  }

  async resume(name: QueueName): Promise<void> {
    await this.#askInTime(() => this.#queue(name).resume());
    this.#haveAttended(name);
  }

  records(space: string): Records {
    return this.#records.records(space);
  }

  stopWorkers(): Promise<void> {
    return this.#workers.stop();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#stopping.abort();
    await this.#workers.stop();
    await Promise.allSettled([...this.#queues.values()].map((queue) => queue.close()));
    await this.#engine.close();
    await this.#background;
  }

  async #ask<T>(question: (engine: Engine) => Promise<T>): Promise<T> {
    try {
      if (!this.#isOpen) throw new RelayError('store_unavailable', 'the store is not open yet');
      return await question(this.#engine);
    } catch (error) {
      throw asUnavailable(error);
    }
  }

  /** Does not wait through an outage, as Redis commands would. */
  #askInTime<T>(question: () => Promise<T>): Promise<T> {
    return this.#ask(async (engine) => {
      const obstacle = engine.obstacle();
      if (obstacle !== undefined) throw new RelayError('store_unavailable', obstacle);
      return inTime(question(), answerTimeoutMs);
    });
  }

  /** Something was put into the queue: has a worker there, here or elsewhere. */
  #haveAttended(queue: QueueName): void {
    if (!this.#workers.attend(queue)) this.#announcer?.announce(queue, this.#setup.nowMs());
  }

  #queue(name: QueueName): DeliveryQueue {
    const queue = this.#queues.get(name);
    if (queue === undefined) throw new RelayError('store_unavailable', 'the store is not open yet');
    return queue;
  }

  /** Connects, opens queues and workers, then watches. Ends only when the store is closed or can never be opened. */
  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    try {
      while (!signal.aborted) {
        if (await this.#connect()) return await this.#watch();
        await delay(reconnectDelayMs, undefined, { signal });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #connect(): Promise<boolean> {
    const waiting = setInterval(() => {
      this.#setStatus({ ready: false, reason: this.#engine.obstacle() ?? 'the store does not answer' });
    }, sayAwayAfterMs);
    try {
      await this.#engine.connect();
      await inTime(this.#inspection.run(), openTimeoutMs);
      const { fatal } = this.#inspection;
      if (fatal !== undefined) throw new RelayError('store_unsafe', fatal.message);
      await inTime(this.#openQueues(), openTimeoutMs);
    } catch (error) {
      this.#setStatus({ ready: false, reason: describeError(error).message });
      if (error instanceof RelayError && error.code !== 'store_unavailable') {
        this.#setup.onFatal(error);
        this.#stopping.abort();
      }
      return false;
    } finally {
      clearInterval(waiting);
    }
    if (this.#stopping.signal.aborted) return false;
    this.#isOpen = true;
    this.#tidiedAtMs = this.#setup.nowMs();
    this.#refusedWrite = undefined;
    this.#workers.open();
    this.#setStatus({ ready: true });
    return true;
  }

  async #openQueues(): Promise<void> {
    const budget: Budget = { items: unwrittenItems, bytes: unwrittenBytes };
    const { nowMs, queues } = this.#setup;
    const opened = queues.map((name) => [name, openDeliveryQueue(this.#engine, name, budget, nowMs)] as const);
    try {
      await Promise.all(opened.map(([, queue]) => queue.waitUntilReady()));
    } catch (error) {
      await Promise.allSettled(opened.map(([, queue]) => queue.close()));
      throw error;
    }
    for (const [name, queue] of opened) this.#queues.set(name, queue);
  }

  /** Notices a store that went away or hangs, and one that came back, also when nothing is being added. */
  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const pauseMs = this.#unanswered === 0 ? Math.min(pingIntervalMs, this.#upkeepIntervalMs) : pingAgainMs;
      await delay(pauseMs, undefined, { signal });
      const answer = await this.#ping();
      this.#setStatus(answer);
      this.#unanswered = answer.ready ? 0 : this.#unanswered + 1;
      if (this.#unanswered >= unansweredBeforeReset) this.#reset();
      if (answer.ready) void this.#tidyUp(); // beside the watch: what hangs there must not blind it
    }
  }

  async #ping(): Promise<StoreStatus> {
    try {
      await inTime(this.#engine.ping(), pingTimeoutMs);
      // Only after a write failed, so that an idle store is not written to.
      if (this.#refusedWrite !== undefined) await inTime(this.#engine.probeWrite(), pingTimeoutMs);
      this.#refusedWrite = undefined;
      return { ready: true };
    } catch (error) {
      return { ready: false, reason: describeError(error).message };
    }
  }

  async #tidyUp(): Promise<void> {
    if (this.#isTidying || this.#setup.nowMs() - this.#tidiedAtMs < this.#upkeepIntervalMs) return;
    this.#isTidying = true;
    try {
      await this.#inspection.run();
      await this.#engine.forgetOldMinutes(this.#setup.queues, this.#setup.apps);
      await this.#workers.removeExpired(Date.now());
      await this.#records.forgetExpired();
    } catch (error) {
      this.#sayError(error);
    } finally {
      this.#isTidying = false;
      this.#tidiedAtMs = this.#setup.nowMs();
    }
  }

  #reset(): void {
    this.#unanswered = 0;
    this.#engine.reset();
    this.#setup.log.warn({ event: 'store_connections_reset', engine: this.#engine.name });
  }

  #setStatus(status: StoreStatus): void {
    if (this.#stopping.signal.aborted) return;
    const before = this.#status;
    this.#status = status;
    if (status.ready === before.ready && (status.ready || (!before.ready && status.reason === before.reason))) return;
    if (status.ready) this.#setup.log.info({ event: 'store_ready', engine: this.#engine.name });
    else this.#setup.log.warn({ event: 'store_away', engine: this.#engine.name, reason: status.reason });
  }

  /** The same error again and again, as a lost connection gives it, is said once in a while. */
  #sayError(error: unknown): void {
    const { message } = describeError(error);
    const nowMs = this.#setup.nowMs();
    if (nowMs - (this.#saidAtMs.get(message) ?? Number.NEGATIVE_INFINITY) < repeatErrorAfterMs) return;
    if (this.#saidAtMs.size >= rememberedErrors) this.#saidAtMs.clear();
    this.#saidAtMs.set(message, nowMs);
    this.#setup.log.warn({ event: 'worker_error', engine: this.#engine.name, err: error });
  }
}

function asUnavailable(error: unknown): RelayError {
  if (error instanceof RelayError) return error;
  return new RelayError('store_unavailable', 'the store refused or failed', { cause: error });
}
