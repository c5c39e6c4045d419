import type { SecretTokens } from '../zoom/secret-token.ts';
import { forwardHeaders } from './forward-headers.ts';
import type { SignedHeaders } from './http-target.ts';
import type { IntactDelivery } from './ports.ts';
import { freshSignature, type ResignPolicy } from './resign.ts';

/** Zoom's own headers; a fresh timestamp and signature in their place when the policy or an operator asks for it. */
export function signAsZoom(secrets: SecretTokens, policy: ResignPolicy) {
  return ({ content, history, replay }: IntactDelivery, nowMs: number): SignedHeaders => {
    const resigned = freshSignature(content, history, policy, secrets[0], nowMs, replay?.resign);
    return { headers: forwardHeaders(content.headers, resigned), resigned };
  };
}
