import type { ZoomAppRegistration } from './registrations.ts';

/**
 * The app that a token request comes from: by Basic, or by `client_id` and `client_secret` in the form, never both.
 * Zoom documents `base64(client_id:client_secret)` without the form-encoding of RFC 6749 §2.3.1, so none is undone:
 * a client that escapes `_` or `-` is refused.
 */
export function authenticateClient(
  authorization: string | undefined,
  form: URLSearchParams,
  apps: ReadonlyMap<string, ZoomAppRegistration>,
): ZoomAppRegistration | undefined {
  const [id, secret] =
    authorization === undefined
      ? [form.get('client_id'), form.get('client_secret')]
      : readBasic(authorization, form.has('client_secret'));
  const app = apps.get(id ?? '');
  return app?.clientSecret === secret ? app : undefined;
}

function readBasic(authorization: string, secretInForm: boolean): readonly [string?, string?] {
  const encoded = /^Basic ([A-Za-z0-9+/]+={0,2})$/.exec(authorization)?.[1];
  if (encoded === undefined || secretInForm) return [];
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon === -1 ? [] : [text.slice(0, colon), text.slice(colon + 1)];
}
