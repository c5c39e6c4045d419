import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CircuitBreaker } from '../src/consumers/circuit-breaker.ts';
import type { SharedState } from '../src/consumers/ports.ts';
import {
  admit,
  type Circuit,
  circuitAfter,
  closedCircuit,
  failuresToOpen,
  parseCircuit,
} from '../src/delivery/circuit.ts';
import type { Outcome } from '../src/delivery/outcome.ts';

const probeMs = 15_000;
const hourMs = 3_600_000;
const startMs = 1_795_219_200_000;
const delivered: Outcome = { kind: 'delivered', status: 200 };
const refused: Outcome = { kind: 'refused', status: 410 };
const unavailable: Outcome = { kind: 'unavailable', error: 'ECONNREFUSED' };
const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const almostOne = 1 - 2 ** -53;

function throttledFor(retryAfterMs: number): Outcome {
  return { kind: 'throttled', status: 429, retryAfterMs };
}

/** One consumer's circuit and a clock that only the test moves. */
class Bench {
  nowMs = startMs;
  random = 0.5;
  circuit: Circuit = closedCircuit;

  constructor(circuit: Circuit = closedCircuit) {
    this.circuit = circuit;
  }

  advance(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  end(outcome: Outcome, isProbe = false): Circuit {
    const throttleMs = outcome.kind === 'throttled' ? (outcome.retryAfterMs ?? 0) : 0;
    this.circuit = circuitAfter(this.circuit, outcome, isProbe, throttleMs, this.nowMs, this.random);
    return this.circuit;
  }

  failTimes(times: number): this {
    for (let time = 0; time < times; time += 1) this.end(unavailable);
    return this;
  }

  /** What a worker would be told, without the circuit being moved. */
  asks(): 'send' | 'probe' | number {
    const admission = admit(this.circuit, this.nowMs, probeMs);
    return admission.kind === 'hold' ? admission.delayMs : admission.kind;
  }

  startProbe(): this {
    const admission = admit(this.circuit, this.nowMs, probeMs);
    if (admission.kind !== 'probe') return expect.unreachable(admission.kind);
    this.circuit = admission.next;
    return this;
  }

  /** Milliseconds until a probe is due. */
  get openForMs(): number {
    return this.circuit.kind === 'open' ? this.circuit.untilMs - this.nowMs : expect.unreachable(this.circuit.kind);
  }
}

function openBench(): Bench {
  return new Bench().failTimes(failuresToOpen);
}

function probingBench(): Bench {
  return openBench().advance(5000).startProbe();
}

describe('a closed circuit', () => {
  test('lets everything out', () => {
    expect(new Bench().asks()).toBe('send');
    expect(new Bench().failTimes(4).asks()).toBe('send');
  });

  test('counts failures in a row and opens at the fifth', () => {
    const bench = new Bench();
    for (let failures = 1; failures <= 4; failures += 1) {
      bench.advance(10);
      expect(bench.end(unavailable)).toEqual({ kind: 'closed', failures, lastFailureAtMs: bench.nowMs });
    }
    bench.advance(10).end(unavailable);
    const { nowMs } = bench;
    expect(bench.circuit).toEqual({ kind: 'open', untilMs: nowMs + 5000, openings: 1, sinceMs: nowMs });
  });

  test.each([delivered, refused])('$kind in between forgives: whoever answers is there', (outcome) => {
    const bench = new Bench().failTimes(4);
    expect(bench.end(outcome)).toEqual(closedCircuit);
    expect(bench.failTimes(4).circuit.kind).toBe('closed');
    expect(bench.failTimes(1).circuit.kind).toBe('open');
  });

  test('a failure is remembered for 60 s, and forgiven after that', () => {
    expect(new Bench().failTimes(4).advance(60_000).failTimes(1).circuit.kind).toBe('open');
    const late = new Bench().failTimes(4).advance(60_001).failTimes(1);
    expect(late.circuit).toEqual({ kind: 'closed', failures: 1, lastFailureAtMs: late.nowMs });
  });

  test('failures up to 60 s apart still are in a row', () => {
    const bench = new Bench();
    for (let time = 0; time < 5; time += 1) bench.advance(60_000).failTimes(1);
    expect(bench.circuit.kind).toBe('open');
  });

  test('a 429 without a wait to keep is no pause: a healthy circuit stays the same object', () => {
    const bare: Outcome = { kind: 'throttled', status: 429 };
    expect(new Bench().end(bare)).toBe(closedCircuit);
  });
});

describe('an open circuit', () => {
  test('holds everything until it is due, and tells for how long', () => {
    const bench = openBench();
    expect(bench.asks()).toBe(5000);
    expect(bench.advance(1).asks()).toBe(4999);
    expect(bench.advance(4998).asks()).toBe(1);
  });

  test('lets exactly one probe out once it is due', () => {
    const bench = openBench().advance(5000);
    const sinceMs = startMs;
    expect(bench.asks()).toBe('probe');
    bench.startProbe();
    expect(bench.circuit).toEqual({ kind: 'half_open', probeUntilMs: bench.nowMs + probeMs, openings: 1, sinceMs });
    expect(bench.asks()).toBe(1000);
    expect(bench.advance(probeMs - 1).asks()).toBe(1000);
  });

  test('waits for a probe however long nobody comes', () => {
    expect(
      openBench()
        .advance(99 * hourMs)
        .asks(),
    ).toBe('probe');
  });

  test.each([delivered, refused, unavailable, throttledFor(60_000)])(
    'the result of a straggler changes nothing: $kind',
    (outcome) => {
      for (const afterMs of [0, 4999, 5000, 9999]) {
        const bench = openBench().advance(afterMs);
        const before = bench.circuit;
        expect(bench.end(outcome)).toBe(before);
      }
    },
  );
});

describe('a half-open circuit', () => {
  test.each([delivered, refused])('is closed by a probe that was $kind', (outcome) => {
    const bench = probingBench();
    expect(bench.end(outcome, true)).toEqual(closedCircuit);
    expect(bench.asks()).toBe('send');
    expect(bench.failTimes(4).circuit.kind).toBe('closed');
  });

  test('is opened again, for longer, by a probe that found the consumer unavailable', () => {
    const bench = probingBench();
    const { nowMs } = bench;
    expect(bench.end(unavailable, true)).toEqual({
      kind: 'open',
      untilMs: nowMs + 10_000,
      openings: 2,
      sinceMs: startMs,
    });
    expect(bench.asks()).toBe(10_000);
  });

  test('waits as it is told to when its probe is throttled', () => {
    const bench = probingBench();
    expect(bench.end(throttledFor(60_000), true)).toEqual({ kind: 'throttled', untilMs: bench.nowMs + 60_000 });
  });

  test.each([delivered, refused, unavailable, throttledFor(60_000)])(
    'the result of a straggler changes nothing: $kind',
    (outcome) => {
      const bench = probingBench();
      const before = bench.circuit;
      expect(bench.end(outcome)).toBe(before);
    },
  );

  test('lets another probe out when the first is lost, and that one counts', () => {
    const bench = probingBench().advance(probeMs);
    expect(bench.asks()).toBe('probe');
    bench.startProbe();
    expect(bench.asks()).toBe(1000);
    expect(bench.circuit).toMatchObject({ kind: 'half_open', openings: 1, probeUntilMs: bench.nowMs + probeMs });
    expect(bench.end(unavailable, true)).toMatchObject({ kind: 'open', openings: 2 });
  });

  test.each<Outcome>([{ kind: 'corrupt' }, { kind: 'unreadable', reason: 'job data is not an object' }])(
    'a probe that was $kind was none: another may try at once, and the openings are not counted up',
    (outcome) => {
      const bench = probingBench();
      expect(bench.end(outcome, true)).toMatchObject({ kind: 'half_open', openings: 1, sinceMs: startMs });
      expect(bench.asks()).toBe('probe');
      const before = bench.startProbe().circuit;
      expect(bench.end(outcome)).toBe(before);
    },
  );

  test('openings double from 5 s to 5 min, and since when the consumer is down is kept', () => {
    const bench = openBench();
    const openings = Array.from({ length: 9 }, () => {
      const { openForMs } = bench;
      expect(bench.circuit).toMatchObject({ sinceMs: startMs });
      bench.advance(openForMs).startProbe().end(unavailable, true);
      return openForMs / 1000;
    });
    expect(openings).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
  });

  test('an outage of a year does not overflow', () => {
    const circuit: Circuit = { kind: 'half_open', probeUntilMs: startMs, openings: 105_120, sinceMs: 0 };
    const bench = new Bench(circuit);
    bench.end(unavailable, true);
    expect(bench.openForMs).toBe(300_000);
  });

  test('after a recovery the next outage begins with 5 s again', () => {
    const bench = probingBench();
    bench.end(unavailable, true);
    bench.advance(10_000).startProbe().end(delivered, true);
    expect(bench.failTimes(failuresToOpen).openForMs).toBe(5000);
  });

  test.each([
    [0, 4500],
    [0.5, 5000],
    [almostOne, 5500],
  ])('chance %d makes the first opening %d ms: the whole band is used', (random, openForMs) => {
    const bench = new Bench();
    bench.random = random;
    expect(bench.failTimes(failuresToOpen).openForMs).toBe(openForMs);
  });

  test('an opening lies within a tenth of its length, both ways, in whole milliseconds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), randoms, (openings, random) => {
        const bench = new Bench({ kind: 'half_open', probeUntilMs: startMs, openings, sinceMs: 0 });
        bench.random = random;
        bench.end(unavailable, true);
        const lengthMs = Math.min(5000 * 2 ** openings, 300_000);
        expect(Number.isInteger(bench.openForMs)).toBe(true);
        expect(bench.openForMs).toBeGreaterThanOrEqual(lengthMs * 0.9);
        expect(bench.openForMs).toBeLessThanOrEqual(lengthMs * 1.1);
      }),
    );
  });
});

