import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { parseAppKey } from '../delivery/names.ts';
import type { ErrorCode } from '../errors.ts';
import { unreachable } from '../errors.ts';
import { errorResponse } from '../http-error.ts';
import type { IntakeParts, IntakeSettings } from './accept.ts';
import { acceptTraced } from './accept-traced.ts';
import type { IntakeApp } from './ports.ts';

/** The app that `POST /webhooks/zoom` means. */
const defaultAppKey = 'default';

/** What a sender is told. For a 401 no more than the reason: which secret was tried is nobody's business. */
const messages: Partial<Record<ErrorCode, string>> = {
  app_unknown: 'no such app: check the last part of the event notification endpoint URL',
  signature_missing: 'x-zm-signature and x-zm-request-timestamp are needed',
  signature_malformed: 'x-zm-signature is not v0= and 64 hex digits',
  signature_mismatch: 'x-zm-signature does not match the body: wrong Secret Token, or the body was changed on its way',
  timestamp_malformed: 'x-zm-request-timestamp is not in epoch seconds',
  timestamp_stale: 'x-zm-request-timestamp is too old',
  timestamp_in_future: 'x-zm-request-timestamp lies in the future: check the clocks',
  challenge_malformed: 'payload.plainToken is missing or no token',
  body_too_large: 'the body is larger than MAX_BODY_BYTES',
  body_incomplete: 'the body ended early',
  overloaded: 'too much is being received at once; send it again',
  shutting_down: 'this process is stopping; send it again',
  store_unavailable: 'the notification could not be stored; send it again',
  ack_deadline_passed: 'the notification could not be stored in time; send it again',
};

/** `POST /webhooks/zoom` and `/webhooks/zoom/:app`. */
export function createIntakeRoutes(
  apps: ReadonlyMap<string, IntakeApp>,
  settings: IntakeSettings,
  parts: IntakeParts,
): Hono<{ Bindings: HttpBindings }> {
  const routes = new Hono<{ Bindings: HttpBindings }>();
  const refuse = (c: Context, code: ErrorCode): Response => errorResponse(c, code, messages[code] ?? code);

  async function receive(c: Context<{ Bindings: HttpBindings }>, appKey: string): Promise<Response> {
    const app = apps.get(appKey);
    if (app === undefined) {
      parts.observe({ kind: 'app_unknown', key: parseAppKey(appKey) });
      return refuse(c, 'app_unknown');
    }
    const answer = await acceptTraced(c.env.incoming, app, settings, parts);
    switch (answer.kind) {
      case 'kept':
        return c.body(null, 204);
      case 'challenge':
        return c.json(answer.answer, 200);
      case 'error':
        return refuse(c, answer.code);
      default:
        return unreachable(answer);
    }
  }

  routes.post('/webhooks/zoom', (c) => receive(c, defaultAppKey));
  routes.post('/webhooks/zoom/:app', (c) => receive(c, c.req.param('app')));
  routes.on(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'], ['/webhooks/zoom', '/webhooks/zoom/:app'], (c) => {
    c.header('allow', 'POST');
    return errorResponse(c, 'method_not_allowed', 'Zoom posts its event notifications here; use POST');
  });
  return routes;
}
