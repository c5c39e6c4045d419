import type { ReplayResult } from '../../ports.ts';

const words: Readonly<Record<ReplayResult, string>> = {
  replayed: 'It is replayed: it was put back and is attempted anew.',
  brought_forward: 'Its next attempt is brought forward: it is made now.',
  on_its_way: 'It is on its way already: nothing was changed.',
  delivered_already: 'It was delivered: to send it again, say so in the form.',
  gone: 'It is not kept any more: nothing was changed.',
};

/** @param text from a URL; `undefined` for any that is no result */
export function describeReplayResult(text: string | undefined): string | undefined {
  return Object.entries(words).find(([result]) => result === text)?.[1];
}
