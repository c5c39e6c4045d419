import {
  type NeededEvent,
  type NeededScope,
  neededEvents,
  neededScopes,
  type ZoomAppKind,
} from '../zoom/oauth/scopes.ts';

/** What a Zoom app's page in the Marketplace is to be filled with. */
export interface ZoomSettings {
  /** For development and for production. */
  readonly eventNotificationUrl: string;
  readonly deauthorizationUrl: string;
  readonly redirectUrl: string;
  readonly redirectAllowList: readonly string[];
  readonly events: readonly NeededEvent[];
  readonly scopes: readonly NeededScope[];
}

/** Stands where the host name belongs that is not known. */
export const placeholderUrl = 'https://YOUR-HOST';

/** @param publicUrl without a trailing slash */
export function zoomSettingsOf(app: string, kind: ZoomAppKind, publicUrl = placeholderUrl): ZoomSettings {
  const notifications = `${publicUrl}/webhooks/zoom/${app}`;
  const redirectUrl = `${publicUrl}/oauth-callback/zoom`;
  return {
    eventNotificationUrl: notifications,
    deauthorizationUrl: notifications,
    redirectUrl,
    redirectAllowList: [redirectUrl],
    events: neededEvents,
    scopes: neededScopes[kind],
  };
}
