import { statfs } from 'node:fs/promises';
import { queueNameOf, recallConsumer } from '../delivery/names.ts';
import { decodeDelivery } from '../delivery/stored-delivery.ts';
import type { ConsumerName, OperatorSource } from './ports.ts';

/** What a running relay tells of itself, for `doctor`. */
export interface Diagnosis {
  readonly version: string;
  readonly node: string;
  readonly nowMs: number;
  readonly roles: readonly string[];
  readonly listeners: { readonly public?: string | undefined; readonly private: string };
  /** Of the disk that the embedded store's folder lies on. */
  readonly disk?: { readonly freeBytes: number; readonly totalBytes: number };
  /** How far Zoom's timestamps were behind our clock when its newest notifications arrived. */
  readonly zoomClock?: { readonly looked: number; readonly minMs: number; readonly maxMs: number };
}

export interface DiagnosisParts {
  readonly source: Pick<OperatorSource, 'search'>;
  readonly consumers: readonly ConsumerName[];
  readonly about: () => Omit<Diagnosis, 'nowMs' | 'disk' | 'zoomClock'>;
  /** Of an embedded store. */
  readonly storeFolder: string | undefined;
  readonly nowMs: () => number;
}

const looked = 50;
/** What clocks can be off by and still be clocks, milliseconds. */
const farthestMs = 24 * 3_600_000;

/** @throws RelayError `store_unavailable` */
export async function readDiagnosis(parts: DiagnosisParts): Promise<Diagnosis> {
  const { about, nowMs, storeFolder } = parts;
  const [disk, zoomClock] = await Promise.all([
    storeFolder === undefined ? undefined : readDisk(storeFolder),
    readZoomClock(parts),
  ]);
  return { ...about(), nowMs: nowMs(), ...(disk && { disk }), ...(zoomClock && { zoomClock }) };
}

async function readDisk(folder: string): Promise<Diagnosis['disk']> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

async function readZoomClock({ source, consumers }: DiagnosisParts): Promise<Diagnosis['zoomClock']> {
  const ofRecall = consumers.filter(({ consumer }) => consumer === recallConsumer);
  const pages = await Promise.all(
    ofRecall.map(({ app, consumer }) => {
      return source.search(queueNameOf(app, consumer), { order: 'newest', limit: looked });
    }),
  );
  const skews = pages.flatMap(({ deliveries }) => deliveries.flatMap(({ data }) => skewOf(data)));
  if (skews.length === 0) return undefined;
  return { looked: skews.length, minMs: Math.min(...skews), maxMs: Math.max(...skews) };
}

function skewOf(data: unknown): readonly number[] {
  const decoded = decodeDelivery(data);
  if (decoded.kind === 'unreadable') return [];
  const { headers, receivedAtMs } = decoded.content;
  const skewMs = receivedAtMs - Number(headers['x-zm-request-timestamp']) * 1000;
  // Further off, with a SIGNATURE_TOLERANCE_SEC that lets it in, it is an old request that somebody has sent again.
  return Math.abs(skewMs) <= farthestMs ? [skewMs] : [];
}
