import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findProgram } from '../support/find-program.ts';

export interface LoadResult {
  readonly answered: number;
  /** Answers that were not 2xx. */
  readonly refused: number;
  /** Connections and answers that did not come. */
  readonly failed: number;
  readonly durationMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const script = fileURLToPath(new URL('load.lua', import.meta.url));
const run = promisify(execFile);

/**
 * Sends the requests of a file with wrk, which costs far less than a sender in Node would.
 *
 * @param perSecond how many to send, at even distances; 0 for as many as are answered
 */
export async function runWrk(options: {
  readonly url: URL;
  readonly file: string;
  readonly connections: number;
  readonly durationSec: number;
  readonly perSecond: number;
  /** Ends it early, with a rejection. */
  readonly signal: AbortSignal;
}): Promise<LoadResult> {
  const wrk = findProgram('wrk');
  if (wrk === undefined) throw new Error('wrk is not installed: apt-get install wrk, or brew install wrk');
  const { url, file, connections, durationSec, perSecond, signal } = options;
  const load = [
    '-t',
    '1',
    '-c',
    String(connections),
    '-d',
    `${durationSec}s`,
    '--timeout',
    '5s',
    '-s',
    script,
    url.href,
  ];
  const pace = perSecond === 0 ? {} : { PER_SECOND: String(perSecond) };
  const { stdout } = await run(wrk, [...load, '--', file], { env: { ...process.env, ...pace }, signal });
  const json = /^RESULT (.+)$/m.exec(stdout)?.[1];
  if (json === undefined) throw new Error(`wrk said something else: ${stdout}`);
  return JSON.parse(json);
}
