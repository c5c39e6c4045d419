import { createHash, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../../secret.ts';
import type { RecallApp, RecallAppKind } from '../api/recall-api.ts';

/** What the Zoom OAuth App in Recall is to be like. */
export interface WantedApp {
  readonly kind: RecallAppKind;
  readonly clientId: string;
  /** `undefined`: Recall needs none, because this relay keeps the tokens; whatever it has will do. */
  readonly clientSecret: Secret | undefined;
  readonly webhookSecret: Secret;
  /** The id that the relay is configured with. */
  readonly configuredId: string | undefined;
}

export const changeableSecrets = ['clientSecret', 'webhookSecret'] as const;
export type ChangeableSecret = (typeof changeableSecrets)[number];

/** What is to be done so that Recall has it. Recall changes nothing of an app but its two secrets. */
export type RegistrationPlan =
  | { readonly kind: 'create' }
  | { readonly kind: 'keep'; readonly app: RecallApp }
  | { readonly kind: 'update'; readonly app: RecallApp; readonly changed: readonly ChangeableSecret[] }
  /** There is one for this client id, of the other kind. */
  | { readonly kind: 'wrong_kind'; readonly app: RecallApp }
  /** There are several, and none of them is the configured one. */
  | { readonly kind: 'ambiguous'; readonly apps: readonly RecallApp[] };

/** @param found the apps that Recall has; those of other client ids are left out of account */
export function planRegistration(found: readonly RecallApp[], wanted: WantedApp): RegistrationPlan {
  const ours = found.filter(({ clientId }) => clientId === wanted.clientId);
  const ofKind = ours.filter(({ kind }) => kind === wanted.kind);
  const configured = ours.find(({ id }) => id === wanted.configuredId);
  if (configured !== undefined && configured.kind !== wanted.kind) return { kind: 'wrong_kind', app: configured };
  const [first, ...others] = ofKind;
  const app = configured ?? first;
  if (app === undefined) {
    const [ofOtherKind] = ours;
    return ofOtherKind === undefined ? { kind: 'create' } : { kind: 'wrong_kind', app: ofOtherKind };
  }
  if (configured === undefined && others.length > 0) return { kind: 'ambiguous', apps: ofKind };
  const changed = changeableSecrets.filter((name) => {
    const own = wanted[name];
    return own !== undefined && !isSameSecret(own, app[name]);
  });
  return changed.length === 0 ? { kind: 'keep', app } : { kind: 'update', app, changed };
}

/** In constant time, whatever their lengths. */
export function isSameSecret(one: Secret, other: Secret): boolean {
  const [a, b] = [one, other].map((secret) => createHash('sha256').update(secret.reveal()).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}
