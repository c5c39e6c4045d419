import { z } from 'zod';
import { queueNameOf } from '../../delivery/names.ts';
import { RelayError } from '../../errors.ts';
import type { ConsumerName, DeliveryPage, DeliveryQuery, KeptDelivery, OperatorSource } from '../ports.ts';
import type { DeliveryFilter } from '../schemas.ts';
import { findText } from './find-text.ts';
import { consumersOf, queryOf } from './resolve-filter.ts';

export interface FoundDelivery {
  readonly name: ConsumerName;
  readonly kept: KeptDelivery;
}

export interface FoundPage {
  readonly found: readonly FoundDelivery[];
  readonly cursor?: string;
  readonly lookedAt: number;
  /** Enough was looked at before the page was full. */
  readonly isPartial: boolean;
}

/** Where each consumer's list goes on: behind that cursor, from its beginning (absent or empty), or not at all (`null`). */
const positions = z.record(z.string(), z.string().nullable());
type Positions = Readonly<z.infer<typeof positions>>;

/**
 * One page of the deliveries a filter means, of all consumers it means, newest first.
 *
 * @param filter resolved
 * @throws RelayError `cursor_invalid`, `store_unavailable`
 */
export async function findDeliveries(
  source: Pick<OperatorSource, 'search' | 'delivery'>,
  consumers: readonly ConsumerName[],
  filter: DeliveryFilter,
  page: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<FoundPage> {
  const meant = consumersOf(filter, consumers);
  if (filter.q !== undefined && isNotificationId(filter.q)) return findById(source, meant, filter, filter.q);
  const from = page.cursor === undefined ? {} : readCursor(page.cursor);
  const query = { ...queryOf(filter), ...(filter.q !== undefined && { text: filter.q }), order: 'newest' } as const;
  const pages = await Promise.all(
    meant.map(async (name) => {
      const position = from[keyOf(name)];
      return { name, position, page: await searchFrom(source, name, { ...query, limit: page.limit }, position) };
    }),
  );
  const candidates = pages.flatMap(({ name, page: { deliveries } }) => deliveries.map((kept) => ({ name, kept })));
  const taken = candidates.toSorted((a, b) => sortKey(b.kept, filter) - sortKey(a.kept, filter)).slice(0, page.limit);
  const next = Object.fromEntries(
    pages.map(({ name, position, page: own }) => [keyOf(name), positionAfter(own, position, name, taken)] as const),
  );
  const isEnd = Object.values(next).every((position) => position === null);
  const found = taken.filter(({ kept }) => filter.q === undefined || findText(kept, filter.q));
  return {
    found,
    ...(!isEnd && { cursor: writeCursor(next) }),
    lookedAt: pages.reduce((sum, { page: { lookedAt } }) => sum + lookedAt, 0),
    isPartial: !isEnd && found.length < page.limit,
  };
}

async function searchFrom(
  source: Pick<OperatorSource, 'search'>,
  { app, consumer }: ConsumerName,
  query: DeliveryQuery,
  position: string | null | undefined,
): Promise<DeliveryPage> {
  if (position === null) return { deliveries: [], lookedAt: 0 };
  return source.search(queueNameOf(app, consumer), { ...query, ...(position && { cursor: position }) });
}

/** Behind the last one taken of this consumer; where its own page ended when all of it was taken. */
function positionAfter(
  own: DeliveryPage,
  position: string | null | undefined,
  { app, consumer }: ConsumerName,
  taken: readonly FoundDelivery[],
): string | null {
  const ofThis = taken.filter(({ name }) => name.app === app && name.consumer === consumer);
  if (ofThis.length === own.deliveries.length) return own.cursor ?? null;
  return ofThis.at(-1)?.kept.cursor ?? position ?? '';
}

async function findById(
  source: Pick<OperatorSource, 'delivery'>,
  consumers: readonly ConsumerName[],
  filter: DeliveryFilter,
  id: string,
): Promise<FoundPage> {
  const { state } = filter;
  const found = await Promise.all(
    consumers.map(async (name) => {
      const kept = await source.delivery(queueNameOf(name.app, name.consumer), id.toLowerCase());
      return kept !== undefined && (state ?? kept.state) === kept.state ? [{ name, kept }] : [];
    }),
  );
  return { found: found.flat(), lookedAt: consumers.length, isPartial: false };
}

function isNotificationId(text: string): boolean {
  return /^[0-9a-f]{32}$/i.test(text);
}

function sortKey(kept: KeptDelivery, { state }: DeliveryFilter): number {
  return state === 'delivered' || state === 'dead' ? (kept.endedAtMs ?? kept.addedAtMs) : kept.addedAtMs;
}

function keyOf({ app, consumer }: ConsumerName): string {
  return `${app}.${consumer}`;
}

function writeCursor(next: Positions): string {
  return Buffer.from(JSON.stringify(next)).toString('base64url');
}

function readCursor(cursor: string): Positions {
  try {
    return positions.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch (cause) {
    throw new RelayError('cursor_invalid', 'the cursor is not one of this list: begin without it', { cause });
  }
}
