import type { ChangeableSecret } from '../recall/registration/plan-registration.ts';
import type { ZoomAppKind } from '../zoom/oauth/scopes.ts';
import { formatTable } from './format-table.ts';
import type { ZoomSettings } from './zoom-settings.ts';

/** What `register` has done and what is left to do. Holds no secret. */
export interface RegistrationReport {
  readonly app: string;
  readonly kind: ZoomAppKind;
  /** Host of Recall's API. */
  readonly recall: string;
  readonly id: string;
  readonly result: 'created' | 'found' | 'updated';
  /** The variables whose values Recall has anew. */
  readonly changed: readonly string[];
  /** `false`: this relay keeps the tokens, and Recall has been given none. */
  readonly clientSecretAtRecall: boolean;
  /** Another id that the relay is configured with. */
  readonly configuredId?: string;
  readonly isPublicUrlKnown: boolean;
  readonly set: { readonly where: string; readonly value: string };
  readonly zoom: ZoomSettings;
}

export function variableOf(secret: ChangeableSecret): string {
  return secret === 'clientSecret' ? 'ZOOM_APP_CLIENT_SECRET' : 'ZOOM_APP_SECRET_TOKEN';
}

export function formatRegistration(report: RegistrationReport): string {
  const { app, kind, recall, set, zoom } = report;
  const level = kind === 'user_level' ? 'user-level' : 'account-level';
  return [
    `${describeResult(report)}: the ${level} Zoom OAuth App of app ${app} at ${recall}`,
    ...(report.clientSecretAtRecall
      ? []
      : ['  customer-managed: Recall has no need of the client secret and is not given it']),
    ...describeOtherId(report),
    '',
    'Set for the relay',
    `  ${lineToSet(set)}`,
    '',
    `Paste into Zoom (App Marketplace → Manage → your app)${report.isPublicUrlKnown ? '' : ' · set PUBLIC_URL to have the host name filled in'}`,
    ...indent(
      formatTable(
        ['field', 'value'],
        [
          ['Event notification endpoint URL', `${zoom.eventNotificationUrl}  (development and production)`],
          ['Deauthorization endpoint URL', zoom.deauthorizationUrl],
          ['OAuth redirect URL', zoom.redirectUrl],
          ['OAuth allow list', zoom.redirectAllowList.join(' ')],
        ],
      ),
    ),
    '',
    'Events to add',
    ...indent(
      formatTable(
        ['event', "name on Zoom's page", 'why'],
        zoom.events.map(({ name, label, why }) => [name, label, why]),
      ),
    ),
    '',
    `Scopes to add (${level}; apps made before April 2024 have the classic names)`,
    ...indent(
      formatTable(
        ['granular', 'classic', 'for', 'why'],
        zoom.scopes.map((scope) => [scope.granular, scope.classic, scope.for, scope.why]),
      ),
    ),
    '',
    'Then: start the relay, press Validate in Zoom, and ask zoom-relay doctor',
    '',
  ].join('\n');
}

function describeResult({ result, id, changed }: RegistrationReport): string {
  switch (result) {
    case 'created':
      return `✓ created ${id}`;
    case 'found':
      return `✓ found ${id}, nothing to change`;
    case 'updated':
      return `✓ found ${id} and gave it the present ${changed.join(' and ')}`;
  }
}

function describeOtherId({ configuredId, set, id }: RegistrationReport): readonly string[] {
  if (configuredId === undefined) return [];
  return [`▲ ${set.where} is ${configuredId}, which is not this app: replace it by ${id}`];
}

function lineToSet({ where, value }: RegistrationReport['set']): string {
  return where.includes(' ') ? `${where}: "${value}"` : `${where}=${value}`;
}

function indent(table: string): readonly string[] {
  return table
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`);
}
