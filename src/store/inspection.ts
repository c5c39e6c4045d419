import type { Log } from '../log.ts';
import type { Engine } from './engine.ts';
import type { Finding } from './findings.ts';

/** Asks a store how well it keeps things, remembers the answer, and logs what is new in it. */
export class Inspection {
  readonly #engine: Engine;
  readonly #log: Log;
  readonly #allowEviction: boolean;
  #findings: readonly Finding[] = [];

  constructor(engine: Engine, log: Log, allowEviction: boolean) {
    this.#engine = engine;
    this.#log = log;
    this.#allowEviction = allowEviction;
  }

  get findings(): readonly Finding[] {
    return this.#findings;
  }

  /** What breaks the promise that nothing acknowledged is lost. */
  get fatal(): Finding | undefined {
    return this.#findings.find(({ level }) => level === 'fatal');
  }

  async run(): Promise<void> {
    const found = await this.#engine.inspect();
    const findings = found.map((finding): Finding => {
      return finding.code === 'evicts' && this.#allowEviction ? { ...finding, level: 'warning' } : finding;
    });
    const known = new Set(this.#findings.map(({ code }) => code));
    this.#findings = findings;
    for (const { level, code, message } of findings.filter((finding) => !known.has(finding.code))) {
      const fields = { event: 'store_finding', engine: this.#engine.name, severity: level, code };
      if (level === 'note') this.#log.info(fields, message);
      else this.#log.warn(fields, message);
    }
  }
}
