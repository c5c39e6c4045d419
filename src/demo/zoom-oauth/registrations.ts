/** An app as its owner has set it up in the Zoom App Marketplace. */
export interface ZoomAppRegistration {
  readonly clientId: string;
  readonly clientSecret: string;
  /** The OAuth allow list; compared to the character. */
  readonly redirectUris: readonly string[];
  /** Granted by whoever consents, all of them. */
  readonly scopes: readonly string[];
  readonly kind: 'user_level' | 'account_level';
}

export interface ZoomUserRegistration {
  readonly id: string;
  readonly accountId: string;
  readonly email: string;
  /** Personal meeting id. */
  readonly pmi?: number;
}

export interface ZoomMeetingRegistration {
  readonly id: number;
  readonly hostId: string;
}
