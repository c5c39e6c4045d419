import { z } from 'zod';
import type { Secret } from '../secret.ts';
import { isAllowedBaseUrl } from './recall-target.ts';
import {
  clientSecret,
  type SecretSources,
  secretReference,
  secretReferences,
  workspaceSecret,
} from './secret-sources.ts';

/** Who keeps the tokens that Zoom gives: Recall, or this relay. */
export const connectModes = ['recall-managed', 'customer-managed'] as const;
export type ConnectMode = (typeof connectModes)[number];

/** Whose access one consent gives: that of one Zoom user, or of a whole Zoom account. */
export const zoomAppKinds = ['user-level', 'account-level'] as const;
export type ZoomAppKind = (typeof zoomAppKinds)[number];

/** What an app needs so that people can connect their Zoom to it. */
export interface ConnectSettings {
  readonly mode: ConnectMode;
  readonly kind: ZoomAppKind;
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** Recall signs its callbacks with these when its workspace has a secret. Empty: signatures are not looked at. */
  readonly workspaceSecrets: readonly Secret[];
  readonly requireRecallSignature: boolean;
  /** Where people may be sent after connecting. */
  readonly returnOrigins: readonly string[];
}

const clientIdPattern = /^[\x21-\x39\x3b-\x7e]{1,200}$/;
export const clientIdRule = 'must be 1 to 200 printable characters without spaces and colons';

export function isClientId(text: string): boolean {
  return clientIdPattern.test(text);
}

export const returnOriginRule = 'must be an origin as https://app.example.com (http: only to loopback)';

/** The origin itself, `undefined` for anything else. */
export function parseReturnOrigin(text: string): string | undefined {
  const url = URL.parse(text);
  return url !== null && isAllowedBaseUrl(text) && url.pathname === '/' ? url.origin : undefined;
}

/** An app's `connect`, as the apps file says it. */
export const connectEntry = z
  .strictObject({
    mode: z.enum(connectModes).optional().describe('who keeps the tokens; recall-managed unless told otherwise'),
    kind: z.enum(zoomAppKinds).optional().describe('whose access a consent gives; user-level unless told otherwise'),
    clientId: z.string().refine(isClientId, clientIdRule).describe("the Zoom app's client id"),
    clientSecret: secretReference,
    workspaceSecret: secretReferences.optional().describe("whsec_…: Recall's workspace secret, which signs callbacks"),
    requireRecallSignature: z.boolean().optional().describe('refuse callbacks without it; false'),
    returnOrigins: z
      .array(z.string().refine((text) => parseReturnOrigin(text) !== undefined, returnOriginRule))
      .max(100)
      .optional()
      .describe('where people may be sent after connecting'),
  })
  .describe('absent: nobody can connect to this app');

/** Reads an app's `connect`. What is wrong with its form has been reported; this reports the rest. */
export function readConnectEntry(entry: unknown, where: string, sources: SecretSources): ConnectSettings | undefined {
  const parsed = connectEntry.safeParse(entry).data;
  if (parsed === undefined) return undefined;
  const [secret] = sources.resolve(parsed.clientSecret, `${where}.clientSecret`, clientSecret);
  const workspaceSecrets = sources.resolve(parsed.workspaceSecret, `${where}.workspaceSecret`, workspaceSecret);
  const requireRecallSignature = parsed.requireRecallSignature ?? false;
  if (requireRecallSignature && parsed.workspaceSecret === undefined) {
    sources.report(`${where}.requireRecallSignature`, 'needs workspaceSecret');
  }
  if (secret === undefined) return undefined;
  return {
    mode: parsed.mode ?? 'recall-managed',
    kind: parsed.kind ?? 'user-level',
    clientId: parsed.clientId,
    clientSecret: secret,
    workspaceSecrets,
    requireRecallSignature,
    returnOrigins: (parsed.returnOrigins ?? []).flatMap((text) => parseReturnOrigin(text) ?? []),
  };
}
