import type { Log } from '../../log.ts';
import type { AuditLog } from '../audit-log.ts';
import type { AccessToken } from './identity.ts';
import { LoginLimiter } from './login-limiter.ts';
import { type SessionRecords, Sessions } from './sessions.ts';
import { createTokenFinder, type FindToken } from './token-finder.ts';

/** What decides who may ask; made once for the private listener. */
export interface Access {
  readonly findToken: FindToken;
  readonly sessions: Sessions;
  readonly limiter: LoginLimiter;
  readonly audit: Pick<AuditLog, 'note'>;
  readonly log: Log;
  readonly nowMs: () => number;
}

export interface AccessParts {
  readonly tokens: readonly AccessToken[];
  readonly records: SessionRecords;
  readonly audit: Pick<AuditLog, 'note'>;
  readonly log: Log;
  readonly nowMs: () => number;
  /** Cryptographically random. */
  readonly randomBytes: (length: number) => Buffer;
}

export function createAccess({ tokens, records, audit, log, nowMs, randomBytes }: AccessParts): Access {
  return {
    findToken: createTokenFinder(tokens),
    sessions: new Sessions({ records, tokens, nowMs, randomBytes }),
    limiter: new LoginLimiter(),
    audit,
    log,
    nowMs,
  };
}
