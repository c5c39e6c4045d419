import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { QueueName } from '../src/delivery/names.ts';
import { Announcer } from '../src/store/announcer.ts';
import { Attendance } from '../src/store/attendance.ts';
import type { BullWorker } from '../src/store/engine.ts';
import { OnCallWorker } from '../src/store/on-call-worker.ts';
import { eventually } from './support/eventually.ts';

const [acme, umbrella] = ['{acme.recall}', '{umbrella.recall}'] as QueueName[] as [QueueName, QueueName];
const unexpected = (error: unknown): void => expect.unreachable(String(error));
const times = { lookMs: 15_000, idleMs: 30_000 };

describe('which queues have a worker', () => {
  test('none that nothing was put into and that has nothing to do', () => {
    const attendance = new Attendance(times);
    expect(attendance.judge(acme, undefined, 0)).toBe(false);
  });

  test('one that something was put into, for as long as workers stay without work', () => {
    const attendance = new Attendance(times);
    attendance.noteWork(acme, 1000);
    expect(attendance.judge(acme, undefined, 30_999)).toBe(true);
    expect(attendance.judge(umbrella, undefined, 30_999)).toBe(false);
    expect(attendance.judge(acme, undefined, 31_000)).toBe(false);
  });

  test('what is put into it meanwhile makes it stay, though the look was before', () => {
    const attendance = new Attendance(times);
    attendance.noteWork(acme, 0);
    attendance.noteWork(acme, 29_000);
    expect(attendance.judge(acme, undefined, 58_999)).toBe(true);
    expect(attendance.judge(acme, undefined, 59_000)).toBe(false);
  });

  test.each([-5000, 0, 1, 30_000])('one with something to do in %i ms', (dueInMs) => {
    expect(new Attendance(times).judge(acme, dueInMs, 0)).toBe(true);
  });

  test('none whose work is due after the look after next', () => {
    expect(new Attendance(times).judge(acme, 30_001, 0)).toBe(false);
  });

  test('it stays as long as there is work, and from the last look that saw some as long as without', () => {
    const attendance = new Attendance(times);
    for (const nowMs of [0, 15_000, 300_000]) expect(attendance.judge(acme, 0, nowMs)).toBe(true);
    expect(attendance.judge(acme, undefined, 315_000)).toBe(true);
    expect(attendance.judge(acme, 3_600_000, 330_000)).toBe(false);
  });

  test('it comes back after it was let go', () => {
    const attendance = new Attendance(times);
    attendance.noteWork(acme, 0);
    expect(attendance.judge(acme, undefined, 40_000)).toBe(false);
    expect(attendance.judge(acme, undefined, 41_000)).toBe(false);
    attendance.noteWork(acme, 50_000);
    expect(attendance.judge(acme, undefined, 55_000)).toBe(true);
  });
});

describe('what other processes are told', () => {
  test('of each queue at once, and then once in a second', () => {
    const told: [number, QueueName][] = [];
    let nowMs = 0;
    const announcer = new Announcer(async (queue) => void told.push([nowMs, queue]), unexpected);
    for (nowMs of [0, 1, 999, 1000, 1001, 1999, 5000]) announcer.announce(acme, nowMs);
    announcer.announce(umbrella, nowMs);
    expect(told).toEqual([
      [0, acme],
      [1000, acme],
      [5000, acme],
      [5000, umbrella],
    ]);
  });

  test('that it cannot be told is said, and hinders nobody', async () => {
    const said: unknown[] = [];
    const announcer = new Announcer(
      () => Promise.reject(new Error('NOPERM')),
      (error) => void said.push(error),
    );
    announcer.announce(acme, 0);
    await eventually('said', () => said.length === 1);
  });
});

