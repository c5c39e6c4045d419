import { RelayError } from '../errors.ts';
import type { Connection } from './connection.ts';
import { type ConnectionStore, ownerKeyOf, type ZoomOwner } from './connection-store.ts';
import type { ConnectApp, ConnectParts } from './ports.ts';
import { hashOf, newSecret } from './secrets.ts';

const zoomIdPattern = /^[!-~]{1,200}$/;

/** Who granted access, as Zoom or Recall names them. */
export interface Grantor {
  readonly userId?: string | undefined;
  readonly accountId?: string | undefined;
  readonly email?: string | undefined;
}

/** Whom the connection is of, by the kind of app; `undefined` when they are not named. */
export function ownerOf(app: ConnectApp, { userId, accountId }: Grantor): ZoomOwner | undefined {
  const [kind, zoomId] = app.kind === 'user_level' ? (['user', userId] as const) : (['account', accountId] as const);
  return zoomId !== undefined && zoomIdPattern.test(zoomId) ? { app: app.key, kind, zoomId } : undefined;
}

/** What is new with a grant. */
export type Grant = Partial<Pick<Connection, 'tokens' | 'scopes' | 'credentialId' | 'recall'>>;

export interface KeptGrant {
  readonly connection: Connection;
  readonly isNew: boolean;
  /** The link was for somebody else than the one before. */
  readonly isOtherUser: boolean;
}

/** Keeps that somebody has granted access, in place of what was kept of an earlier grant. */
export async function keepGrant(
  app: ConnectApp,
  { owner, grantor, user }: { readonly owner: ZoomOwner; readonly grantor: Grantor; readonly user: string },
  grant: (id: string) => Promise<Grant>,
  store: ConnectionStore,
  parts: Pick<ConnectParts, 'keys' | 'nowMs' | 'randomBytes'>,
): Promise<KeptGrant> {
  const id = await store.claim(owner);
  const known = await store.read(id);
  const given = await grant(id);
  const isOpen = known !== undefined && (await parts.keys.open(known.bots.sealed, botsAbout(id))) !== undefined;
  const bots = isOpen ? known.bots : await newBots(id, parts);
  const { userId, accountId, email } = grantor;
  const connection = await store.change(id, (before) => ({
    v: 1,
    id,
    ownerKey: ownerKeyOf(owner),
    app: app.key,
    user,
    mode: app.mode,
    zoom: {
      ...(userId !== undefined && { userId }),
      ...(accountId !== undefined && { accountId }),
      ...(email !== undefined && { email }),
    },
    connectedAtMs: parts.nowMs(),
    callback: before?.callback ?? { pending: [] },
    bots,
    ...(before?.credentialId !== undefined && { credentialId: before.credentialId }),
    ...given,
  }));
  if (connection === undefined) throw new RelayError('internal', 'a connection was not kept');
  await store.assertOwner(connection); // one that was being removed at that moment has taken the way to it along
  return { connection, isNew: known === undefined, isOtherUser: known !== undefined && known.user !== user };
}

async function newBots(
  id: string,
  { keys, randomBytes }: Pick<ConnectParts, 'keys' | 'randomBytes'>,
): Promise<Connection['bots']> {
  const secret = newSecret(randomBytes).reveal();
  return { hash: hashOf(secret), sealed: await keys.seal(secret, botsAbout(id)) };
}

/** What the secret for bots is sealed about. */
export function botsAbout(id: string): string {
  return `bots of ${id}`;
}
