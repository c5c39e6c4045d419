import { setTimeout as delay } from 'node:timers/promises';
import type { AppKey, QueueName } from '../delivery/names.ts';
import type { NewDelivery } from '../delivery/stored-delivery.ts';
import { RelayError } from '../errors.ts';
import { describeError, type Log } from '../log.ts';
import type { Budget } from './batcher.ts';
import { type DeliveryQueue, openDeliveryQueue } from './delivery-queue.ts';
import { openDeliveryWorker } from './delivery-worker.ts';
import { createEmbeddedEngine } from './embedded.ts';
import type { BullWorker, Engine } from './engine.ts';
import type { Finding } from './findings.ts';
import { createPostgresEngine } from './postgres.ts';
import { createRedisEngine } from './redis.ts';
import type {
  IntakeAccount,
  ProcessDelivery,
  QueueAccount,
  Retention,
  SharedText,
  Store,
  StoreStatus,
  WorkOptions,
} from './store.ts';

const reconnectDelayMs = 1000;
/** A store that has not answered for this long at start is said to be away. */
const sayAwayAfterMs = 2000;
const repeatErrorAfterMs = 10_000;
const defaultUpkeepIntervalMs = 60_000;
const pingIntervalMs = 3000;
const pingTimeoutMs = 2000;
/** For each step of opening the store. */
const openTimeoutMs = 10_000;
/** A connection that is open but dead says nothing for hours; after this many pings it is made anew. */
const unansweredBeforeReset = 2;
/** Notifications that may wait for the store in one process, and their bytes. Beyond: 503. */
const unwrittenItems = 10_000;
const unwrittenBytes = 64 * 1024 * 1024;

export interface StoreSetup {
  /** `file:`, `redis:`… or `postgres:` */
  readonly url: string;
  readonly queues: readonly QueueName[];
  readonly apps: readonly AppKey[];
  /** How many workers this process will start. */
  readonly workers: number;
  readonly log: Log;
  /** How often the store is inspected and tidied up, milliseconds; a minute unless told otherwise. */
  readonly upkeepIntervalMs?: number;
  /** Run on a Redis that evicts keys. */
  readonly allowEviction: boolean;
  /** Milliseconds on any clock that only goes forward. */
  readonly nowMs: () => number;
  /** Called once when the store can never be opened: wrong kind, folder in use. */
  readonly onFatal: (error: RelayError) => void;
}

/** The store that the URL names, not opened yet. */
export function openStore(setup: StoreSetup): Store {
  return new BullStore(createEngine(setup), setup);
}

function createEngine({ url, workers, onFatal }: StoreSetup): Engine {
  if (url.startsWith('file:')) return createEmbeddedEngine(url.slice('file:'.length), onFatal);
  if (/^postgres(ql)?:/.test(url)) return createPostgresEngine(url, workers);
  return createRedisEngine(url);
}

class BullStore implements Store {
  readonly #engine: Engine;
  readonly #upkeepIntervalMs: number;
  readonly #setup: StoreSetup;
  readonly #queues = new Map<QueueName, DeliveryQueue>();
  readonly #wanted: (() => void)[] = [];
  readonly #workers: BullWorker[] = [];
  readonly #retentions = new Map<QueueName, Retention>();
  readonly #stopping = new AbortController();
  #background: Promise<void> | undefined;
  #isOpen = false;
  #isTidying = false;
  #unanswered = 0;
  /** Why the last write failed, until one succeeds: a store that is full or read-only answers everything else. */
  #refusedWrite: string | undefined;
  #saidAtMs = new Map<string, number>();
  #findings: readonly Finding[] = [];
  #inspectedAtMs = Number.NEGATIVE_INFINITY;
  #status: StoreStatus = { ready: false, reason: 'not connected yet' };
  #closed: Promise<void> | undefined;

  constructor(engine: Engine, setup: StoreSetup) {
    this.#engine = engine;
    this.#upkeepIntervalMs = setup.upkeepIntervalMs ?? defaultUpkeepIntervalMs;
    this.#setup = setup;
  }

  open(): void {
    this.#background ??= this.#run();
  }

  get engine(): Engine['name'] {
    return this.#engine.name;
  }

  findings(): readonly Finding[] {
    return this.#findings;
  }

