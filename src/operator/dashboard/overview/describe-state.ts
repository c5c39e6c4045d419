import type { Circuit } from '../../../delivery/circuit.ts';
import { formatSpan } from '../../alerts/format-span.ts';
import { countOf, formatCount } from '../parts/count-of.ts';

export interface StateFacts {
  /** Notifications that were ever accepted. */
  readonly accepted: number;
  readonly consumers: readonly ConsumerFacts[];
  /** Kinds of the open incidents. */
  readonly incidents: readonly string[];
  readonly nowMs: number;
}

export interface ConsumerFacts {
  /** As it is called in a sentence. */
  readonly name: string;
  readonly circuit: Circuit;
  readonly isPaused: boolean;
  /** Neither delivered nor dead. */
  readonly pending: number;
  readonly dead: number;
  /** By how much its ledger is off. */
  readonly offBy: number;
}

export interface DescribedState {
  readonly mark: 'good' | 'warning' | 'bad';
  readonly text: string;
}

/** How the relay is, in a sentence or a few: what is the matter first, whether anybody has to act last. */
export function describeState(facts: StateFacts): DescribedState {
  const { consumers, nowMs } = facts;
  const down = consumers.filter(isDown);
  const off = consumers.filter(({ offBy }) => offBy !== 0);
  const throttled = consumers.filter((consumer) => isThrottled(consumer, nowMs));
  const paused = consumers.filter(({ isPaused }) => isPaused);
  const dead = consumers.reduce((sum, consumer) => sum + consumer.dead, 0);
  const others = facts.incidents.filter((kind) => !isTold(kind, { down, off, dead }));
  const held = [
    ...off.map(describeOff),
    ...down.map((consumer) => describeDown(consumer, nowMs)),
    ...throttled.map((consumer) => describeThrottled(consumer, nowMs)),
    ...paused.filter((one) => !down.includes(one) && !throttled.includes(one)).map(describePaused),
  ];
  const sentences = [
    ...held,
    ...describeDead(dead, held.length, others.length),
    ...describeOthers(others.length, held.length + dead),
  ];
  if (sentences.length === 0) return { mark: 'good', text: describeCalm(facts.accepted) };
  return { mark: off.length + down.length + others.length > 0 ? 'bad' : 'warning', text: sentences.join(' ') };
}

function describeCalm(accepted: number): string {
  if (accepted === 0) return 'Nothing has been accepted yet. Nothing needs you.';
  if (accepted === 1) return 'The one accepted notification is delivered or on its way. Nothing needs you.';
  return `All ${formatCount(accepted)} accepted notifications are delivered or on their way. Nothing needs you.`;
}

function describeDead(dead: number, held: number, others: number): readonly string[] {
  if (dead === 0) return held > 0 ? ['0 dead.'] : [];
  const rest = held + others > 0 ? '' : ' All others are delivered or on their way.';
  return [`${countOf(dead, 'delivery is', 'deliveries are')} dead: see why, then replay.${rest}`];
}

function describeOthers(others: number, told: number): readonly string[] {
  const open =
    told > 0
      ? countOf(others, 'more incident is', 'more incidents are')
      : countOf(others, 'incident is', 'incidents are');
  return others === 0 ? [] : [`${open} open: see below.`];
}

function describeDown({ name, circuit, pending, isPaused }: ConsumerFacts, nowMs: number): string {
  const sinceMs = 'sinceMs' in circuit ? circuit.sinceMs : nowMs;
  return `${name} has been unavailable for ${formatSpan(nowMs - sinceMs)}${isPaused ? ', and is paused' : ''}. ${describeWait(pending, isPaused)}`;
}

function describeThrottled({ name, circuit, pending, isPaused }: ConsumerFacts, nowMs: number): string {
  const untilMs = 'untilMs' in circuit ? circuit.untilMs : nowMs;
  return `${name} asked for a pause of another ${formatSpan(untilMs - nowMs)}. ${describeWait(pending, isPaused)}`;
}

function describePaused({ name, pending }: ConsumerFacts): string {
  return `${name} is paused. ${describeWait(pending, true)}`;
}

function describeWait(pending: number, isPaused: boolean): string {
  if (pending === 0) return 'Nothing waits.';
  const waits = countOf(pending, 'delivery waits', 'deliveries wait');
  if (isPaused) return `${waits} until somebody resumes it.`;
  return `${waits}; ${pending === 1 ? 'it will go by itself' : 'they will go by themselves'}.`;
}

function describeOff({ name, offBy }: ConsumerFacts): string {
  const by = Math.abs(offBy);
  return offBy > 0
    ? `The ledger of ${name} is off: ${countOf(by, 'delivery is', 'deliveries are')} neither delivered nor pending nor dead.`
    : `The ledger of ${name} is off: ${countOf(by, 'delivery more is', 'deliveries more are')} there than were counted.`;
}

function isDown({ circuit }: ConsumerFacts): boolean {
  return circuit.kind === 'open' || circuit.kind === 'half_open';
}

function isThrottled({ circuit }: ConsumerFacts, nowMs: number): boolean {
  return circuit.kind === 'throttled' && circuit.untilMs > nowMs;
}

/** Whether a sentence says already what an incident is about. */
function isTold(
  kind: string,
  { down, off, dead }: { down: readonly unknown[]; off: readonly unknown[]; dead: number },
): boolean {
  if (kind === 'circuit_open' || kind === 'oldest_pending') return down.length > 0;
  if (kind === 'ledger_off') return off.length > 0;
  return kind === 'dead_deliveries' && dead > 0;
}
