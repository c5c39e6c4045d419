import type { Dispatcher } from 'undici';
import type { SendResult } from './ports.ts';

/** How much of an answer is kept. */
const keptResponseBytes = 1024;
/** How much more of it is read, so that the connection can be used again; a longer answer costs the connection. */
const drainedResponseBytes = 64 * 1024;

/**
 * Reads one answer off undici without making a stream of it. Once the status is there, a body that breaks off, hangs or
 * never ends does not change what the answer was.
 */
export class AnswerReader implements Dispatcher.DispatchHandler {
  readonly #resolve: (result: SendResult) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #isLate = false;
  #status: number | undefined;
  #retryAfter: string | undefined;
  #length = 0;

  /**
   * @param timeoutMs for the whole exchange, from now on
   * @param resolve only its first call counts
   */
  constructor(timeoutMs: number, resolve: (result: SendResult) => void) {
    this.#resolve = resolve;
    this.#timer = setTimeout(() => this.#giveUp(), timeoutMs);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isLate) controller.abort(new Error('too late'));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return; // an interim answer
    this.#status = status;
    const retryAfter = headers['retry-after'];
    this.#retryAfter = typeof retryAfter === 'string' ? retryAfter : undefined;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#length < keptResponseBytes) this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length > drainedResponseBytes) controller.abort(new Error('the answer is too long'));
  }

  onResponseEnd(): void {
    this.#finish('the connection ended');
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: unknown): void {
    this.#finish(reasonOf(error));
  }

  #giveUp(): void {
    this.#isLate = true;
    this.#finish('timeout');
    this.#controller?.abort(new Error('too late'));
  }

  /** @param reason why there is no answer, if there is none */
  #finish(reason: string): void {
    clearTimeout(this.#timer);
    const status = this.#status;
    if (status === undefined) this.#resolve({ kind: 'no_answer', error: reason });
    else this.#resolve({ kind: 'answer', status, retryAfter: this.#retryAfter, response: this.#readStart() });
  }

  #readStart(): string {
    if (this.#length === 0) return '';
    const start = Buffer.concat(this.#chunks).subarray(0, keptResponseBytes).toString('utf8');
    return start.replaceAll('\0', '\uFFFD'); // PostgreSQL's jsonb takes no NUL
  }
}

/** A short code for logs and the attempt record: `ECONNREFUSED`, `UND_ERR_SOCKET`, `timeout`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
