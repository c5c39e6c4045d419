import type { AttemptRecord, FreshSignature } from '../delivery/attempt.ts';
import type { DeliveryContent } from '../delivery/stored-delivery.ts';
import type { Secret } from '../secret.ts';
import { signBody } from '../zoom/signature.ts';

export const resignModes = ['never', 'when-refused', 'always'] as const;
export type ResignMode = (typeof resignModes)[number];

export interface ResignPolicy {
  readonly mode: ResignMode;
  /** Zoom's timestamp counts as old after this, seconds. */
  readonly toleranceSec: number;
}

/** How a receiver that finds a timestamp too old says so. */
const refusingStatuses: readonly (number | undefined)[] = [400, 401, 403];

/**
 * A fresh timestamp and signature for a delivery that has waited longer than a careful receiver tolerates, made with
 * the app's current Secret Token; `undefined` when Zoom's own are to go out. Zoom re-signs its own repeats the same way.
 *
 * `when-refused`: only after a 400, 401 or 403 to an original that was too old when it was sent.
 *
 * @param history the attempts so far, oldest first
 * @param isAskedFor by an operator: then always, whatever the policy and however young it is
 */
export function freshSignature(
  content: DeliveryContent,
  history: readonly AttemptRecord[],
  policy: ResignPolicy,
  secret: Secret,
  nowMs: number,
  isAskedFor = false,
): FreshSignature | undefined {
  if (!isAskedFor && !isDue(content, history, policy, nowMs)) return undefined;
  const timestamp = String(Math.floor(nowMs / 1000));
  return { timestamp, signature: signBody(secret, timestamp, content.body) };
}

function isDue(
  content: DeliveryContent,
  history: readonly AttemptRecord[],
  policy: ResignPolicy,
  nowMs: number,
): boolean {
  if (policy.mode === 'never') return false;
  const signedAtMs = Number(content.headers['x-zm-request-timestamp']) * 1000;
  const wasOld = (atMs: number): boolean => atMs - signedAtMs > policy.toleranceSec * 1000;
  if (!wasOld(nowMs)) return false;
  const wasRefused = history.some(
    ({ status, startedAtMs }) => refusingStatuses.includes(status) && wasOld(startedAtMs),
  );
  return policy.mode === 'always' || wasRefused;
}
