import { describeError } from '../describe-error.ts';
import { countOf, formatCount } from '../parts/count-of.ts';
import type { ChosenDelivery, ReplayedChosen } from './replay-chosen.ts';

/** What a replay of those that are ticked would do, in sentences; the first is the answer. */
export function describeChosen(chosen: readonly ChosenDelivery[], isForced: boolean): readonly string[] {
  const stateCount = (...states: readonly string[]): number => {
    return chosen.filter(({ delivery }) => delivery !== undefined && states.includes(delivery.state)).length;
  };
  const [dead, delayed, delivered] = [stateCount('dead'), stateCount('delayed'), stateCount('delivered')];
  const onTheirWay = stateCount('waiting', 'active');
  const gone = chosen.length - dead - delayed - delivered - onTheirWay;
  const again = dead + delayed + (isForced ? delivered : 0);
  return [
    `${formatCount(again)} of ${countOf(chosen.length, 'delivery', 'deliveries')} would be attempted again.`,
    ...told(dead, 'dead one is', 'dead ones are', 'put back and attempted anew, with the whole schedule'),
    ...told(delayed, 'delayed one is', 'delayed ones are', 'brought forward: the next attempt is made now'),
    ...told(onTheirWay, 'is', 'are', 'on the way already and left alone'),
    ...(isForced
      ? told(delivered, 'was', 'were', 'delivered already, and would be delivered again')
      : told(delivered, 'that was delivered is', 'that were delivered are', 'left out, unless you say so below')),
    ...told(gone, 'is', 'are', 'not kept any more'),
  ];
}

/** What was done with those that were ticked. */
export function describeReplayed({ results, failure }: ReplayedChosen): readonly string[] {
  const again = results.filter(({ result }) => result === 'replayed' || result === 'brought_forward').length;
  const left = results.filter(({ result }) => result === undefined).length;
  const why = failure === undefined ? '' : describeError(failure.code, failure.message).title;
  return [
    `${formatCount(again)} of ${countOf(results.length, 'delivery', 'deliveries')} ${again === 1 ? 'is' : 'are'} attempted again.`,
    ...told(left, 'was', 'were', `not asked for. ${why}: tick them again when it is mended`),
  ];
}

function told(count: number, one: string, many: string, what: string): readonly string[] {
  return count === 0 ? [] : [`${countOf(count, one, many)} ${what}.`];
}
