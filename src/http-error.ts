import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { ErrorCode } from './errors.ts';

const statusOf: Partial<Record<ErrorCode, ContentfulStatusCode>> = {
  signature_missing: 401,
  signature_malformed: 401,
  signature_mismatch: 401,
  timestamp_malformed: 401,
  timestamp_stale: 401,
  timestamp_in_future: 401,
  token_invalid: 401,
  role_insufficient: 403,
  csrf_refused: 403,
  login_limited: 429,
  host_refused: 421,
  challenge_malformed: 400,
  body_incomplete: 400,
  app_unknown: 404,
  consumer_unknown: 404,
  meeting_unknown: 404,
  delivery_unknown: 404,
  replay_unknown: 404,
  replay_active: 409,
  cursor_invalid: 400,
  input_invalid: 400,
  route_unknown: 404,
  method_not_allowed: 405,
  body_too_large: 413,
  // Where people connect their Zoom: a status of its own for each way it can end.
  state_unknown: 400,
  link_invalid: 401,
  consent_denied: 403,
  state_used: 409,
  state_expired: 410,
  link_expired: 410,
  state_foreign: 412,
  code_missing: 422,
  consent_failed: 424,
  zoom_refused: 502,
  recall_refused: 502,
  return_refused: 400,
  connect_off: 404,
  connection_unknown: 404,
  connection_ended: 404,
  connection_kept: 409,
  connection_unreadable: 503,
  grant_unkept: 503,
  link_limited: 429,
  callback_refused: 401,
  scope_missing: 404,
  meeting_refused: 404,
  token_unavailable: 503,
  overloaded: 503,
  shutting_down: 503,
  store_unavailable: 503,
  ack_deadline_passed: 503,
};

/** Seconds a caller is asked to wait after a 503. Zoom keeps its own schedule (5, 20, 60 min) whatever this says. */
const retryAfterSec = '5';

export function statusOfError(code: ErrorCode): ContentfulStatusCode {
  return statusOf[code] ?? 500;
}

/** The one place where a code becomes an HTTP answer: `{"error": {"code", "message"}}`. */
export function errorResponse(c: Context, code: ErrorCode, message: string): Response {
  const status = statusOfError(code);
  const headers = status === 503 ? { 'retry-after': retryAfterSec } : undefined;
  return c.json({ error: { code, message } }, status, headers);
}
