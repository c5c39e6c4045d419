import { describe, expect, test } from 'vitest';
import type { Connection } from '../src/connect/connection.ts';
import { afterFailure, afterRefresh, beginRefresh, refreshLeaseMs } from '../src/connect/tokens/refresh-steps.ts';
import { defaultApp } from './support/test-relay.ts';

const nowMs = 1_700_000_000_000;
const tokens = { sealed: 'old', expiresAtMs: nowMs, refreshedAtMs: nowMs - 1, generation: 'g1' };
const connection: Connection = {
  v: 1,
  id: '0'.repeat(24),
  ownerKey: 'owner:default:user:x',
  app: defaultApp,
  user: 'user-1',
  mode: 'customer-managed',
  zoom: { userId: 'zoom-user' },
  connectedAtMs: nowMs - 1000,
  callback: { pending: [] },
  bots: { hash: '0'.repeat(64), sealed: '' },
  tokens,
};
const begun = beginRefresh(connection, 'g1', 'me', nowMs) ?? connection;
const newTokens = { ...tokens, sealed: 'new', generation: 'g2' };

describe('beginning', () => {
  test('is noted in the connection before Zoom is asked', () => {
    expect(begun.refreshing).toEqual({ by: 'me', startedAtMs: nowMs });
  });

  test('waits while another is at it', () => {
    expect(beginRefresh(begun, 'g1', 'other', nowMs + refreshLeaseMs - 1)).toBe(begun);
  });

  test('is not done for tokens that somebody has replaced since they were seen', () => {
    expect(beginRefresh(connection, 'g0', 'me', nowMs)).toBe(connection);
  });

  test('takes over from one that has died over it, and remembers that Zoom may have replaced the token', () => {
    const later = beginRefresh(begun, 'g1', 'other', nowMs + refreshLeaseMs);
    expect(later).toMatchObject({ refreshing: { by: 'other' }, unansweredSinceMs: nowMs });
  });

  test('of a connection without tokens, or of none, changes nothing', () => {
    const { tokens: _tokens, ...bare } = connection;
    expect(beginRefresh(bare, undefined, 'me', nowMs)).toBe(bare);
    expect(beginRefresh(undefined, 'g1', 'me', nowMs)).toBeUndefined();
  });
});

describe('success', () => {
  test('replaces the tokens and ends all trouble', () => {
    const troubled = afterFailure(begun, begun, { kind: 'refresh_failing', detail: 'x', isUnanswered: true }, nowMs);
    const after = afterRefresh(troubled, begun, newTokens, ['user:read:user']);
    expect(after?.tokens).toEqual(newTokens);
    expect(after?.scopes).toEqual(['user:read:user']);
    expect(after).not.toHaveProperty('trouble');
    expect(after).not.toHaveProperty('refreshing');
    expect(after).not.toHaveProperty('unansweredSinceMs');
  });

  test('after a new consent is of no use any more', () => {
    const reconnected = { ...connection, tokens: { ...tokens, generation: 'g9' } };
    expect(afterRefresh(reconnected, begun, newTokens, [])).toBe(reconnected);
  });

  test('after disconnecting keeps nothing', () => {
    expect(afterRefresh(undefined, begun, newTokens, [])).toBeUndefined();
  });
});

describe('failure', () => {
  const fail = (before: Connection, failure: Parameters<typeof afterFailure>[2], atMs = nowMs) =>
    afterFailure(before, begun, failure, atMs) ?? expect.unreachable('it was removed');

  test('that may pass is tried again, ever less often', () => {
    const first = fail(begun, { kind: 'refresh_failing', detail: 'x' });
    expect(first.trouble).toMatchObject({ kind: 'refresh_failing', sinceMs: nowMs, retryAtMs: nowMs + 2000 });
    const later = fail(first, { kind: 'refresh_failing', detail: 'x' }, nowMs + 30_000);
    expect(later.trouble).toMatchObject({ sinceMs: nowMs, retryAtMs: nowMs + 45_000 });
    const late = fail(later, { kind: 'refresh_failing', detail: 'x' }, nowMs + 3_600_000);
    expect(late.trouble?.retryAtMs).toBe(nowMs + 3_660_000);
  });

  test('for its rate waits as long as Zoom says', () => {
    expect(fail(begun, { kind: 'refresh_failing', detail: 'x', retryInMs: 7000 }).trouble?.retryAtMs).toBe(
      nowMs + 7000,
    );
  });

  test('without an answer is remembered: Zoom may have replaced the token', () => {
    expect(fail(begun, { kind: 'refresh_failing', detail: 'x', isUnanswered: true }).unansweredSinceMs).toBe(nowMs);
    expect(fail(begun, { kind: 'refresh_failing', detail: 'x' })).not.toHaveProperty('unansweredSinceMs');
  });

  test('for good is not tried again, and lets nobody wait for the lease', () => {
    const after = fail(begun, { kind: 'revoked', detail: 'Zoom: invalid_grant' });
    expect(after.trouble).not.toHaveProperty('retryAtMs');
    expect(after).not.toHaveProperty('refreshing');
    expect(after.trouble?.detail).toContain('access was revoked');
  });

  test('after a refresh that was cut off says when that was', () => {
    const taken = beginRefresh(begun, 'g1', 'other', nowMs + refreshLeaseMs) ?? connection;
    const after = fail(taken, { kind: 'refresh_lost', detail: 'Zoom: invalid_grant' }, nowMs + refreshLeaseMs);
    expect(after.trouble?.detail).toContain(`a refresh at ${new Date(nowMs).toISOString()} was cut off`);
  });

  test('of tokens that somebody has replaced meanwhile changes nothing', () => {
    const won = { ...connection, tokens: newTokens };
    expect(afterFailure(won, begun, { kind: 'revoked', detail: 'x' }, nowMs)).toBe(won);
  });
});
