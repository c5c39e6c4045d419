import type { RecallAnswer, RecallRefusal } from '../recall/api/recall-api.ts';
import type { ConnectApp, ConnectParts } from './ports.ts';

/** By Recall's id, or by the Zoom id that Recall names in a conflict: which is no credential's id. */
export type CredentialName = { readonly id: string } | { readonly userId: string } | { readonly accountId: string };

/** Whose credential stands in the way, when that is why Recall refused. */
export function conflictIn(refusal: RecallRefusal): CredentialName | undefined {
  if (refusal.kind !== 'refused') return undefined;
  const { conflictingUserId: userId, conflictingAccountId: accountId } = refusal;
  if (userId !== undefined) return { userId };
  return accountId === undefined ? undefined : { accountId };
}

/** Deletes the credentials that stand in the way of a new one. `none`: there are none of this app. */
export async function freeCredential(
  app: ConnectApp,
  name: CredentialName,
  { observe }: Pick<ConnectParts, 'observe'>,
): Promise<{ readonly kind: 'freed' } | { readonly kind: 'none' } | RecallRefusal> {
  const found = await idsOf(app, name);
  if (found.kind !== 'ok') return found;
  for (const id of found.value) {
    const deleted = await app.recall.deleteCredential(id);
    if (deleted.kind !== 'ok' && deleted.kind !== 'not_found') return deleted;
    observe({ kind: 'credential_freed', app: app.key, credential: id });
  }
  return { kind: found.value.length === 0 ? 'none' : 'freed' };
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
