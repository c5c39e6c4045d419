import { type Context, Hono } from 'hono';
import type { Grant, Grants } from './grants.ts';
import type { ZoomMeetingRegistration } from './registrations.ts';

export interface ApiParts {
  readonly grants: Grants;
  readonly nowMs: () => number;
  /** Those that exist; any does when there are none. */
  readonly meetings: readonly ZoomMeetingRegistration[];
  /** Something that no earlier token is. */
  readonly newToken: () => string;
}

type Answer = (c: Context, grant: Grant) => Response;

/** Any one of these allows the call: the granular scope, named in refusals, then the classic one and those of admins. */
const scopesOf = {
  readUser: ['user:read:user', 'user:read', 'user:read:user:admin', 'user:read:admin'],
  readZak: ['user:read:zak', 'user_zak:read', 'user:read:zak:admin'],
  readToken: ['user:read:token', 'user:read', 'user:read:token:admin', 'user:read:admin'],
  listMeetings: ['meeting:read:list_meetings', 'meeting:read', 'meeting:read:list_meetings:admin'],
  joinToken: [
    'meeting:read:local_recording_token',
    'meeting_token:read:local_recording',
    'meeting:read:local_recording_token:admin',
    'meeting_token:read:admin:local_recording',
  ],
} as const;

const meetingIdPattern = /^\d{9,12}$/;

/** The few calls of Zoom's API that connecting needs. */
export function createApiRoutes({ grants, nowMs, meetings, newToken }: ApiParts): Hono {
  const routes = new Hono();

  const withScope = (scopes: readonly [string, ...string[]], answer: Answer) => (c: Context) => {
    const token = /^Bearer (\S+)$/.exec(c.req.header('authorization') ?? '')?.[1];
    const grant = grants.find(({ accessToken, expiresAtMs }) => accessToken === token && nowMs() < expiresAtMs);
    if (grant === undefined) return c.json({ code: 124, message: 'Invalid access token.' }, 401);
    if (scopes.some((scope) => grant.scopes.includes(scope))) return answer(c, grant);
    const message = `Invalid access token, does not contain scopes:[${scopes[0]}].`;
    return c.json({ code: 4711, message }, 400);
  };

  routes.get(
    '/v2/users/me',
    withScope(scopesOf.readUser, (c, { user }) => {
      const { id, accountId, email, pmi } = user;
      return c.json({ id, account_id: accountId, email, type: 2, status: 'active', pmi: pmi ?? 0 });
    }),
  );

  routes.get(
    '/v2/users/me/zak',
    withScope(scopesOf.readZak, (c, { user }) => c.json({ token: `zak.${user.id}.${newToken()}` })),
  );

  routes.get(
    '/v2/users/me/token',
    withScope(scopesOf.readToken, (c, { user }) => {
      const type = c.req.query('type');
      if (type !== 'onbehalf' && type !== 'zak') return c.json({ code: 300, message: 'Invalid type.' }, 400);
      const meetingId = c.req.query('meeting_id');
      if (meetingId !== undefined && !meetingIdPattern.test(meetingId)) {
        return c.json({ code: 300, message: 'Invalid meeting id.' }, 400);
      }
      return c.json({ token: `${type}.${user.id}.${newToken()}` });
    }),
  );

  routes.get(
    '/v2/users/me/meetings',
    withScope(scopesOf.listMeetings, (c, { user }) => {
      const own = meetings.filter(({ hostId }) => hostId === user.id);
      const listed = own.map(({ id, hostId }) => ({ id, host_id: hostId, topic: 'A meeting', type: 2 }));
      return c.json({ page_size: 300, next_page_token: '', meetings: listed });
    }),
  );

  routes.get(
    '/v2/meetings/:id/jointoken/local_recording',
    withScope(scopesOf.joinToken, (c, { user }) => {
      const id = c.req.param('id') ?? '';
      const exists = meetings.length === 0 || meetings.some((meeting) => String(meeting.id) === id);
      if (!meetingIdPattern.test(id) || !exists) {
        return c.json({ code: 3001, message: `Meeting does not exist: ${id}.` }, 404);
      }
      return c.json({ expire_in: 120, token: `join.${user.id}.${id}.${newToken()}` });
    }),
  );

  return routes;
}
