import type { RecallAnswer, RecallRefusal } from '../recall/api/recall-api.ts';
import type { ConnectApp } from './ports.ts';

/** By Recall's id, or by the Zoom id that Recall names in a conflict: which is no credential's id. */
export type CredentialName = { readonly id: string } | { readonly userId: string } | { readonly accountId: string };

/** Deletes the credentials that stand in the way of a new one. */
export async function freeCredential(
  app: ConnectApp,
  name: CredentialName,
): Promise<{ readonly kind: 'ok' } | RecallRefusal> {
  const found = await idsOf(app, name);
  if (found.kind !== 'ok') return found;
  for (const id of found.value) {
    const deleted = await app.recall.deleteCredential(id);
    if (deleted.kind !== 'ok' && deleted.kind !== 'not_found') return deleted;
  }
  return { kind: 'ok' };
}

async function idsOf(app: ConnectApp, name: CredentialName): Promise<RecallAnswer<readonly string[]>> {
  if ('id' in name) return { kind: 'ok', value: [name.id] };
  const listed = await app.recall.listCredentials({ oauthApp: app.oauthApp, ...name });
  if (listed.kind !== 'ok') return listed;
  // A filter that Recall did not heed must not delete other people's credentials.
  const theirs = listed.value.filter(({ oauthApp, userId, accountId }) => {
    return oauthApp === app.oauthApp && ('userId' in name ? userId === name.userId : accountId === name.accountId);
  });
  return { kind: 'ok', value: theirs.map(({ id }) => id) };
}
