import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { Secret } from '../../secret.ts';
import type { ZoomAnswer, ZoomTokens } from '../../zoom/oauth/zoom-oauth.ts';
import type { Connection } from '../connection.ts';
import type { ConnectionStore } from '../connection-store.ts';
import { type ConnectApp, type ConnectParts, describeRefusal } from '../ports.ts';
import { afterFailure, afterRefresh, beginRefresh, isBeingRefreshed } from './refresh-steps.ts';

/** What is given out has at least so long to live. */
const leastLifeMs = 300_000;
/** Recall refuses less. With that is made do when Zoom gives no longer ones. */
const leastForRecallMs = 120_000;
/** Between looks whether another process has refreshed meanwhile. */
const pollMs = 100;
/** New tokens that the store does not take are tried again so far apart, and that is said so often. */
const saving = { firstMs: 100, longestMs: 2000, saidEveryMs: 60_000 };

const keyMissing = 'its ENCRYPTION_KEY is not configured (any more)';

const tokenPair = z.object({ accessToken: z.string(), refreshToken: z.string() });

export type FreshToken =
  | { readonly kind: 'token'; readonly token: Secret; readonly apiUrl: string | undefined }
  /** There will be none before the person has connected again. */
  | { readonly kind: 'ended'; readonly detail: string }
  /** Not now: ask again. */
  | { readonly kind: 'unavailable'; readonly detail: string };

type Parts = Pick<ConnectParts, 'keys' | 'nowMs' | 'randomBytes' | 'observe' | 'apps'>;

/**
 * Keeps the tokens of customer-managed connections fresh. Of all processes one refreshes a connection at a time: who
 * does is noted in the connection itself before Zoom is asked, so that a process that dies over it is seen to have. A
 * refresh that has begun is carried to its end, whoever still waits for it.
 */
export class TokenKeeper {
  readonly #store: ConnectionStore;
  readonly #parts: Parts;
  readonly #running = new Map<string, Promise<void>>();

  constructor(store: ConnectionStore, parts: Parts) {
    this.#store = store;
    this.#parts = parts;
  }

  /** Both tokens as one text for the store. */
  async seal(id: string, tokens: ZoomTokens): Promise<NonNullable<Connection['tokens']>> {
    const { keys, nowMs, randomBytes } = this.#parts;
    const pair = { accessToken: tokens.accessToken.reveal(), refreshToken: tokens.refreshToken.reveal() };
    return {
      sealed: await keys.seal(JSON.stringify(pair), aboutOf(id)),
      expiresAtMs: tokens.expiresAtMs,
      refreshedAtMs: nowMs(),
      generation: randomBytes(8).toString('hex'),
      ...(tokens.apiUrl !== undefined && { apiUrl: tokens.apiUrl }),
    };
  }