describe('a throttled circuit', () => {
  test('holds everything until then, and lets everything out after', () => {
    const bench = new Bench();
    expect(bench.end(throttledFor(60_000))).toEqual({ kind: 'throttled', untilMs: startMs + 60_000 });
    expect(bench.asks()).toBe(60_000);
    expect(bench.advance(59_999).asks()).toBe(1);
    expect(bench.advance(1).asks()).toBe('send');
  });

  test('a shorter pause never shortens a longer one, a longer one lengthens it', () => {
    const bench = new Bench();
    const longer = bench.end(throttledFor(60_000));
    expect(bench.end(throttledFor(10_000))).toBe(longer);
    expect(bench.advance(1000).end(throttledFor(59_000))).toBe(longer);
    expect(bench.end(throttledFor(59_001))).toEqual({ kind: 'throttled', untilMs: startMs + 60_001 });
  });

  test.each([delivered, refused, unavailable])('$kind does not end a pause that is still running', (outcome) => {
    const bench = new Bench();
    const pause = bench.end(throttledFor(60_000));
    expect(bench.end(outcome)).toBe(pause);
    expect(bench.advance(59_999).end(outcome)).toBe(pause);
    expect(bench.end(outcome, true)).toBe(pause);
  });

  test.each([delivered, refused])('$kind closes it when the pause is over', (outcome) => {
    const bench = new Bench();
    bench.end(throttledFor(60_000));
    expect(bench.advance(60_000).end(outcome)).toEqual(closedCircuit);
  });

  test('when the pause is over failures count from one', () => {
    const bench = new Bench().failTimes(4);
    bench.end(throttledFor(1000));
    bench.advance(1000).failTimes(1);
    expect(bench.circuit).toEqual({ kind: 'closed', failures: 1, lastFailureAtMs: bench.nowMs });
    expect(bench.failTimes(4).circuit.kind).toBe('open');
  });
});

