import type { AppKey } from '../delivery/names.ts';
import { RelayError } from '../errors.ts';
import { type Connection, storedConnection } from './connection.ts';
import { parseJson } from './parse-json.ts';
import type { ConnectParts } from './ports.ts';
import { hashOf } from './secrets.ts';

/** How often a swap that lost is made again. */
const maxSwaps = 50;
const idPattern = /^[0-9a-f]{24}$/;
const keyPrefix = 'connection:';
/** In the past by every clock, epoch milliseconds. */
const longAgoMs = 1;

/** Whom a connection is of: a Zoom user for user-level apps, a Zoom account for account-level ones. */
export interface ZoomOwner {
  readonly app: AppKey;
  readonly kind: 'user' | 'account';
  readonly zoomId: string;
}

/** The connections of all apps. One for each owner: connecting again goes on with the same id. */
export interface ConnectionStore {
  /** @throws RelayError `connection_unreadable` for one that a newer release has written */
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
  /** Removes it, unless it is of another consent by now. Tells whether it is gone. */
  remove(connection: Connection): Promise<boolean>;
  /** Sees to it that the owner finds the connection. */
  assertOwner(connection: Connection): Promise<void>;
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
    return found.flatMap(({ value }) => storedConnection.safeParse(parseJson(value)).data ?? []);
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

    change,

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

    async remove(seen) {
      for (let swaps = 0; swaps < maxSwaps; swaps += 1) {
        const stored = await records.read(keyPrefix + seen.id);
        const before = parse(stored);
        if (before !== undefined && before.connectedAtMs !== seen.connectedAtMs) return false;
        // There is no conditional removal; a record that has expired is one that is not there.
        const gone = { value: '{}', expiresAtMs: longAgoMs };
        if (stored === undefined || (await records.swap(keyPrefix + seen.id, stored, gone))) {
          await records.remove(seen.ownerKey);
          return true;
        }
      }
      throw tooBusy();
    },

    async assertOwner({ ownerKey, id }) {
      await records.swap(ownerKey, undefined, { value: id });
    },
  };

  async function change(
    id: string,
    make: (before: Connection | undefined) => Connection | undefined,
  ): Promise<Connection | undefined> {
    for (let swaps = 0; swaps < maxSwaps; swaps += 1) {
      const stored = await records.read(keyPrefix + id);
      const before = parse(stored);
      const next = make(before);
      if (next === undefined || next === before) return before;
      const change = { value: JSON.stringify(next), tags: [tagOf(next.app)] };
      if (await records.swap(keyPrefix + id, stored, change)) return next;
    }
    throw tooBusy();
  }
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

/** @throws RelayError `connection_unreadable`: what cannot be read must not be written over */
function parse(value: string | undefined): Connection | undefined {
  if (value === undefined) return undefined;
  const parsed = storedConnection.safeParse(parseJson(value));
  if (parsed.success) return parsed.data;
  throw new RelayError('connection_unreadable', 'a newer release has written this connection');
}

function tooBusy(): RelayError {
  return new RelayError('store_unavailable', `a connection changed under each of ${maxSwaps} swaps`);
}
