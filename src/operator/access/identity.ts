import type { Secret } from '../../secret.ts';

/** `read` looks; `operate` acts too. */
export type OperatorRole = 'read' | 'operate';

/** One of the tokens that are configured. Names differ, and so do tokens. */
export interface AccessToken {
  readonly name: string;
  readonly role: OperatorRole;
  readonly token: Secret;
}

/** Who asks. */
export interface Identity {
  /** Of the token. */
  readonly name: string;
  readonly role: OperatorRole;
  /** With a bearer token, or as somebody who logged in with one. */
  readonly via: 'token' | 'session';
}

/** What `authenticate` leaves for the routes after it. */
export interface AccessEnv {
  Variables: {
    identity: Identity;
    /** For forms and `x-csrf-token` of pages; empty unless `via` is `session`. */
    csrfToken: string;
  };
}