describe('what changes nothing', () => {
  test('an answer of a healthy consumer gives the same object, so that it costs no write', () => {
    const healthy: Circuit = { kind: 'closed', failures: 0, lastFailureAtMs: startMs - 1 };
    for (const circuit of [closedCircuit, healthy]) {
      for (const outcome of [delivered, refused]) {
        for (const isProbe of [false, true]) {
          expect(circuitAfter(circuit, outcome, isProbe, 0, startMs, 0.5)).toBe(circuit);
        }
      }
    }
  });

  test('what was not sent says nothing about any consumer', () => {
    const circuits = [closedCircuit, new Bench().failTimes(4).circuit, openBench().circuit, probingBench().circuit];
    for (const circuit of [...circuits, new Bench().end(throttledFor(1000))]) {
      expect(circuitAfter(circuit, { kind: 'corrupt' }, false, 0, startMs, 0.5)).toBe(circuit);
      expect(circuitAfter(circuit, { kind: 'unreadable', reason: 'x' }, false, 0, startMs, 0.5)).toBe(circuit);
    }
  });
});

describe('over any course of events', () => {
  type Step = {
    readonly afterMs: number;
    readonly starts: boolean;
    readonly which: number;
    readonly outcome: Outcome;
    readonly random: number;
  };
  const steps: fc.Arbitrary<readonly Step[]> = fc.array(
    fc.record({
      afterMs: fc.oneof(fc.constant(0), fc.nat(2000), fc.nat(400_000)),
      starts: fc.boolean(),
      which: fc.nat(100),
      outcome: fc.oneof(
        { weight: 6, arbitrary: fc.constant(unavailable) },
        { weight: 2, arbitrary: fc.constantFrom<Outcome>(delivered, refused, { kind: 'corrupt' }) },
        { weight: 2, arbitrary: fc.nat(hourMs).map(throttledFor) },
      ),
      random: randoms,
    }),
    { minLength: 1, maxLength: 150, size: 'max' },
  );

  interface UnderWay {
    readonly isProbe: boolean;
    readonly startedAtMs: number;
  }

  /** Workers that start attempts as the circuit admits them and end them in any order. */
  function run(course: readonly Step[], check: (bench: Bench, underWay: readonly UnderWay[]) => void): void {
    const bench = new Bench();
    const underWay: UnderWay[] = [];
    for (const { afterMs, starts, which, outcome, random } of course) {
      bench.advance(afterMs).random = random;
      if (starts) {
        const admitted = bench.asks();
        if (admitted === 'probe') bench.startProbe();
        if (typeof admitted === 'string') {
          underWay.push({ isProbe: admitted === 'probe', startedAtMs: bench.nowMs });
        }
      } else {
        const [ended] = underWay.splice(which % Math.max(underWay.length, 1), 1);
        if (ended !== undefined) bench.end(outcome, ended.isProbe);
      }
      check(bench, underWay);
    }
  }

  test('a circuit is of a known kind, never waits longer than it may, and sends nothing while it is down', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(steps, (course) => {
        run(course, ({ circuit, nowMs }) => {
          seen.add(circuit.kind);
          expect(['closed', 'throttled', 'open', 'half_open']).toContain(circuit.kind);
          expect(parseCircuit(JSON.stringify(circuit))).toEqual(circuit);
          const admission = admit(circuit, nowMs, probeMs);
          if (circuit.kind === 'open') expect(circuit.untilMs - nowMs).toBeLessThanOrEqual(330_000);
          if (circuit.kind === 'throttled') expect(circuit.untilMs - nowMs).toBeLessThanOrEqual(hourMs);
          if (circuit.kind === 'half_open') expect(circuit.probeUntilMs - nowMs).toBeLessThanOrEqual(probeMs);
          if (circuit.kind === 'closed') expect(circuit.failures).toBeLessThan(failuresToOpen);
          if (circuit.kind === 'open' || circuit.kind === 'half_open') expect(admission.kind).not.toBe('send');
          if (admission.kind === 'hold') expect(admission.delayMs).toBeGreaterThan(0);
        });
      }),
      { numRuns: 300 },
    );
    expect([...seen].sort()).toEqual(['closed', 'half_open', 'open', 'throttled']);
  });

  test('while no probe is lost there is at most one under way', () => {
    fc.assert(
      fc.property(steps, (course) => {
        let isAnyLost = false;
        run(course, (bench, underWay) => {
          const probes = underWay.filter(({ isProbe }) => isProbe);
          isAnyLost ||= probes.some(({ startedAtMs }) => bench.nowMs - startedAtMs >= probeMs);
          if (!isAnyLost) expect(probes.length).toBeLessThanOrEqual(1);
        });
      }),
      { numRuns: 300 },
    );
  });
});

