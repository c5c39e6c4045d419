/** Members of Zoom's payloads that hold a passcode or a token. */
const secretMembers = [
  'password',
  'passcode',
  'pstn_password',
  'h323_password',
  'h323_passcode',
  'encrypted_password',
  'encrypted_passcode',
  'recording_play_passcode',
  'host_key',
  'download_token',
  'download_access_token',
  'start_url',
];

const member = new RegExp(`("(?:${secretMembers.join('|')})"\\s*:\\s*)"(?:[^"\\\\]|\\\\.)*"`, 'gi');
const queryParameter = /([?&](?:pwd|passcode|zak|tk|token|access_token)=)[^"&#\\\s]+/gi;
const mask = '***';

/**
 * A body for people to read: passcodes and tokens are masked, all else stands as it came, byte for byte. Works on the
 * text, so that a body that is no JSON can be shown too.
 */
export function maskBody(text: string): { readonly text: string; readonly masked: number } {
  let masked = 0;
  const count = (kept: string): string => {
    masked += 1;
    return kept;
  };
  const withoutMembers = text.replace(member, (_all, name: string) => count(`${name}"${mask}"`));
  const shown = withoutMembers.replace(queryParameter, (_all, name: string) => count(`${name}${mask}`));
  return { text: shown, masked };
}
