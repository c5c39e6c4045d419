import { type ConnectApp, describeRefusal } from '../ports.ts';
import type { FreshToken } from './token-keeper.ts';

/**
 * The access token of a Recall-managed connection. Recall does not say why it has none: for good is only what it holds to
 * be unhealthy, or has no more.
 */
export async function readTokenAtRecall(app: ConnectApp, credentialId: string): Promise<FreshToken> {
  const answer = await app.recall.readAccessToken(credentialId);
  if (answer.kind === 'ok') return { kind: 'token', token: answer.value.token, apiUrl: undefined };
  const detail = `Recall: ${describeRefusal(answer)}`;
  if (answer.kind === 'not_found') return { kind: 'ended', detail };
  if (answer.kind !== 'refused') return { kind: 'unavailable', detail };
  const credential = await app.recall.readCredential(credentialId);
  const isOver =
    credential.kind === 'not_found' || (credential.kind === 'ok' && credential.value.status === 'unhealthy');
  return { kind: isOver ? 'ended' : 'unavailable', detail };
}
