import type { ZoomRequest } from './exchange.ts';
import { trustedApiUrl } from './trusted-api-url.ts';
import type { ZoomAccess, ZoomRefusal } from './zoom-oauth.ts';

/** A refusal instead of a request: Zoom need not be asked. */
export type Built = ZoomRequest | ZoomRefusal;

/**
 * @param apiUrl the configured one
 * @param access its own `apiUrl` goes first, if it is Zoom's; one that was kept and is not must not get the token
 */
export function readMe(apiUrl: string, access: ZoomAccess): ZoomRequest {
  return get(apiUrl, access, '/v2/users/me');
}

export function readZak(apiUrl: string, access: ZoomAccess): ZoomRequest {
  return get(apiUrl, access, '/v2/users/me/zak');
}

/** @see https://developers.zoom.us/docs/meeting-sdk/obf-faq/ */
export function readOnBehalfToken(apiUrl: string, access: ZoomAccess, meetingId: string | undefined): Built {
  if (meetingId !== undefined && !isMeetingId(meetingId)) return notAMeetingId;
  const query = new URLSearchParams({ type: 'onbehalf', ...(meetingId !== undefined && { meeting_id: meetingId }) });
  return get(apiUrl, access, `/v2/users/me/token?${query}`);
}

export function readJoinToken(apiUrl: string, access: ZoomAccess, meetingId: string): Built {
  if (!isMeetingId(meetingId)) return notAMeetingId;
  return get(apiUrl, access, `/v2/meetings/${meetingId}/jointoken/local_recording?bypass_waiting_room=true`);
}

const notAMeetingId: ZoomRefusal = { kind: 'refused', status: 400, detail: 'a meeting id is digits alone' };

/** Zoom declares them as int64. */
/** Zoom's have 9 to 11 digits, and are declared to be int64. */
export function isMeetingId(text: string): boolean {
  return /^\d{1,19}$/.test(text);
}

function get(apiUrl: string, access: ZoomAccess, path: string): ZoomRequest {
  const base = trustedApiUrl(access.apiUrl) ?? apiUrl.replace(/\/+$/, '');
  return {
    method: 'GET',
    url: new URL(`${base}${path}`),
    headers: { accept: 'application/json', authorization: `Bearer ${access.token.reveal()}` },
  };
}
