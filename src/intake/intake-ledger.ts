import type { AppKey } from '../delivery/names.ts';

/** Where counts of requests are kept. Rejects while the store is away. */
export interface IntakeCounter {
  countIntake(app: AppKey, counts: Readonly<Record<string, number>>): Promise<void>;
}

const flushIntervalMs = 1000;

/**
 * Counts what becomes of requests, and hands the counts to the store once a second, so that no request pays for them.
 * A process that is killed takes the counts of its last second with it, in all columns alike; what it acknowledged is
 * counted with the deliveries themselves.
 */
export class IntakeLedger {
  readonly #counter: IntakeCounter;
  readonly #unwritten = new Map<AppKey, Map<string, number>>();
  readonly #sinceStart = new Map<AppKey, Map<string, number>>();
  readonly #timer: NodeJS.Timeout;

  constructor(counter: IntakeCounter) {
    this.#counter = counter;
    this.#timer = setInterval(() => void this.flush(), flushIntervalMs);
    this.#timer.unref();
  }

  /** @param name `accepted`, `duplicate`, `challenge`, `turnedAway` or `rejected.REASON` */
  count(app: AppKey, name: string): void {
    add(this.#unwritten, app, name, 1);
    add(this.#sinceStart, app, name, 1);
  }

  /** What this process has counted since it started. */
  sinceStart(app: AppKey): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#sinceStart.get(app) ?? []);
  }

  /** Never rejects: what cannot be written now is written later. */
  async flush(): Promise<void> {
    const taken = [...this.#unwritten];
    this.#unwritten.clear();
    await Promise.all(taken.map(([app, counts]) => this.#write(app, counts)));
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  async #write(app: AppKey, counts: ReadonlyMap<string, number>): Promise<void> {
    try {
      await this.#counter.countIntake(app, Object.fromEntries(counts));
    } catch {
      for (const [name, count] of counts) add(this.#unwritten, app, name, count);
    }
  }
}

function add(counts: Map<AppKey, Map<string, number>>, app: AppKey, name: string, count: number): void {
  const ofApp = counts.get(app) ?? new Map<string, number>();
  ofApp.set(name, (ofApp.get(name) ?? 0) + count);
  counts.set(app, ofApp);
}
