import type { AppKey } from '../delivery/names.ts';
import { RelayError } from '../errors.ts';
import { type Connection, storedConnection } from './connection.ts';
import type { ConnectParts } from './ports.ts';
import { hashOf } from './secrets.ts';

/** How often a swap that lost is made again. */
const maxSwaps = 50;
const idPattern = /^[0-9a-f]{24}$/;
const keyPrefix = 'connection:';

/** Whom a connection is of: a Zoom user for user-level apps, a Zoom account for account-level ones. */
export interface ZoomOwner {
  readonly app: AppKey;
  readonly kind: 'user' | 'account';
  readonly zoomId: string;
}

/** The connections of all apps. One for each owner: connecting again goes on with the same id. */
export interface ConnectionStore {
  read(id: string): Promise<Connection | undefined>;
  /** The id for an owner: the one they have, or a new one that is theirs from now on. */
  claim(owner: ZoomOwner): Promise<string>;
  findByOwner(owner: ZoomOwner): Promise<Connection | undefined>;
  /**
   * Changes a connection, again when somebody else did meanwhile.
   *
   * @param make gets what there is; `undefined` leaves it as it is. May be called several times.
   * @returns what is there now
   */
  change(id: string, make: (before: Connection | undefined) => Connection | undefined): Promise<Connection | undefined>;
  /** Newest first. */
  list(page: {
    readonly app?: AppKey;
    readonly before?: string;
    readonly limit: number;
  }): Promise<readonly Connection[]>;
  all(app: AppKey): Promise<readonly Connection[]>;
  /** Tells whether there was one. */
  remove(connection: Connection): Promise<boolean>;
}

/** Whether a text can be a connection's id. */
export function isConnectionId(text: string): boolean {
  return idPattern.test(text);
}

export function createConnectionStore({
  records,
  nowMs,
  randomBytes,
}: Pick<ConnectParts, 'records' | 'nowMs' | 'randomBytes'>): ConnectionStore {
  const pageSize = 200;

  async function read(id: string): Promise<Connection | undefined> {
    return isConnectionId(id) ? parse(await records.read(keyPrefix + id)) : undefined;
  }

  async function list(page: { readonly app?: AppKey; readonly before?: string; readonly limit: number }) {
    const found = await records.list({
      prefix: keyPrefix,
      limit: page.limit,
      ...(page.app !== undefined && { tag: tagOf(page.app) }),
      ...(page.before !== undefined && { before: keyPrefix + page.before }),
    });
    return found.flatMap(({ value }) => parse(value) ?? []);
  }

  return {
    read,
    list,

    async claim(owner) {
      for (let swaps = 0; swaps < maxSwaps; swaps += 1) {
        const taken = await records.read(ownerKeyOf(owner));
        if (taken !== undefined) return taken;
        const id = newId(nowMs(), randomBytes);
        if (await records.swap(ownerKeyOf(owner), undefined, { value: id })) return id;
      }
      throw tooBusy();
    },

    async findByOwner(owner) {
      const id = await records.read(ownerKeyOf(owner));
      return id === undefined ? undefined : read(id);
    },

    async change(id, make) {
      for (let swaps = 0; swaps < maxSwaps; swaps += 1) {
        const stored = await records.read(keyPrefix + id);
        const before = parse(stored);
        const next = make(before);
        if (next === undefined || next === before) return before;
        if (await records.swap(keyPrefix + id, stored, { value: JSON.stringify(next), tags: [tagOf(next.app)] }))
          return next;
      }
      throw tooBusy();
    },

    async all(app) {
      const found: Connection[] = [];
      let page = await list({ app, limit: pageSize });
      while (page.length > 0) {
        found.push(...page);
        const last = page.at(-1);
        page = last === undefined ? [] : await list({ app, before: last.id, limit: pageSize });
      }
      return found;
    },

    async remove({ id, ownerKey }) {
      await records.remove(ownerKey);
      return records.remove(keyPrefix + id);
    },
  };
}

/** Begins with the time, so that the order of ids is that in which they were made; the rest cannot be guessed. */
function newId(nowMs: number, randomBytes: (count: number) => Buffer): string {
  return `${Math.floor(nowMs / 1000)
    .toString(16)
    .padStart(8, '0')}${randomBytes(8).toString('hex')}`;
}

function tagOf(app: AppKey): string {
  return `app:${app}`;
}

/** Outlives what is kept about the owner, and so does not name them. */
export function ownerKeyOf({ app, kind, zoomId }: ZoomOwner): string {
  return `owner:${app}:${kind}:${hashOf(zoomId)}`;
}

/** One that cannot be read, written by a newer release, is as if it were not there for those who ask. */
function parse(value: string | undefined): Connection | undefined {
  if (value === undefined) return undefined;
  try {
    return storedConnection.safeParse(JSON.parse(value)).data;
  } catch {
    return undefined;
  }
}

function tooBusy(): RelayError {
  return new RelayError('store_unavailable', `a connection changed under each of ${maxSwaps} swaps`);
}
