/**
 * Every code this software answers or throws with. Callers branch on the code, never on the message.
 * `http-error.ts` turns codes into HTTP statuses.
 */
export type ErrorCode =
  // what a request can be told
  | 'signature_missing'
  | 'signature_malformed'
  | 'signature_mismatch'
  | 'timestamp_malformed'
  | 'timestamp_stale'
  | 'timestamp_in_future'
  | 'challenge_malformed'
  | 'app_unknown'
  | 'consumer_unknown'
  | 'meeting_unknown'
  | 'delivery_unknown'
  | 'replay_unknown'
  | 'replay_active'
  | 'cursor_invalid'
  | 'input_invalid'
  | 'body_too_large'
  | 'body_incomplete'
  | 'route_unknown'
  | 'method_not_allowed'
  | 'token_invalid'
  | 'role_insufficient'
  | 'csrf_refused'
  | 'login_limited'
  | 'host_refused'
  | 'link_invalid'
  | 'link_expired'
  | 'return_refused'
  | 'consent_denied'
  | 'consent_failed'
  | 'state_unknown'
  | 'state_used'
  | 'state_expired'
  | 'state_foreign'
  | 'code_missing'
  | 'zoom_refused'
  | 'recall_refused'
  | 'connect_off'
  | 'connection_unknown'
  | 'connection_ended'
  | 'connection_kept'
  | 'connection_unreadable'
  | 'grant_unkept'
  | 'link_limited'
  | 'callback_refused'
  | 'scope_missing'
  | 'meeting_refused'
  | 'token_unavailable'
  | 'overloaded'
  | 'shutting_down'
  | 'store_unavailable'
  | 'ack_deadline_passed'
  | 'internal'
  // what a start or a command can end with
  | 'configuration_invalid'
  | 'listener_failed'
  | 'store_folder_in_use'
  | 'store_unsupported'
  | 'store_unsafe'
  | 'event_unknown'
  | 'file_unreadable'
  | 'target_unreachable'
  | 'request_refused';

/** The base of all errors thrown on purpose. `message` says what is wrong and what to do, and holds no secret. */
export class RelayError extends Error {
  override readonly name = 'RelayError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** For the end of a switch over a union: does not compile when a variant is missing. */
export function unreachable(value: never): never {
  throw new RelayError('internal', `unexpected variant ${JSON.stringify(value)}`);
}
