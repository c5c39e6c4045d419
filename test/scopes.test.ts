import { describe, expect, test } from 'vitest';
import { knownEvents } from '../src/zoom/events.ts';
import { missingScopes, neededEvents, neededScopes, type ZoomAppKind } from '../src/zoom/oauth/scopes.ts';

const missing = (kind: ZoomAppKind, ...granted: readonly string[]) =>
  missingScopes(kind, granted).map(({ granular }) => granular);
const userLevel = neededScopes.user_level.map(({ granular }) => granular);
const accountLevel = neededScopes.account_level.map(({ granular }) => granular);

describe('scopes', () => {
  test('without any, all are missing; with all, none', () => {
    expect(missing('user_level')).toEqual(userLevel);
    expect(missing('account_level')).toEqual(accountLevel);
    expect(missing('user_level', ...userLevel)).toEqual([]);
    expect(missing('account_level', ...accountLevel)).toEqual([]);
  });

  test("what Recall's own list for user-level apps has leaves only on-behalf-of tokens missing", () => {
    const recalls = [
      'meeting:read:local_recording_token',
      'meeting:read:list_meetings',
      'meeting:read:meeting',
      'user:read:user',
      'user:read:zak',
    ];
    expect(missing('user_level', ...recalls)).toEqual(['user:read:token']);
  });

  test("Recall's classic lists do", () => {
    const user = ['meeting:read', 'meeting_token:read:local_recording', 'user:read', 'user_zak:read'];
    expect(missing('user_level', ...user)).toEqual([]);
    const account = ['user:read:admin', 'meeting:read:admin', 'meeting_token:read:admin:local_recording'];
    expect(missing('account_level', ...account)).toEqual(['user:read:zak:admin']);
  });

  test('each is satisfied by either of its names, and by the admin form of either', () => {
    const classicAdmin = [
      'meeting_token:read:admin:local_recording',
      'meeting:read:admin',
      'user:read:admin',
      'user_zak:read:admin',
    ];
    expect(missing('user_level', ...classicAdmin)).toEqual([]);
    expect(missing('user_level', ...userLevel.map((name) => `${name}:admin`))).toEqual([]);
    for (const { granular, classic } of neededScopes.user_level) {
      expect(missing('user_level', granular)).not.toContain(granular);
      expect(missing('user_level', classic)).not.toContain(granular);
    }
  });

  test('what a user may read does not do for an account', () => {
    const user = ['meeting:read', 'meeting_token:read:local_recording', 'user:read', 'user_zak:read'];
    expect(missing('account_level', ...userLevel, ...user)).toEqual(accountLevel);
  });

  test('a scope is not found in a longer one', () => {
    expect(missing('user_level', 'user:read:users', 'xuser:read', 'user:read:zak:extra')).toEqual(userLevel);
  });

  test('each says what it is for, and bots are told apart', () => {
    for (const scope of [...neededScopes.user_level, ...neededScopes.account_level]) {
      expect(scope.why).not.toBe('');
    }
    const forBots = neededScopes.user_level.filter((scope) => scope.for === 'bots').map(({ granular }) => granular);
    expect(forBots).toEqual(['user:read:zak', 'user:read:token']);
  });
});

test('the events to subscribe to are the two that Recall asks for, and known here', () => {
  expect(neededEvents.map(({ name }) => name)).toEqual(['meeting.created', 'user.updated']);
  for (const { name } of neededEvents) expect(knownEvents).toContain(name);
});
