import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { RelayError } from '../../errors.ts';
import type { AccessToken, Identity } from './identity.ts';

/** A session that is not used ends after the first, and any after the second, milliseconds. */
export const sessionIdleMs = 12 * 3_600_000;
export const sessionMaxMs = 7 * 24 * 3_600_000;
/** The end of a session is put off at most this often, so that not every request writes, milliseconds. */
const slideStepMs = 5 * 60_000;

const idBytes = 32;
const idPattern = /^[A-Za-z0-9_-]{43}$/;

/** Where sessions are kept. All reject with `store_unavailable` while the store is away. */
export interface SessionRecords {
  read(key: string): Promise<string | undefined>;
  swap(
    key: string,
    expected: string | undefined,
    next: { value: string; tags?: readonly string[]; expiresAtMs?: number },
  ): Promise<boolean>;
  remove(key: string): Promise<boolean>;
}

export interface Session {
  readonly identity: Identity;
  readonly csrfToken: string;
}

export interface SessionParts {
  readonly records: SessionRecords;
  readonly tokens: readonly AccessToken[];
  readonly nowMs: () => number;
  readonly randomBytes: (length: number) => Buffer;
}

const keptSession = z.object({
  v: z.literal(1),
  name: z.string(),
  role: z.enum(['read', 'operate']),
  createdAtMs: z.number(),
  expiresAtMs: z.number(),
  csrfSecret: z.string().min(1),
  tokenProof: z.string(),
});
type KeptSession = z.infer<typeof keptSession>;

/**
 * Who has logged in with a token, and until when. Of the id only a hash is kept, and of the token one that is keyed with
 * the id: who reads the store can neither use a session nor guess at a token.
 */
export class Sessions {
  readonly #parts: SessionParts;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** @returns the id, 43 characters of base64url; a secret of the browser's */
  async start(token: AccessToken): Promise<string> {
    const { records, nowMs, randomBytes } = this.#parts;
    const id = randomBytes(idBytes).toString('base64url');
    const createdAtMs = nowMs();
    const kept: KeptSession = {
      v: 1,
      name: token.name,
      role: token.role,
      createdAtMs,
      expiresAtMs: createdAtMs + sessionIdleMs,
      csrfSecret: randomBytes(idBytes).toString('base64url'),
      tokenProof: proofOf(token, id),
    };
    const isNew = await records.swap(keyOf(id), undefined, changeTo(kept));
    if (!isNew) throw new RelayError('internal', 'a session with this id is there already');
    return id;
  }

  /**
   * The session of an id, its end put off. There is none once it has ended, or when its token is no longer configured
   * under that name with that role.
   *
   * @param id whatever the cookie said
   */
  async find(id: string | undefined): Promise<Session | undefined> {
    if (id === undefined || !idPattern.test(id)) return undefined;
    const { records, tokens, nowMs } = this.#parts;
    const text = await records.read(keyOf(id));
    const kept = parseSession(text);
    if (text === undefined || kept === undefined || nowMs() >= kept.expiresAtMs) return undefined;
    const token = tokens.find(({ name, role }) => name === kept.name && role === kept.role);
    if (token === undefined || !isEqual(kept.tokenProof, proofOf(token, id))) return undefined;
    await this.#putOff(id, text, kept);
    return { identity: { name: kept.name, role: kept.role, via: 'session' }, csrfToken: csrfTokenOf(kept, id) };
  }

  /** Nothing happens when there is none. */
  async end(id: string | undefined): Promise<void> {
    if (id !== undefined && idPattern.test(id)) await this.#parts.records.remove(keyOf(id));
  }

  /**
   * Never brings back a session that ended meanwhile: the swap then finds nothing. A store that takes no writes can
   * be read, and that is when an operator looks.
   */
  async #putOff(id: string, text: string, kept: KeptSession): Promise<void> {
    const expiresAtMs = Math.min(this.#parts.nowMs() + sessionIdleMs, kept.createdAtMs + sessionMaxMs);
    if (expiresAtMs - kept.expiresAtMs < slideStepMs) return;
    try {
      await this.#parts.records.swap(keyOf(id), text, changeTo({ ...kept, expiresAtMs }));
    } catch (error) {
      if (!(error instanceof RelayError) || error.code !== 'store_unavailable') throw error;
    }
  }
}

function changeTo(kept: KeptSession): { value: string; expiresAtMs: number } {
  return { value: JSON.stringify(kept), expiresAtMs: kept.expiresAtMs };
}

function parseSession(text: string | undefined): KeptSession | undefined {
  try {
    return keptSession.safeParse(JSON.parse(text ?? 'null')).data;
  } catch {
    return undefined;
  }
}

function keyOf(id: string): string {
  return createHash('sha256').update(id).digest('hex');
}

function proofOf({ token }: AccessToken, id: string): string {
  return createHmac('sha256', id).update(token.reveal()).digest('base64url');
}

function csrfTokenOf({ csrfSecret }: KeptSession, id: string): string {
  return createHmac('sha256', csrfSecret).update(keyOf(id)).digest('base64url');
}

function isEqual(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
