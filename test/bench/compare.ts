import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { baseline, type Contender, relayWith } from './contenders.ts';
import { type BenchSettings, measureRound, type RoundFigures } from './measure-round.ts';
import { startSink } from './start-sink.ts';
import type { BenchEngine } from './stores.ts';

export interface Comparison extends Omit<BenchSettings, 'folder'> {
  readonly engines: readonly BenchEngine[];
  readonly rounds: number;
}

/** The medians of a contender's rounds. */
export interface ContenderFigures {
  readonly name: string;
  readonly figures: Readonly<Record<FigureName, number | undefined>>;
}

export type FigureName = keyof RoundFigures;

interface Entry {
  readonly contender: Contender;
  readonly engine: BenchEngine;
  readonly rounds: RoundFigures[];
}

/**
 * zoom-relay on each engine, with its directory and without, against the baseline on Redis; in turns, so that what else
 * the machine does hits all alike. A first round, which does not count, finds the rate for the delivery times: half of
 * what the slowest on Redis can carry through.
 */
export async function compare(
  comparison: Comparison,
  say: (line: string) => void,
): Promise<readonly ContenderFigures[]> {
  const folder = await mkdtemp(join(tmpdir(), 'zoom-relay-bench-'));
  const sink = await startSink();
  const entries = entriesOf(comparison.engines);
  const measure = async ({ contender, engine }: Entry, steady: number | undefined): Promise<RoundFigures> => {
    const figures = await measureRound(contender, engine, sink, { ...comparison, folder }, steady);
    say(`${contender.name}: ${figures.throughPerSec.toFixed(0)}/s through, ${figures.cpuMsPer1000.toFixed(0)} ms CPU`);
    return figures;
  };
  try {
    const carried: number[] = [];
    for (const entry of entries) carried.push((await measure(entry, undefined)).throughPerSec);
    const steady = Math.floor(Math.min(...carried.filter((_, index) => entries[index]?.engine === 'redis')) / 2);
    for (let round = 1; round <= comparison.rounds; round += 1) {
      say(`round ${round} of ${comparison.rounds}`);
      for (const entry of entries)
        entry.rounds.push(await measure(entry, entry.engine === 'redis' ? steady : undefined));
    }
    return entries.map(({ contender, rounds }) => ({ name: contender.name, figures: mediansOf(rounds) }));
  } finally {
    await sink.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function entriesOf(engines: readonly BenchEngine[]): readonly Entry[] {
  const relays = engines.flatMap((engine) => {
    const forwarding = relayWith(`zoom-relay, ${engine}`, { RETAIN_DIRECTORY: 'none' });
    const all = relayWith(`zoom-relay, ${engine}, with directory`, {});
    return [forwarding, all].map((contender) => ({ contender, engine, rounds: [] }));
  });
  return [{ contender: baseline, engine: 'redis', rounds: [] }, ...relays];
}

function mediansOf(rounds: readonly RoundFigures[]): Readonly<Record<FigureName, number | undefined>> {
  const medianOf = (name: FigureName): number | undefined => {
    const known = rounds.map((round) => round[name]).filter((figure) => figure !== undefined);
    const sorted = known.toSorted((a, b) => a - b);
    const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
    return low === undefined || high === undefined ? undefined : (low + high) / 2;
  };
  return {
    acknowledgedPerSec: medianOf('acknowledgedPerSec'),
    ackP50Ms: medianOf('ackP50Ms'),
    ackP99Ms: medianOf('ackP99Ms'),
    deliveredPerSec: medianOf('deliveredPerSec'),
    throughPerSec: medianOf('throughPerSec'),
    steadyAckP50Ms: medianOf('steadyAckP50Ms'),
    steadyAckP99Ms: medianOf('steadyAckP99Ms'),
    deliveryP50Ms: medianOf('deliveryP50Ms'),
    deliveryP99Ms: medianOf('deliveryP99Ms'),
    cpuMsPer1000: medianOf('cpuMsPer1000'),
    peakMemoryMb: medianOf('peakMemoryMb'),
    storeBytesPerKept: medianOf('storeBytesPerKept'),
  };
}
