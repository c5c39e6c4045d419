import { isIP } from 'node:net';
import type { z } from 'zod';
import {
  type ConnectSettings,
  clientIdRule,
  connectModes,
  isClientId,
  parseReturnOrigin,
  returnOriginRule,
  zoomAppKinds,
} from './connect.ts';
import type { Report } from './problem.ts';
import { baseUrlRule, isAllowedBaseUrl } from './recall-target.ts';
import {
  encryptionKey,
  encryptionKeyRule,
  fail,
  oneOf,
  optionalSecret,
  optionalText,
  secrets,
  webhookSecret,
  workspaceSecretRule,
} from './values.ts';

const maxPublicUrlLength = 100;

const publicUrl = optionalText().transform((value, context) => {
  if (value === undefined) return undefined;
  const url = isAllowedBaseUrl(value) ? (URL.parse(value)?.href ?? '').replace(/\/+$/, '') : '';
  return url !== '' && url.length <= maxPublicUrlLength
    ? url
    : fail(context, `${baseUrlRule}, at most ${maxPublicUrlLength} characters`);
});

const returnOrigins = optionalText().transform((value, context): readonly string[] => {
  const given = value === undefined ? [] : value.split(',').map((text) => parseReturnOrigin(text.trim()));
  const valid = given.filter((origin) => origin !== undefined);
  return valid.length === given.length ? valid : fail(context, `${returnOriginRule}, several separated by commas`);
});

function zoomUrl(defaultValue: string) {
  return optionalText().transform((value, context) => {
    const url = value ?? defaultValue;
    return isAllowedBaseUrl(url) ? url.replace(/\/+$/, '') : fail(context, baseUrlRule);
  });
}

/** The variables about connecting people's Zoom. */
export const connectVariables = {
  RECALL_API_KEY: optionalSecret(),
  ZOOM_APP_CLIENT_ID: optionalText().refine((value) => value === undefined || isClientId(value), clientIdRule),
  ZOOM_APP_CLIENT_SECRET: optionalSecret(),
  ZOOM_APP_KIND: oneOf(zoomAppKinds, 'user-level'),
  CONNECT_MODE: oneOf(connectModes, 'recall-managed'),
  PUBLIC_URL: publicUrl,
  ENCRYPTION_KEY: secrets(encryptionKey, encryptionKeyRule),
  CONNECT_RETURN_ORIGINS: returnOrigins,
  RECALL_WORKSPACE_SECRET: secrets(webhookSecret, workspaceSecretRule),
  REQUIRE_RECALL_SIGNATURE: oneOf(['0', '1'], '0'),
  ZOOM_BASE_URL: zoomUrl('https://zoom.us'),
  ZOOM_API_URL: zoomUrl('https://api.zoom.us'),
};
type ConnectVariables = z.infer<z.ZodObject<typeof connectVariables>>;

/** Set by them, connecting is on for the one app of the variables. */
const connectSwitches = ['ZOOM_APP_CLIENT_ID', 'ZOOM_APP_CLIENT_SECRET'] as const;
/** Needed when it is on. */
const alsoNeeded = {
  ZOOM_APP_CLIENT_ID: "the Zoom app's client id",
  ZOOM_APP_CLIENT_SECRET: "the Zoom app's client secret",
  RECALL_API_KEY: 'an API key of your Recall workspace, of the same region',
} as const;
const neededByAll = {
  PUBLIC_URL: 'where Zoom, Recall and people reach this relay',
  ENCRYPTION_KEY: 'make one with "openssl rand -base64 32"',
} as const;

type Environment = Readonly<Record<string, string | undefined>>;

export function isConnectOn(env: Environment): boolean {
  // The default mode alone asks for nothing.
  return connectSwitches.some((name) => env[name]?.trim()) || env.CONNECT_MODE?.trim() === 'customer-managed';
}

/** Those that are about the one app of the variables, so that they exclude `APPS_FILE`. */
export const connectOwnVariables = [
  ...connectSwitches,
  'CONNECT_MODE',
  'ZOOM_APP_KIND',
  'CONNECT_RETURN_ORIGINS',
  'RECALL_WORKSPACE_SECRET',
  'REQUIRE_RECALL_SIGNATURE',
] as const;

/** Reports what is missing of the variables for connecting, if any of those that switch it on is set. */
export function checkConnectVariables(env: Environment, report: Report): boolean {
  if (!isConnectOn(env)) return false;
  for (const [name, what] of Object.entries(alsoNeeded)) {
    if (!env[name]?.trim()) report(name, `is needed to connect people's Zoom: ${what}`);
  }
  if (env.REQUIRE_RECALL_SIGNATURE?.trim() === '1' && !env.RECALL_WORKSPACE_SECRET?.trim()) {
    report('REQUIRE_RECALL_SIGNATURE', 'needs RECALL_WORKSPACE_SECRET');
  }
  return true;
}

/** Reports what all apps with connecting need and is missing. */
export function checkSharedConnectVariables(env: Environment, isAtRecall: boolean, report: Report): void {
  for (const [name, what] of Object.entries(neededByAll)) {
    if (!env[name]?.trim()) report(name, `is needed to connect people's Zoom: ${what}`);
  }
  const host = URL.parse(env.PUBLIC_URL?.trim() ?? '')?.hostname ?? '';
  if (isAtRecall && (host === 'localhost' || isIP(host.replace(/^\[|\]$/g, '')) !== 0)) {
    report('PUBLIC_URL', 'must have a host name: Recall refuses requests that mention localhost or an IP address');
  }
}

/** The one app's, when it is on and sound. */
export function toConnectSettings(values: ConnectVariables): ConnectSettings | undefined {
  const { ZOOM_APP_CLIENT_ID: clientId, ZOOM_APP_CLIENT_SECRET: clientSecret } = values;
  if (clientId === undefined || clientSecret === undefined) return undefined; // was reported
  return {
    mode: values.CONNECT_MODE,
    kind: values.ZOOM_APP_KIND,
    clientId,
    clientSecret,
    workspaceSecrets: values.RECALL_WORKSPACE_SECRET,
    requireRecallSignature: values.REQUIRE_RECALL_SIGNATURE === '1',
    returnOrigins: values.CONNECT_RETURN_ORIGINS,
  };
}
