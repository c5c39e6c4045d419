/**
 * Stands in for Recall, as a process of its own that costs little: takes requests off raw sockets, checks each body by
 * its hash in `x-zm-request-id`, counts, and answers 200. Told what to do by its parent's messages.
 */
import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import type { SinkCounts } from './start-sink.ts';

const headEnd = Buffer.from('\r\n\r\n');
const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK';

let seen = new Set<string>();
let wrong = 0;
let doubled = 0;
let latenciesMs: number[] = [];

function take(head: string, body: Buffer): void {
  const nowMs = performance.timeOrigin + performance.now();
  const id = /\r\nx-zm-request-id: (\w+)/i.exec(head)?.[1] ?? '';
  const sentAtMs = Number(/\r\nx-zm-trackingid: ([\d.]+)/i.exec(head)?.[1]);
  if (createHash('sha256').update(body).digest('hex').slice(0, 32) !== id) wrong += 1;
  else if (seen.has(id)) doubled += 1;
  else {
    seen.add(id);
    latenciesMs.push(nowMs - sentAtMs);
  }
}

function serve(socket: Socket): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (;;) {
      const end = pending.indexOf(headEnd);
      if (end < 0) return;
      const head = pending.toString('latin1', 0, end);
      const bodyFrom = end + headEnd.length;
      const bodyTo = bodyFrom + Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (pending.length < bodyTo) return;
      take(head, pending.subarray(bodyFrom, bodyTo));
      pending = pending.subarray(bodyTo);
      socket.write(answer);
    }
  });
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

const server = createServer(serve).listen(0, '127.0.0.1', () => process.send?.(server.address()));

process.on('message', (message) => {
  if (message === 'reset') [seen, wrong, doubled, latenciesMs] = [new Set(), 0, 0, []];
  const sorted = message === 'latencies' ? latenciesMs.toSorted((a, b) => a - b) : [];
  const counts: SinkCounts = {
    received: seen.size,
    wrong,
    doubled,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
  };
  process.send?.(counts);
});
process.on('disconnect', () => process.exit());
