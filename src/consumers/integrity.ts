import { bodyMatchesId, type DeliveryContent } from '../delivery/stored-delivery.ts';
import { type SecretTokens, secretIdOf } from '../zoom/secret-token.ts';
import { signatureMatches } from '../zoom/signature.ts';

/**
 * Whether what the store gave back is what Zoom signed: the bytes by the id made from them, and bytes, timestamp and
 * signature together by the Secret Token that verified them. When that token has since left the configuration only the
 * bytes can be checked.
 */
export function isIntact(content: DeliveryContent, id: string, secrets: SecretTokens): boolean {
  if (!bodyMatchesId(content.body, id)) return false;
  const secret = secrets.find((candidate) => secretIdOf(candidate) === content.secretId);
  if (secret === undefined) return true;
  const { 'x-zm-request-timestamp': timestamp, 'x-zm-signature': signature } = content.headers;
  if (timestamp === undefined || signature === undefined) return false;
  return signatureMatches(secret, timestamp, content.body, signature);
}