  status(): StoreStatus {
    const obstacle = this.#engine.obstacle();
    if (this.#status.ready && obstacle !== undefined) return { ready: false, reason: obstacle };
    const reason = this.#findings.find(({ level }) => level === 'fatal')?.message ?? this.#refusedWrite;
    return reason === undefined || !this.#status.ready ? this.#status : { ready: false, reason };
  }

  async add(deliveries: readonly NewDelivery[]): Promise<readonly boolean[]> {
    const obstacle = this.#engine.obstacle();
    const unsafe = this.#findings.find(({ level }) => level === 'fatal');
    if (obstacle !== undefined || unsafe !== undefined) {
      throw new RelayError('store_unavailable', obstacle ?? unsafe?.message ?? '');
    }
    try {
      const areNew = await Promise.all(deliveries.map((delivery) => this.#queue(delivery.queue).add(delivery)));
      this.#refusedWrite = undefined;
      return areNew;
    } catch (error) {
      const unavailable = asUnavailable(error);
      this.#refusedWrite = describeError(unavailable.cause ?? unavailable).message;
      throw unavailable;
    }
  }

  circuit(name: QueueName): SharedText {
    return this.#engine.sharedText(name, 'circuit');
  }

  account(name: QueueName): Promise<QueueAccount> {
    return this.#ask((engine) => engine.account(name));
  }

  countIntake(app: AppKey, counts: Readonly<Record<string, number>>): Promise<void> {
    return this.#ask((engine) => engine.countIntake(app, counts));
  }

  intake(app: AppKey): Promise<IntakeAccount> {
    return this.#ask((engine) => engine.intake(app));
  }

  async #ask<T>(question: (engine: Engine) => Promise<T>): Promise<T> {
    try {
      if (!this.#isOpen) throw new RelayError('store_unavailable', 'the store is not open yet');
      return await question(this.#engine);
    } catch (error) {
      throw asUnavailable(error);
    }
  }

  work(queue: QueueName, options: WorkOptions, process: ProcessDelivery): void {
    this.#retentions.set(queue, options);
    const start = (): void => void this.#startWorker(queue, options, process);
    if (this.#isOpen) start();
    else this.#wanted.push(start);
  }

  /** BullMQ's objects do not survive a failed first connection: they are made anew until one has come up. */
  async #startWorker(queue: QueueName, options: WorkOptions, process: ProcessDelivery): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const worker = openDeliveryWorker(this.#engine, queue, options, process, (error) => this.#onError(error));
      try {
        await worker.waitUntilReady();
        this.#workers.push(worker);
        void worker.run().catch((error: unknown) => this.#onError(asError(error)));
        return;
      } catch (error) {
        this.#onError(asError(error));
        await worker.close(true).catch(() => undefined);
        await delay(reconnectDelayMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      }
    }
  }

  async stopWorkers(): Promise<void> {
    this.#wanted.length = 0;
    await Promise.allSettled(this.#workers.map((worker) => worker.close()));
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#stopping.abort();
    await this.stopWorkers();
    await Promise.allSettled([...this.#queues.values()].map((queue) => queue.close()));
    await this.#engine.close();
    await this.#background;
  }

  #queue(name: QueueName): DeliveryQueue {
    const queue = this.#queues.get(name);
    if (queue === undefined) throw new RelayError('store_unavailable', 'the store is not open yet');
    return queue;
  }

  /** Connects, opens queues and workers, then watches. Ends only when the store is closed or can never be opened. */
  async #run(): Promise<void> {
    try {
      while (!this.#stopping.signal.aborted) {
        if (await this.#connect()) return await this.#watch();
        await delay(reconnectDelayMs, undefined, { signal: this.#stopping.signal });
      }
    } catch (error) {
      if (!this.#stopping.signal.aborted) throw error;
    }
  }

  async #connect(): Promise<boolean> {
    const waiting = setInterval(() => {
      this.#setStatus({ ready: false, reason: this.#engine.obstacle() ?? 'the store does not answer' });
    }, sayAwayAfterMs);
    try {
      await this.#engine.connect();
      await this.#inTime(this.#inspect());
      await this.#inTime(this.#openQueues());
      const fatal = this.#findings.find(({ level }) => level === 'fatal');
      if (fatal !== undefined) throw new RelayError('store_unsafe', fatal.message);
    } catch (error) {
      if (error instanceof RelayError && error.code !== 'store_unavailable') {
        this.#setStatus({ ready: false, reason: error.message });
        this.#setup.onFatal(error);
        this.#stopping.abort();
      } else {
        this.#setStatus({ ready: false, reason: describeError(error).message });
      }
      return false;
    } finally {
      clearInterval(waiting);
    }
    if (this.#stopping.signal.aborted) return false;
    this.#isOpen = true;
    for (const start of this.#wanted.splice(0)) start();
    this.#refusedWrite = undefined;
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

  /** The work, or a rejection when it takes longer than a store may take to answer. */
  async #inTime<T>(work: Promise<T>): Promise<T> {
    const timer = new AbortController();
    const late = delay(openTimeoutMs, undefined, { signal: timer.signal }).then(() => {
      throw new RelayError('store_unavailable', 'the store does not answer');
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      timer.abort();
      late.catch(() => undefined);
    }
  }

  /** Notices a store that went away or hangs, and one that came back, also when nothing is being added. */
  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await delay(Math.min(pingIntervalMs, this.#upkeepIntervalMs), undefined, { signal });
      const answer = await this.#ping();
      if (answer.ready && this.#setup.nowMs() - this.#inspectedAtMs > this.#upkeepIntervalMs) void this.#upkeep();
      this.#unanswered = answer.ready ? 0 : this.#unanswered + 1;
      if (this.#unanswered >= unansweredBeforeReset) this.#reset();
      this.#setStatus(answer);
    }
  }

  async #ping(): Promise<StoreStatus> {
    const timeout = new AbortController();
    try {
      const late = delay(pingTimeoutMs, 'late' as const, { signal: timeout.signal }).catch(() => 'cancelled' as const);
      const first = await Promise.race([this.#engine.ping(), late]);
      if (first !== 'late') return await this.#probeWrite();
      return { ready: false, reason: 'the store does not answer' };
    } catch (error) {
      return { ready: false, reason: describeError(error).message };
    } finally {
      timeout.abort();
    }
  }

  /** Logs what is new since the last time. */
  async #inspect(): Promise<void> {
    const found = await this.#engine.inspect();
    const findings = found.map((finding): Finding => {
      return finding.code === 'evicts' && this.#setup.allowEviction ? { ...finding, level: 'warning' } : finding;
    });
    const known = new Set(this.#findings.map(({ code }) => code));
    this.#findings = findings;
    this.#inspectedAtMs = this.#setup.nowMs();
    for (const { level, code, message } of findings.filter((finding) => !known.has(finding.code))) {
      const fields = { event: 'store_finding', engine: this.#engine.name, severity: level, code };
      if (level === 'note') this.#setup.log.info(fields, message);
      else this.#setup.log.warn(fields, message);
    }
  }

  async #upkeep(): Promise<void> {
    if (this.#isTidying) return;
    this.#isTidying = true;
    try {
      await this.#inspect();
      await this.#engine.forgetOldMinutes(this.#setup.queues, this.#setup.apps);
      for (const [queue, retention] of this.#retentions) {
        await this.#engine.removeExpired(queue, retention, Date.now());
      }
    } catch (error) {
      this.#onError(asError(error));
    } finally {
      this.#isTidying = false;
    }
  }

  #reset(): void {
    this.#unanswered = 0;
    this.#engine.reset();
    this.#setup.log.warn({ event: 'store_connections_reset', engine: this.#engine.name });
  }

  /** Only after a write failed, so that an idle store is not written to. */
  async #probeWrite(): Promise<StoreStatus> {
    if (this.#refusedWrite !== undefined) {
      await this.#engine.probeWrite();
      this.#refusedWrite = undefined;
    }
    return { ready: true };
  }

  #setStatus(status: StoreStatus): void {
    if (this.#stopping.signal.aborted) return;
    const before = this.#status;
    this.#status = status;
    if (status.ready === before.ready && (status.ready || (!before.ready && status.reason === before.reason))) return;
    if (status.ready) this.#setup.log.info({ event: 'store_ready', engine: this.#engine.name }, 'store ready');
    else this.#setup.log.warn({ event: 'store_away', engine: this.#engine.name, reason: status.reason }, 'store away');
  }

  /** The same error again and again, as a lost connection gives it, is said once in a while. */
  #onError(error: Error): void {
    const { message } = describeError(error);
    const nowMs = this.#setup.nowMs();
    if (nowMs - (this.#saidAtMs.get(message) ?? Number.NEGATIVE_INFINITY) < repeatErrorAfterMs) return;
    this.#saidAtMs.set(message, nowMs);
    this.#setup.log.warn({ event: 'worker_error', engine: this.#engine.name, err: error }, 'worker error');
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('something else was thrown');
}

function asUnavailable(error: unknown): RelayError {
  if (error instanceof RelayError) return error;
  return new RelayError('store_unavailable', 'the store refused or failed', { cause: error });
}
