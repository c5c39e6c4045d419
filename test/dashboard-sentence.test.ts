import { describe, expect, test } from 'vitest';
import { type Circuit, closedCircuit } from '../src/delivery/circuit.ts';
import {
  type ConsumerFacts,
  describeState,
  type StateFacts,
} from '../src/operator/dashboard/overview/describe-state.ts';
import { nameConsumer } from '../src/operator/dashboard/overview/name-consumer.ts';

const nowMs = Date.UTC(2026, 10, 18, 10, 2, 11);
const open: Circuit = { kind: 'open', untilMs: nowMs + 20_000, openings: 3, sinceMs: nowMs - 6 * 60_000 };
const halfOpen: Circuit = { kind: 'half_open', probeUntilMs: nowMs + 1000, openings: 3, sinceMs: nowMs - 7_200_000 };

function consumer(change: Partial<ConsumerFacts> = {}): ConsumerFacts {
  return { name: 'Recall', circuit: closedCircuit, isPaused: false, pending: 0, dead: 0, offBy: 0, ...change };
}

function say(change: Partial<StateFacts>): string {
  const { mark, text } = describeState({ accepted: 18_190, consumers: [consumer()], incidents: [], nowMs, ...change });
  return `${mark}: ${text}`;
}

describe('the sentence on top of the overview', () => {
  test.each<[string, Partial<StateFacts>, string]>([
    ['nothing came yet', { accepted: 0 }, 'good: Nothing has been accepted yet. Nothing needs you.'],
    ['one came', { accepted: 1 }, 'good: The one accepted notification is delivered or on its way. Nothing needs you.'],
    [
      'all is well',
      { consumers: [consumer({ pending: 12 })] },
      'good: All 18,190 accepted notifications are delivered or on their way. Nothing needs you.',
    ],
    [
      'down',
      {
        consumers: [consumer({ circuit: open, pending: 412 }), consumer({ name: 'crm' })],
        incidents: ['circuit_open'],
      },
      'bad: Recall has been unavailable for 6 min. 412 deliveries wait; they will go by themselves. 0 dead.',
    ],
    [
      'down, one waits',
      { consumers: [consumer({ circuit: halfOpen, pending: 1 })] },
      'bad: Recall has been unavailable for 2 h 0 min. 1 delivery waits; it will go by itself. 0 dead.',
    ],
    [
      'down, nothing waits',
      { consumers: [consumer({ circuit: open })] },
      'bad: Recall has been unavailable for 6 min. Nothing waits. 0 dead.',
    ],
    [
      'down and paused: they will not go by themselves',
      { consumers: [consumer({ circuit: open, isPaused: true, pending: 2 })] },
      'bad: Recall has been unavailable for 6 min, and is paused. 2 deliveries wait until somebody resumes it. 0 dead.',
    ],
    [
      'down, and some died',
      {
        consumers: [consumer({ circuit: open, pending: 412, dead: 1 })],
        incidents: ['circuit_open', 'dead_deliveries'],
      },
      'bad: Recall has been unavailable for 6 min. 412 deliveries wait; they will go by themselves. 1 delivery is dead: see why, then replay.',
    ],
    [
      'throttled',
      { consumers: [consumer({ circuit: { kind: 'throttled', untilMs: nowMs + 41_000 }, pending: 3 })] },
      'warning: Recall asked for a pause of another 41 s. 3 deliveries wait; they will go by themselves. 0 dead.',
    ],
    [
      'throttled until a moment ago is not throttled',
      { consumers: [consumer({ circuit: { kind: 'throttled', untilMs: nowMs } })] },
      'good: All 18,190 accepted notifications are delivered or on their way. Nothing needs you.',
    ],
    [
      'paused',
      { consumers: [consumer({ name: 'crm', isPaused: true, pending: 12 })] },
      'warning: crm is paused. 12 deliveries wait until somebody resumes it. 0 dead.',
    ],
    [
      'only dead',
      { consumers: [consumer({ dead: 2 }), consumer({ name: 'crm', dead: 1 })], incidents: ['dead_deliveries'] },
      'warning: 3 deliveries are dead: see why, then replay. All others are delivered or on their way.',
    ],
    [
      'the ledger is off',
      { consumers: [consumer({ offBy: 2 })], incidents: ['ledger_off'] },
      'bad: The ledger of Recall is off: 2 deliveries are neither delivered nor pending nor dead. 0 dead.',
    ],
    [
      'more than were counted',
      { consumers: [consumer({ offBy: -1 })] },
      'bad: The ledger of Recall is off: 1 delivery more is there than were counted. 0 dead.',
    ],
    ['an incident that no fact tells', { incidents: ['bad_signatures'] }, 'bad: 1 incident is open: see below.'],
    [
      'incidents besides what is told',
      { consumers: [consumer({ dead: 1 })], incidents: ['no_challenge', 'slow_acknowledgements', 'dead_deliveries'] },
      'bad: 1 delivery is dead: see why, then replay. 2 more incidents are open: see below.',
    ],
  ])('%s', (_name, facts, expected) => {
    expect(say(facts)).toBe(expected);
  });

  test.each([
    ['recall', false, 'Recall'],
    ['recall', true, 'Recall of app acme'],
    ['crm', false, 'crm'],
    ['crm', true, 'crm of app acme'],
  ])('%s is called so (several apps: %s): %s', (key, hasSeveralApps, expected) => {
    expect(nameConsumer({ app: 'acme', consumer: key }, hasSeveralApps)).toBe(expected);
  });
});
