import { answering, type Misbehaviour, type RecallStandIn } from '../../src/demo/recall-stand-in.ts';

/** Ways a consumer has been seen to fail; `undefined` is a good mood. */
export const moods: readonly (Misbehaviour | undefined)[] = [
  undefined,
  answering(503),
  undefined,
  (request) => request.socket.destroy(), // resets the connection
  undefined,
  () => {}, // hangs
  undefined,
  (request) => request.socket.end('\x00garbage\r\n\r\n'),
  undefined,
  answering(429, { 'retry-after': '1' }),
  undefined,
  answering(500),
];

/** Goes through the moods until stopped, then stays in a good one. */
export function startMoods(recall: RecallStandIn, changeEveryMs: number): { stop(): void } {
  let index = 0;
  const timer = setInterval(() => {
    index += 1;
    recall.misbehaveAlways(moods[index % moods.length]);
  }, changeEveryMs);
  return {
    stop() {
      clearInterval(timer);
      recall.misbehaveAlways();
    },
  };
}
