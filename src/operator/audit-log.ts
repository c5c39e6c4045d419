import { RelayError } from '../errors.ts';
import { type AuditEntry, auditEntry } from './schemas.ts';

export type AuditAction =
  | 'login'
  | 'login_failed'
  | 'logout'
  | 'consumer_paused'
  | 'consumer_resumed'
  | 'delivery_replayed'
  | 'body_viewed'
  | 'replay_started'
  | 'replay_paused'
  | 'replay_resumed'
  | 'replay_cancelled'
  | 'connect_link_made'
  | 'connection_ended'
  | 'bot_urls_viewed'
  | 'meetings_synced';

export interface AuditNote {
  /** Name of the token. */
  readonly who: string;
  readonly action: AuditAction;
  /** What was acted on, at most 190 characters, as `consumer:acme/crm`. */
  readonly target: string;
  readonly reason?: string | undefined;
  /** No secret, signature or body. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Where the entries are kept. All reject with `store_unavailable` while the store is away. */
export interface AuditRecords {
  swap(
    key: string,
    expected: undefined,
    next: { value: string; tags?: readonly string[]; expiresAtMs?: number },
  ): Promise<boolean>;
  list(query: {
    tag?: string;
    before?: string;
    limit: number;
  }): Promise<readonly { readonly key: string; readonly value: string }[]>;
}

/** ISO time, so that keys sort by it, and what tells entries of one millisecond apart. */
const idPattern = /^[0-9TZ:.+-]{24,27}~[A-Za-z0-9-]{1,100}$/;

/** Who did what, when and why. Both reject with `store_unavailable` while the store is away. */
export interface AuditLog {
  /** What is audited is noted first and then done: when this rejects, it must not be done. */
  note(entry: AuditNote): Promise<void>;
  /**
   * Newest first.
   *
   * @param query.before where the page before ended: its `cursor`
   * @param query.target only entries about it
   * @throws RelayError `cursor_invalid`
   */
  list(query: { before?: string | undefined; limit: number; target?: string | undefined }): Promise<AuditPage>;
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** For the next page, whatever is added meanwhile; absent at the end. */
  readonly cursor?: string;
}

/**
 * @param retainMs how long an entry is kept
 * @param newId gives a random text of up to 100 of `A-Z a-z 0-9 -`; no two alike
 */
export function createAuditLog(
  records: AuditRecords,
  retainMs: number,
  nowMs: () => number,
  newId: () => string,
): AuditLog {
  return {
    async note({ who, action, target, reason, detail }) {
      const atMs = nowMs();
      const at = new Date(atMs).toISOString();
      const id = `${at}~${newId()}`;
      const entry: AuditEntry = { id, at, who, action, target, ...(reason && { reason }), ...(detail && { detail }) };
      const change = { value: JSON.stringify(entry), tags: [tagOf(target)], expiresAtMs: atMs + retainMs };
      if (!(await records.swap(id, undefined, change))) throw new RelayError('internal', 'the id of an entry is taken');
    },
    async list({ before, limit, target }) {
      if (before !== undefined && !idPattern.test(before)) throw new RelayError('cursor_invalid', 'no such cursor');
      const kept = await records.list({
        limit,
        ...(before !== undefined && { before }),
        ...(target !== undefined && { tag: tagOf(target) }),
      });
      const entries = kept.flatMap(({ value }) => parseEntry(value) ?? []);
      const last = kept.length < limit ? undefined : kept.at(-1)?.key;
      return { entries, ...(last !== undefined && { cursor: last }) };
    },
  };
}

function tagOf(target: string): string {
  return `target:${target}`;
}

/** One that cannot be read, of another version or not JSON, is left out. */
function parseEntry(value: string): AuditEntry | undefined {
  try {
    return auditEntry.safeParse(JSON.parse(value)).data;
  } catch {
    return undefined;
  }
}