describe('a stored circuit', () => {
  const circuits: readonly Circuit[] = [
    closedCircuit,
    { kind: 'closed', failures: 3, lastFailureAtMs: startMs },
    { kind: 'throttled', untilMs: startMs },
    { kind: 'open', untilMs: startMs, openings: 2, sinceMs: startMs - 1 },
    { kind: 'half_open', probeUntilMs: startMs, openings: 2, sinceMs: startMs - 1 },
  ];

  test.each(circuits)('comes back as it was written: $kind', (circuit) => {
    expect(parseCircuit(JSON.stringify(circuit))).toEqual(circuit);
  });

  test('a consumer nobody has written about is closed', () => {
    expect(parseCircuit(undefined)).toBe(closedCircuit);
  });

  test.each([
    '',
    'garbage',
    '{',
    'null',
    '1',
    '"open"',
    '[]',
    '{}',
    '{"kind":1}',
    '{"kind":"toString"}',
    '{"kind":"__proto__"}',
    '{"kind":"quarantined","untilMs":9}',
    '{"kind":"open"}',
    '{"kind":"open","untilMs":9,"openings":1}',
    '{"kind":"open","untilMs":"9","openings":1,"sinceMs":1}',
    '{"kind":"open","untilMs":null,"openings":1,"sinceMs":1}',
    '{"kind":"open","untilMs":1e999,"openings":1,"sinceMs":1}',
    '{"kind":"half_open","untilMs":9,"openings":1,"sinceMs":1}',
    '{"kind":"throttled","probeUntilMs":9}',
    '{"kind":"closed","failures":[],"lastFailureAtMs":0}',
  ])('what this release does not understand is a closed circuit: %s', (text) => {
    expect(parseCircuit(text)).toBe(closedCircuit);
  });

  test('reading never throws, whatever the store holds', () => {
    const objects = fc.record({
      kind: fc.constantFrom('closed', 'open', 'half_open', 'throttled'),
      untilMs: fc.jsonValue(),
      openings: fc.jsonValue(),
      failures: fc.jsonValue(),
    });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          objects.map((value) => JSON.stringify(value)),
        ),
        (text) => {
          const circuit = parseCircuit(text);
          expect(typeof admit(circuit, startMs, probeMs).kind).toBe('string');
        },
      ),
    );
  });
});

