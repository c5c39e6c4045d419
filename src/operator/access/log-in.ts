import type { Access } from './create-access.ts';

/** In place of a name: no token can be called so. */
const nobody = '(nobody)';

export type LogInResult =
  | { readonly kind: 'started'; readonly sessionId: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'limited'; readonly retryAfterSec: number };

/**
 * Starts a session for a token.
 *
 * @param given whatever the form said
 * @param address where the form was sent from
 * @throws RelayError `store_unavailable`: a session that cannot be audited or kept is not started
 */
export async function logIn(access: Access, given: string, address: string): Promise<LogInResult> {
  const { limiter, findToken, sessions, audit, log, nowMs } = access;
  const target = `address:${address}`;
  const retryAfterSec = limiter.waitSec(address, nowMs());
  if (retryAfterSec !== undefined) {
    log.warn({ event: 'operator_login_limited', address, retryAfterSec });
    return { kind: 'limited', retryAfterSec };
  }
  const token = findToken(given);
  if (token === undefined) {
    limiter.fail(address, nowMs()); // before anything is awaited, so that a burst is counted
    log.warn({ event: 'operator_login_failed', address });
    await audit.note({ who: nobody, action: 'login_failed', target }).catch((error: unknown) => {
      log.warn({ event: 'audit_failed', action: 'login_failed', err: error });
    });
    return { kind: 'refused' };
  }
  await audit.note({ who: token.name, action: 'login', target });
  const sessionId = await sessions.start(token);
  log.info({ event: 'operator_login', who: token.name, role: token.role, address });
  return { kind: 'started', sessionId };
}
