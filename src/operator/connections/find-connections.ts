import { parseAppKey } from '../../delivery/names.ts';
import { RelayError } from '../../errors.ts';
import type { ConnectionFilter } from './connection-schemas.ts';
import type { ConnectionSource, KnownConnection } from './ports.ts';

/** Asked of the source at once when a state is looked for. */
const pageSize = 200;
/** For one page of a search by state. */
const maxLookedAt = 5000;
const cursorPattern = /^[0-9a-f]{24}$/;

export interface FoundConnections {
  readonly found: readonly KnownConnection[];
  /** The id of the last one; absent at the end. */
  readonly cursor?: string;
  readonly isPartial: boolean;
}

/**
 * Newest first. A state is no index: it is looked for among so many at most.
 *
 * @throws RelayError `cursor_invalid`
 */
export async function findConnections(
  source: Pick<ConnectionSource, 'list'>,
  { app, state }: ConnectionFilter,
  { before, limit }: { readonly before?: string | undefined; readonly limit: number },
): Promise<FoundConnections> {
  if (before !== undefined && !cursorPattern.test(before)) throw new RelayError('cursor_invalid', 'no such cursor');
  const key = app === undefined ? undefined : parseAppKey(app);
  const found: KnownConnection[] = [];
  let last = before;
  for (let lookedAt = 0; lookedAt < maxLookedAt; ) {
    const page = await source.list({
      ...(key !== undefined && { app: key }),
      ...(last !== undefined && { before: last }),
      limit: state === undefined ? limit + 1 : pageSize,
    });
    found.push(...page.filter((one) => state === undefined || one.state === state));
    if (found.length > limit) return goOn(found.slice(0, limit), found[limit - 1]?.id, false);
    const lowest = page.at(-1)?.id;
    if (lowest === undefined) return { found, isPartial: false };
    last = lowest;
    lookedAt += page.length;
  }
  return goOn(found, last, true);
}

function goOn(found: readonly KnownConnection[], cursor: string | undefined, isPartial: boolean): FoundConnections {
  return { found, ...(cursor !== undefined && { cursor }), isPartial };
}