/** Workers that are ready, and close, when the test says so. */
function byHand() {
  const workers: {
    readonly ready: () => void;
    readonly fail: () => void;
    readonly closed: () => void;
    calls: string[];
  }[] = [];
  const open = (): BullWorker => {
    const [readiness, closing] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const calls: string[] = [];
    workers.push({
      ready: readiness.resolve,
      fail: () => readiness.reject(new Error('no')),
      closed: closing.resolve,
      calls,
    });
    return {
      waitUntilReady: () => readiness.promise,
      run: async () => void calls.push('run'),
      close: (force = false) => {
        calls.push(force ? 'close at once' : 'close');
        return force ? Promise.resolve() : closing.promise;
      },
      concurrency: 1,
      rateLimit: async () => {},
      on: () => {},
    };
  };
  return { workers, open };
}

describe('a worker on call', () => {
  const longMs = 3_600_000;

  test('called often, it is opened once and run; let go, it is closed', async () => {
    const { workers, open } = byHand();
    const worker = new OnCallWorker(open, longMs, unexpected);
    worker.call();
    worker.call();
    const first = await eventually('opened', () => workers[0]);
    worker.call();
    first.ready();
    await eventually('running', () => first.calls.includes('run'));
    worker.call();
    worker.letGo();
    worker.letGo();
    await eventually('closing', () => first.calls.includes('close'));
    first.closed();
    await worker.stop();
    expect(first.calls).toEqual(['run', 'close']);
    expect(workers).toHaveLength(1);
  });

  test('called while it is closing, another one comes, after it', async () => {
    const { workers, open } = byHand();
    const worker = new OnCallWorker(open, longMs, unexpected);
    worker.call();
    const first = await eventually('opened', () => workers[0]);
    first.ready();
    await eventually('running', () => first.calls.includes('run'));
    worker.letGo();
    await eventually('closing', () => first.calls.includes('close'));
    worker.call();
    await nextTurn();
    expect(workers).toHaveLength(1);
    first.closed();
    const second = await eventually('opened anew', () => workers[1]);
    second.ready();
    await eventually('running', () => second.calls.includes('run'));
    second.closed();
    await worker.stop();
  });

  test('let go before it is ready, it never runs', async () => {
    const { workers, open } = byHand();
    const worker = new OnCallWorker(open, longMs, unexpected);
    worker.call();
    const first = await eventually('opened', () => workers[0]);
    worker.letGo();
    await eventually('closed', () => first.calls.length > 0);
    first.ready();
    await worker.stop();
    expect(first.calls).toEqual(['close at once']);
  });

  test('one that does not come up is said to, and made anew', async () => {
    const said: unknown[] = [];
    const { workers, open } = byHand();
    const worker = new OnCallWorker(open, longMs, (error) => void said.push(error));
    worker.call();
    (await eventually('opened', () => workers[0])).fail();
    const second = await eventually('opened anew', () => workers[1]);
    expect(said).toHaveLength(1);
    expect(workers[0]?.calls).toEqual(['close at once']);
    await worker.stop();
    expect(second.calls).toEqual(['close at once']);
  });

  test('one that never closes does not keep the next from coming', async () => {
    const said: unknown[] = [];
    const { workers, open } = byHand();
    const worker = new OnCallWorker(open, 10, (error) => void said.push(error));
    worker.call();
    const first = await eventually('opened', () => workers[0]);
    first.ready();
    await eventually('running', () => first.calls.includes('run'));
    worker.letGo();
    worker.call();
    await eventually('opened anew', () => workers[1]);
    expect(said).toHaveLength(1);
    await worker.stop();
  });

  test('stopped, it opens nothing any more, and settles what it had begun', async () => {
    const { workers, open } = byHand();
    const worker = new OnCallWorker(open, longMs, unexpected);
    worker.call();
    const first = await eventually('opened', () => workers[0]);
    first.ready();
    await eventually('running', () => first.calls.includes('run'));
    let isStopped = false;
    const stopping = worker.stop().then(() => {
      isStopped = true;
    });
    worker.call();
    await eventually('closing', () => first.calls.includes('close'));
    await nextTurn();
    expect(isStopped).toBe(false);
    first.closed();
    await stopping;
    worker.call();
    await nextTurn();
    await worker.stop();
    expect(workers).toHaveLength(1);
  });
});