  /**
   * An access token with 5 minutes to live, refreshed if need be.
   *
   * @param waitMs how long the caller can wait
   */
  async fresh(id: string, waitMs: number): Promise<FreshToken> {
    const deadlineMs = this.#parts.nowMs() + waitMs;
    let seen: string | undefined;
    for (;;) {
      const connection = await this.#store.read(id);
      const { tokens, trouble } = connection ?? {};
      if (connection === undefined || tokens === undefined)
        return ended(trouble?.detail ?? 'this connection has no tokens');
      if (trouble !== undefined && trouble.kind !== 'refresh_failing') return ended(trouble.detail);
      const nowMs = this.#parts.nowMs();
      seen ??= tokens.generation;
      const wasRefreshed = seen !== tokens.generation;
      const leftForMs = tokens.expiresAtMs - nowMs;
      if (leftForMs >= (wasRefreshed ? leastForRecallMs : leastLifeMs)) return this.#open(connection);
      if (wasRefreshed) return unavailable('Zoom gives tokens that live for less than 2 minutes');
      if (trouble?.retryAtMs !== undefined && trouble.retryAtMs > nowMs) return unavailable(trouble.detail);
      if (nowMs >= deadlineMs) return unavailable('the refresh takes too long; it goes on');
      if ((await this.#openPair(connection)) === undefined) return unavailable(keyMissing);
      await within(deadlineMs - nowMs, this.refresh(connection));
    }
  }

  /**
   * Refreshes a connection once, unless another process is at it: then waits a moment. Rejects with `store_unavailable`
   * when it cannot begin.
   */
  refresh(connection: Connection): Promise<void> {
    const running = this.#running.get(connection.id);
    if (running !== undefined) return running;
    const refreshing = this.#refresh(connection).finally(() => this.#running.delete(connection.id));
    this.#running.set(connection.id, refreshing);
    return refreshing;
  }

  /** Whether Zoom takes the tokens of a connection no longer, as far as is known. */
  async isRevoked(id: string): Promise<boolean> {
    return (await this.#store.read(id))?.trouble?.kind === 'revoked';
  }

  /** Resolves when no refresh is under way, nor one that has begun meanwhile. Never rejects. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running.values());
  }

  async #refresh(connection: Connection): Promise<void> {
    const { nowMs, randomBytes, apps, observe } = this.#parts;
    const { id, tokens: seen } = connection;
    const app = apps.get(connection.app);
    const pair = await this.#openPair(connection);
    if (app === undefined || pair === undefined) {
      // For this process to mend, not for the connection: another may have the key.
      const detail = app === undefined ? 'its app is not configured' : keyMissing;
      observe({ kind: 'refresh_failed', app: connection.app, connection: id, reason: 'key_missing', detail });
      return;
    }
    const by = randomBytes(8).toString('hex');
    const begun = await this.#store.change(id, (before) => beginRefresh(before, seen?.generation, by, nowMs()));
    if (begun?.refreshing?.by === by)
      await this.#settle(begun, app, await app.zoom.refresh(new Secret(pair.refreshToken)));
    else if (begun !== undefined && isBeingRefreshed(begun, nowMs())) await delay(pollMs);
  }

  async #settle(begun: Connection, app: ConnectApp, answer: ZoomAnswer<ZoomTokens>): Promise<void> {
    if (answer.kind === 'ok') {
      await this.#save(begun, app, answer.value);
      return;
    }
    const detail = `Zoom: ${describeRefusal(answer)}`;
    if (answer.kind !== 'invalid_grant') {
      const retryInMs = answer.kind === 'rate_limited' ? answer.retryAfterMs : undefined;
      const isUnanswered = answer.kind === 'unavailable';
      await this.#fail(begun, {
        kind: 'refresh_failing',
        detail,
        isUnanswered,
        ...(retryInMs !== undefined && { retryInMs }),
      });
      return;
    }
    // Another may have won: then there is another generation, and this changes nothing.
    await this.#fail(begun, { kind: begun.unansweredSinceMs === undefined ? 'revoked' : 'refresh_lost', detail });
  }

  async #fail(begun: Connection, failure: Parameters<typeof afterFailure>[2]): Promise<void> {
    const { nowMs, observe } = this.#parts;
    const after = await this.#store.change(begun.id, (before) => afterFailure(before, begun, failure, nowMs()));
    if (after?.trouble === undefined) return;
    observe({
      kind: 'refresh_failed',
      app: begun.app,
      connection: begun.id,
      reason: after.trouble.kind,
      detail: after.trouble.detail,
    });
  }

  /** The old tokens are void: what Zoom gave must not be lost to a store that is away. */
  async #save(begun: Connection, app: ConnectApp, given: ZoomTokens): Promise<void> {
    const { observe } = this.#parts;
    const tokens = await this.seal(begun.id, given);
    const after = await this.#insist(begun, () =>
      this.#store.change(begun.id, (before) => afterRefresh(before, begun, tokens, given.scopes)),
    );
    if (after?.tokens?.generation === tokens.generation) {
      observe({ kind: 'token_refreshed', app: app.key, connection: begun.id });
    } else if (after === undefined) {
      await app.zoom.revoke(given.accessToken); // disconnected meanwhile: what nobody keeps must not live on
    }
  }

  /** Until the store takes it: for as long as the process lives. */
  async #insist<T>({ app, id }: Connection, write: () => Promise<T>): Promise<T> {
    let saidAtMs = Number.NEGATIVE_INFINITY;
    for (let tries = 0; ; tries += 1) {
      try {
        return await write();
      } catch (cause) {
        const nowMs = this.#parts.nowMs();
        if (nowMs - saidAtMs >= saving.saidEveryMs) {
          this.#parts.observe({ kind: 'refresh_unsaved', app, connection: id, cause });
          saidAtMs = nowMs;
        }
        await delay(Math.min(saving.firstMs * 2 ** Math.min(tries, 10), saving.longestMs));
      }
    }
  }

  async #open(connection: Connection): Promise<FreshToken> {
    const pair = await this.#openPair(connection);
    if (pair === undefined) return unavailable(keyMissing);
    return { kind: 'token', token: new Secret(pair.accessToken), apiUrl: connection.tokens?.apiUrl };
  }

  /** The tokens under the key that seals now; `undefined` when they are already, or cannot be opened. */
  async resealed(connection: Connection): Promise<Connection['tokens'] | undefined> {
    const { keys } = this.#parts;
    const { id, tokens } = connection;
    if (tokens === undefined || keys.isCurrent(tokens.sealed)) return undefined;
    const pair = await this.#openPair(connection);
    return pair && { ...tokens, sealed: await keys.seal(JSON.stringify(pair), aboutOf(id)) };
  }

  async #openPair({ id, tokens }: Connection): Promise<z.infer<typeof tokenPair> | undefined> {
    const text = tokens && (await this.#parts.keys.open(tokens.sealed, aboutOf(id)));
    return text === undefined ? undefined : tokenPair.parse(JSON.parse(text));
  }
}

function aboutOf(id: string): string {
  return `tokens of ${id}`;
}

function unavailable(detail: string): FreshToken {
  return { kind: 'unavailable', detail };
}

function ended(detail: string): FreshToken {
  return { kind: 'ended', detail };
}

async function within(limitMs: number, work: Promise<void>): Promise<void> {
  const timer = new AbortController();
  try {
    await Promise.race([work, delay(limitMs, undefined, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}