describe('circuit breaker', () => {
  /** The port kept in memory; counts what is asked of it. */
  class SharedMemory implements SharedState {
    text: string | undefined;
    reads = 0;
    swaps = 0;
    /** Awaited before and after each call. */
    pass: () => Promise<void> = async () => {};

    constructor(circuit?: Circuit) {
      this.text = circuit && JSON.stringify(circuit);
    }

    async read(): Promise<string | undefined> {
      this.reads += 1;
      await this.pass();
      const { text } = this;
      await this.pass();
      return text;
    }

    async swap(expected: string | undefined, next: string): Promise<boolean> {
      this.swaps += 1;
      await this.pass();
      const isExpected = this.text === expected;
      if (isExpected) this.text = next;
      await this.pass();
      return isExpected;
    }

    get circuit(): Circuit {
      return parseCircuit(this.text);
    }
  }

  interface Change {
    readonly from: Circuit['kind'];
    readonly to: Circuit['kind'];
  }

  /** Breakers of several processes over one store, with one clock. */
  function setUp(shared: SharedState, count: number) {
    const clock = { nowMs: startMs };
    const changes: Change[] = [];
    const breakers = Array.from(
      { length: count },
      () =>
        new CircuitBreaker(
          shared,
          () => clock.nowMs,
          probeMs,
          (from, to) => changes.push({ from: from.kind, to: to.kind }),
        ),
    );
    const [breaker] = breakers;
    if (breaker === undefined) return expect.unreachable('at least one breaker');
    return { clock, changes, breakers, breaker };
  }

  function judgeOf(outcome: Outcome, isProbe: boolean, nowMs: number) {
    const seen: Circuit[] = [];
    const judge = (circuit: Circuit): { circuit: Circuit } => {
      seen.push(circuit);
      return { circuit: circuitAfter(circuit, outcome, isProbe, 60_000, nowMs, 0.5) };
    };
    return { seen, judge };
  }

  const openAndDue: Circuit = { kind: 'open', untilMs: startMs, openings: 1, sinceMs: startMs - 5000 };

  test('of 20 breakers that enter at once when a probe is due exactly one is the probe, however they interleave', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.boolean(), async (scheduler, isOneProcess) => {
        const shared = new SharedMemory(openAndDue);
        shared.pass = () => scheduler.schedule(Promise.resolve());
        const { breakers, breaker, changes } = setUp(shared, 20);
        const entering = breakers.map((own) => (isOneProcess ? breaker : own).enter());
        const entries = await scheduler.waitFor(Promise.all(entering));
        const probes = entries.filter((entry) => entry.kind === 'send');
        expect(probes).toEqual([{ kind: 'send', isProbe: true }]);
        expect(entries.filter((entry) => entry.kind === 'hold' && entry.delayMs === 1000).length).toBe(19);
        expect(changes).toEqual([{ from: 'open', to: 'half_open' }]);
      }),
      { numRuns: 50 },
    );
  });

  test('before a probe is due all hold until then', async () => {
    const { breakers } = setUp(new SharedMemory({ ...openAndDue, untilMs: startMs + 700 }), 20);
    const entries = await Promise.all(breakers.map((breaker) => breaker.enter()));
    expect(entries).toEqual(Array.from({ length: 20 }, () => ({ kind: 'hold', delayMs: 700 })));
  });

  test('when the probe is delivered all send again, none of them as a probe', async () => {
    const { breakers, clock } = setUp(new SharedMemory(openAndDue), 20);
    const entries = await Promise.all(breakers.map((breaker) => breaker.enter()));
    const prober = breakers[entries.findIndex(({ kind }) => kind === 'send')];
    await prober?.settle(judgeOf(delivered, true, clock.nowMs).judge);
    clock.nowMs += 2001;
    const later = await Promise.all(breakers.map((breaker) => breaker.enter()));
    expect(later).toEqual(Array.from({ length: 20 }, () => ({ kind: 'send', isProbe: false })));
  });

  test('when the probe is lost exactly one other tries after its time', async () => {
    const { breakers, clock } = setUp(new SharedMemory(openAndDue), 20);
    await Promise.all(breakers.map((breaker) => breaker.enter()));
    clock.nowMs += probeMs;
    const entries = await Promise.all(breakers.map((breaker) => breaker.enter()));
    expect(entries.filter((entry) => entry.kind === 'send')).toEqual([{ kind: 'send', isProbe: true }]);
  });

  test('the store is read at most once in 2 s, however many enter', async () => {
    const shared = new SharedMemory();
    const { breaker, clock } = setUp(shared, 1);
    expect(shared.reads).toBe(0);
    await Promise.all(Array.from({ length: 50 }, () => breaker.enter()));
    expect(shared.reads).toBe(1);
    clock.nowMs += 2000;
    await Promise.all(Array.from({ length: 50 }, () => breaker.enter()));
    expect(shared.reads).toBe(1);
    clock.nowMs += 1;
    await Promise.all(Array.from({ length: 50 }, () => breaker.enter()));
    expect(shared.reads).toBe(2);
  });

  test('what another worker has written is seen after 2 s', async () => {
    const shared = new SharedMemory();
    const { breaker, clock } = setUp(shared, 1);
    await breaker.enter();
    shared.text = JSON.stringify({ kind: 'throttled', untilMs: startMs + 60_000 });
    expect(await breaker.enter()).toEqual({ kind: 'send', isProbe: false });
    clock.nowMs += 2001;
    expect(await breaker.enter()).toEqual({ kind: 'hold', delayMs: 57_999 });
  });

  test('what it has written itself it does not read again', async () => {
    const shared = new SharedMemory();
    const { breaker, clock } = setUp(shared, 1);
    await breaker.enter();
    clock.nowMs += 1500;
    await breaker.settle(judgeOf(throttledFor(60_000), false, clock.nowMs).judge);
    clock.nowMs += 2000;
    expect(await breaker.enter()).toEqual({ kind: 'hold', delayMs: 58_000 });
    expect(shared.reads).toBe(1);
  });

  test('a success on a closed circuit writes nothing and reads nothing', async () => {
    const shared = new SharedMemory();
    const { breaker, changes } = setUp(shared, 1);
    await breaker.enter();
    for (let time = 0; time < 100; time += 1) await breaker.settle(judgeOf(delivered, false, startMs).judge);
    expect(shared).toMatchObject({ reads: 1, swaps: 0, text: undefined });
    expect(changes).toEqual([]);
  });

  test('the verdict that settles is the one that is returned', async () => {
    const { breaker } = setUp(new SharedMemory(), 1);
    const verdict = { circuit: closedCircuit, decision: 'mine' };
    expect(await breaker.settle(() => verdict)).toBe(verdict);
  });

  test('a lost swap is judged again with the newer circuit', async () => {
    const shared = new SharedMemory();
    const { breaker, changes } = setUp(shared, 1);
    await breaker.enter();
    const newer: Circuit = { kind: 'closed', failures: 4, lastFailureAtMs: startMs };
    shared.text = JSON.stringify(newer);
    const { judge, seen } = judgeOf(unavailable, false, startMs);
    const verdict = await breaker.settle(judge);
    expect(seen).toEqual([closedCircuit, newer]);
    expect(verdict.circuit.kind).toBe('open');
    expect(shared.circuit).toEqual(verdict.circuit);
    expect(changes).toEqual([{ from: 'closed', to: 'open' }]);
  });

  test('a lost swap that has nothing left to change writes nothing', async () => {
    const shared = new SharedMemory();
    const { breaker, changes } = setUp(shared, 1);
    await breaker.enter();
    const open: Circuit = { ...openAndDue, untilMs: startMs + 5000 };
    shared.text = JSON.stringify(open);
    expect(await breaker.settle(judgeOf(unavailable, false, startMs).judge)).toEqual({ circuit: open });
    expect(shared.circuit).toEqual(open);
    expect(changes).toEqual([]);
  });

  test('no failure is lost when several breakers settle at once, and each change is told once, however they interleave', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 8 }), async (scheduler, count) => {
        const shared = new SharedMemory();
        const { breakers, changes } = setUp(shared, count);
        await Promise.all(breakers.map((breaker) => breaker.enter()));
        shared.pass = () => scheduler.schedule(Promise.resolve());
        const settling = breakers.map((breaker) => breaker.settle(judgeOf(unavailable, false, startMs).judge));
        await scheduler.waitFor(Promise.all(settling));
        const counted = { kind: 'closed', failures: count };
        expect(shared.circuit).toMatchObject(count < failuresToOpen ? counted : { kind: 'open', openings: 1 });
        expect(changes.length).toBe(Math.min(count, failuresToOpen));
        expect(changes.filter(({ to }) => to === 'open').length).toBe(count < failuresToOpen ? 0 : 1);
      }),
      { numRuns: 50 },
    );
  });

  test('what a later release has written counts as closed and is replaced by the next failure', async () => {
    const shared = new SharedMemory();
    shared.text = '{"kind":"quarantined"}';
    const { breaker } = setUp(shared, 1);
    expect(await breaker.enter()).toEqual({ kind: 'send', isProbe: false });
    await breaker.settle(judgeOf(unavailable, false, startMs).judge);
    expect(shared.circuit).toEqual({ kind: 'closed', failures: 1, lastFailureAtMs: startMs });
  });

  test('an attempt that settles before anybody has entered reads the circuit first', async () => {
    const shared = new SharedMemory(openAndDue);
    const { judge, seen } = judgeOf({ kind: 'unreadable', reason: 'x' }, false, startMs);
    await setUp(shared, 1).breaker.settle(judge);
    expect(seen).toEqual([openAndDue]);
  });

  test('a store that cannot be read rejects all who enter, and the next who enters reads again', async () => {
    const shared = new SharedMemory();
    const { breaker, clock } = setUp(shared, 1);
    const away = async (): Promise<void> => {
      throw new Error('the store is away');
    };
    const back = shared.pass;
    for (const reads of [1, 3]) {
      shared.pass = away;
      const entries = await Promise.allSettled([breaker.enter(), breaker.enter(), breaker.enter()]);
      expect(entries.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
      expect(shared.reads).toBe(reads);
      shared.pass = back;
      expect(await breaker.enter()).toEqual({ kind: 'send', isProbe: false });
      expect(shared.reads).toBe(reads + 1);
      clock.nowMs += 2001;
    }
  });

  test('a store that cannot be written rejects, tells of no change and remembers none', async () => {
    const shared = new SharedMemory();
    const { breaker, changes } = setUp(shared, 1);
    await breaker.enter();
    const back = shared.pass;
    shared.pass = async () => {
      throw new Error('the store is away');
    };
    await expect(breaker.settle(judgeOf(throttledFor(60_000), false, startMs).judge)).rejects.toThrow('away');
    shared.pass = back;
    expect(changes).toEqual([]);
    expect(await breaker.enter()).toEqual({ kind: 'send', isProbe: false });
  });

  test('a store that refuses every swap ends in an error, not in a loop', async () => {
    const stubborn: SharedState = {
      read: async () => JSON.stringify(openAndDue),
      swap: async () => false,
    };
    const { breaker } = setUp(stubborn, 1);
    await expect(breaker.enter()).rejects.toThrow('faster than it can be read');
    await expect(breaker.settle(judgeOf(delivered, true, startMs).judge)).rejects.toThrow(
      'faster than it can be written',
    );
  });
});
