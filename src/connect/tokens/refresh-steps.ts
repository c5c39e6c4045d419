import type { Connection, troubleKinds } from '../connection.ts';

/** A refresh that has not ended after so long has died with its process. Longer than Zoom is waited for. */
export const refreshLeaseMs = 15_000;
const retry = { leastMs: 2000, mostMs: 60_000 };

export interface RefreshFailure {
  readonly kind: (typeof troubleKinds)[number];
  readonly detail: string;
  /** Zoom may have replaced the refresh token without our having the new one. */
  readonly isUnanswered?: boolean;
  readonly retryInMs?: number;
}

/** One that began in the future, by a clock that is ahead, is as good as dead. */
export function isBeingRefreshed({ refreshing }: Connection, nowMs: number): boolean {
  return refreshing !== undefined && Math.abs(nowMs - refreshing.startedAtMs) < refreshLeaseMs;
}

/** Whether a refresh is due by itself: one has died over it, or the last one failed and it is time to try again. */
export function isRefreshDue(connection: Connection, nowMs: number): boolean {
  const { refreshing, trouble } = connection;
  if (refreshing !== undefined) return !isBeingRefreshed(connection, nowMs);
  return trouble?.kind === 'refresh_failing' && (trouble.retryAtMs ?? 0) <= nowMs;
}

/**
 * Notes that somebody refreshes; leaves it as it is when another does, or has since it was seen. One that has died over
 * a refresh leaves behind that Zoom may have replaced the token.
 *
 * @param seen generation of the tokens that were too old
 */
export function beginRefresh(
  before: Connection | undefined,
  seen: string | undefined,
  by: string,
  nowMs: number,
): Connection | undefined {
  if (before?.tokens === undefined || before.tokens.generation !== seen) return before;
  if (isBeingRefreshed(before, nowMs)) return before;
  const diedMs = before.refreshing?.startedAtMs;
  const unansweredSinceMs = before.unansweredSinceMs ?? diedMs;
  return {
    ...before,
    refreshing: { by, startedAtMs: nowMs },
    ...(unansweredSinceMs !== undefined && { unansweredSinceMs }),
  };
}

/** Takes new tokens, unless the person has connected anew meanwhile (those are newer) or nothing is there any more. */
export function afterRefresh(
  before: Connection | undefined,
  begun: Connection,
  tokens: NonNullable<Connection['tokens']>,
  scopes: readonly string[],
): Connection | undefined {
  if (!isSameGrant(before, begun)) return before;
  const { refreshing: _refreshing, unansweredSinceMs: _unanswered, trouble: _trouble, ...rest } = before;
  return { ...rest, tokens, ...(scopes.length > 0 && { scopes: [...scopes] }) };
}

/** Notes a failure with those tokens; changes nothing when there are others by now. */
export function afterFailure(
  before: Connection | undefined,
  begun: Connection,
  failure: RefreshFailure,
  nowMs: number,
): Connection | undefined {
  if (!isSameGrant(before, begun)) return before;
  const { refreshing, unansweredSinceMs, ...rest } = before;
  const sinceMs = before.trouble?.kind === failure.kind ? before.trouble.sinceMs : nowMs;
  const { kind } = failure;
  const retryAtMs =
    nowMs + (failure.retryInMs ?? Math.min(Math.max((nowMs - sinceMs) / 2, retry.leastMs), retry.mostMs));
  const openSinceMs = failure.isUnanswered
    ? (unansweredSinceMs ?? refreshing?.startedAtMs ?? nowMs)
    : unansweredSinceMs;
  const { tokens: _void, ...bare } = rest;
  return {
    ...(kind === 'revoked' ? bare : rest), // what Zoom takes no longer is of no use
    ...(openSinceMs !== undefined && { unansweredSinceMs: openSinceMs }),
    trouble: {
      kind,
      sinceMs,
      detail: sentenceOf(failure, openSinceMs),
      ...(kind === 'refresh_failing' && { retryAtMs }),
    },
  };
}

function isSameGrant(before: Connection | undefined, begun: Connection): before is Connection {
  return before !== undefined && before.tokens?.generation === begun.tokens?.generation;
}

function sentenceOf({ kind, detail }: RefreshFailure, unansweredSinceMs: number | undefined): string {
  if (kind === 'revoked')
    return `Zoom takes the refresh token no longer: access was revoked, or granted anew elsewhere (${detail})`;
  if (kind !== 'refresh_lost' || unansweredSinceMs === undefined) return detail;
  const at = new Date(unansweredSinceMs).toISOString();
  return `a refresh at ${at} was cut off before its answer was stored, and Zoom has replaced the token: the person has to connect again (${detail})`;
}
