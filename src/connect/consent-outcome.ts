import type { Secret } from '../secret.ts';

/** A code that Zoom gave for consent, and what proves that the consent was begun here. */
export interface GrantedCode {
  readonly code: string;
  readonly codeVerifier: Secret;
  readonly redirectUri: string;
  /** Unique to this consent. */
  readonly stateHash: string;
}

/** Why a consent came to nothing. Each has a page and a status of its own. */
export const consentRefusalCodes = [
  'consent_denied',
  'consent_failed',
  'state_unknown',
  'state_used',
  'state_expired',
  'state_foreign',
  'code_missing',
  'app_unknown',
  'zoom_refused',
  'recall_refused',
  'connection_unknown',
  'grant_unkept',
  'store_unavailable',
] as const;
export type ConsentRefusalCode = (typeof consentRefusalCodes)[number];

export type ConsentOutcome =
  | { readonly kind: 'connected'; readonly connection: string; readonly returnTo: string | undefined }
  /** What was in the way has been removed: through consent once more. */
  | { readonly kind: 'again' }
  | {
      readonly kind: 'refused';
      readonly code: ConsentRefusalCode;
      /** In Zoom's or Recall's own words. */
      readonly detail?: string;
      /** Access was granted and is kept; what lacks is done in the background. */
      readonly isKept?: boolean;
      /** An earlier connection of theirs was removed on the way to this consent. */
      readonly wasConnected?: boolean;
    };
