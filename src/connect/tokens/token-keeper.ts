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
/** New tokens that the store does not take are tried again so often, so far apart. */
const saving = { tries: 100, firstMs: 100, longestMs: 2000 };

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

  /** An access token with 5 minutes to live, refreshed if need be. @param waitMs how long the caller can wait */
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
      const leftForMs = tokens.expiresAtMs - nowMs;
      seen ??= tokens.generation;
      const wasRefreshed = seen !== tokens.generation;
      if (leftForMs >= (wasRefreshed ? leastForRecallMs : leastLifeMs)) return this.#open(connection);
      if (wasRefreshed) return { kind: 'unavailable', detail: 'Zoom gives tokens that live for less than 2 minutes' };
      if (trouble?.retryAtMs !== undefined && trouble.retryAtMs > nowMs)
        return { kind: 'unavailable', detail: trouble.detail };
      const leftMs = deadlineMs - nowMs;
      if (leftMs <= 0) return { kind: 'unavailable', detail: 'the refresh takes too long; it goes on' };
      await within(leftMs, this.refresh(connection));
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

  /** Resolves when no refresh is under way. Never rejects. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#running.values());
  }

  async #refresh({ id, tokens: seen }: Connection): Promise<void> {
    const { nowMs, randomBytes, apps } = this.#parts;
    const by = randomBytes(8).toString('hex');
    const begun = await this.#store.change(id, (before) => beginRefresh(before, seen?.generation, by, nowMs()));
    if (begun?.refreshing?.by !== by || begun.tokens === undefined) {
      if (begun !== undefined && isBeingRefreshed(begun, nowMs())) await delay(pollMs);
      return;
    }
    const app = apps.get(begun.app);
    const pair = await this.#openPair(begun);
    if (app === undefined || pair === undefined) {
      const detail = app === undefined ? 'its app is not configured' : 'its ENCRYPTION_KEY is not configured any more';
      await this.#fail(begun, { kind: app === undefined ? 'refresh_failing' : 'key_missing', detail });
      return;
    }
    await this.#settle(begun, app, await app.zoom.refresh(new Secret(pair.refreshToken)));
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

  /** The old tokens are void: what Zoom gave must not be lost to a store that is away for a while. */
  async #save(begun: Connection, app: ConnectApp, given: ZoomTokens): Promise<void> {
    const { observe } = this.#parts;
    const tokens = await this.seal(begun.id, given);
    for (let tries = 1; ; tries += 1) {
      try {
        const after = await this.#store.change(begun.id, (before) => afterRefresh(before, begun, tokens, given.scopes));
        if (after?.tokens?.generation === tokens.generation)
          observe({ kind: 'token_refreshed', app: app.key, connection: begun.id });
        // It was disconnected meanwhile: what nobody keeps must not live on.
        else if (after === undefined) await app.zoom.revoke(given.accessToken);
        return;
      } catch (cause) {
        observe({ kind: 'refresh_unsaved', app: app.key, connection: begun.id, cause });
        if (tries >= saving.tries) throw cause;
        await delay(Math.min(saving.firstMs * 2 ** (tries - 1), saving.longestMs));
      }
    }
  }

  async #open(connection: Connection): Promise<FreshToken> {
    const pair = await this.#openPair(connection);
    if (pair === undefined) return ended('its ENCRYPTION_KEY is not configured any more');
    return { kind: 'token', token: new Secret(pair.accessToken), apiUrl: connection.tokens?.apiUrl };
  }

  async #openPair({ id, tokens }: Connection): Promise<z.infer<typeof tokenPair> | undefined> {
    const text = tokens && (await this.#parts.keys.open(tokens.sealed, aboutOf(id)));
    return text === undefined ? undefined : tokenPair.parse(JSON.parse(text));
  }
}

function aboutOf(id: string): string {
  return `tokens of ${id}`;
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
