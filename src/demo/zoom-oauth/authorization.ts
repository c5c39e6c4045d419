import type { ZoomAppRegistration } from './registrations.ts';

/** What a consent page asks the user for, checked. */
export interface Authorization {
  readonly app: ZoomAppRegistration;
  readonly redirectUri: string;
  readonly state: string | undefined;
  readonly challenge: { readonly value: string; readonly method: ChallengeMethod } | undefined;
}

export type ChallengeMethod = 'S256' | 'plain';

export type AuthorizationReading =
  | { readonly kind: 'asked'; readonly authorization: Authorization }
  /** For the user to read: a redirect would go to whoever asked. */
  | { readonly kind: 'refused'; readonly message: string };

export const authorizationFields = [
  'response_type',
  'client_id',
  'redirect_uri',
  'state',
  'code_challenge',
  'code_challenge_method',
] as const;

/** Raw JSON as state has broken exchanges at Zoom: only what needs no escaping, and base64's. */
const statePattern = /^[\w.~+/=-]*$/;
/** RFC 7636 §4.2. */
const challengePattern = /^[\w.~-]{43,128}$/;

/**
 * Reads the query of the consent page.
 *
 * @see https://developers.zoom.us/docs/integrations/oauth/
 */
export function readAuthorization(
  params: URLSearchParams,
  apps: ReadonlyMap<string, ZoomAppRegistration>,
): AuthorizationReading {
  const twice = authorizationFields.find((name) => params.getAll(name).length > 1);
  if (twice !== undefined) return refuse(`Invalid request: ${twice} is given twice (4,700)`);
  const app = apps.get(params.get('client_id') ?? '');
  if (app === undefined) return refuse(`Invalid client_id: ${params.get('client_id')} (4,702)`);
  const redirectUri = params.get('redirect_uri') ?? '';
  if (!app.redirectUris.includes(redirectUri)) return refuse(`Invalid redirect: ${redirectUri} (4,700)`);
  if (params.get('response_type') !== 'code') return refuse('Invalid response_type: it must be code (4,700)');
  const state = params.get('state') ?? undefined;
  if (state !== undefined && !statePattern.test(state)) return refuse('Invalid state (4,700)');
  const value = params.get('code_challenge');
  const method = params.get('code_challenge_method') ?? 'plain';
  if (method !== 'S256' && method !== 'plain') return refuse('Invalid code_challenge_method (4,700)');
  if (value !== null && !challengePattern.test(value)) return refuse('Invalid code_challenge (4,700)');
  const challenge = value === null ? undefined : { value, method: method as ChallengeMethod };
  return { kind: 'asked', authorization: { app, redirectUri, state, challenge } };
}

function refuse(message: string): AuthorizationReading {
  return { kind: 'refused', message };
}
