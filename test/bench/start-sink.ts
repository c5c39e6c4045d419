import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface SinkCounts {
  /** Different bodies that came as they were sent. */
  readonly received: number;
  /** Bodies that were not what was sent. */
  readonly wrong: number;
  /** Bodies that had come before. */
  readonly doubled: number;
  /** From sending to arrival; only when asked for. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Sink {
  readonly url: URL;
  ask(question: 'reset' | 'counts' | 'latencies'): Promise<SinkCounts>;
  stop(): Promise<void>;
}

export async function startSink(): Promise<Sink> {
  const child = fork(fileURLToPath(new URL('sink.ts', import.meta.url)));
  const [address] = (await once(child, 'message')) as [{ port: number }];
  return {
    url: new URL(`http://127.0.0.1:${address.port}`),
    async ask(question) {
      if (!child.connected) throw new Error(`the sink has ended (${child.signalCode ?? child.exitCode})`);
      child.send(question);
      const [counts] = (await once(child, 'message')) as [SinkCounts];
      return counts;
    },
    async stop() {
      if (!child.connected) return; // it has ended by itself
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}
