import { createKeyRing } from '../../src/connect/key-ring.ts';
import { Secret } from '../../src/secret.ts';
import type { ConnectStage } from './connect-stage.ts';

/** A person goes through consent at a relay's public port; the credential that Recall has for them then. */
export async function connectThrough(
  stage: ConnectStage,
  relayUrl: URL,
  userId = stage.users[0].id,
): Promise<{ readonly credential: string }> {
  const keys = createKeyRing([new Secret(stage.env.ENCRYPTION_KEY ?? '')]);
  const token = await keys.sign({ user: `user ${userId}` }, 'zoom-relay connect default', Date.now() + 60_000);
  const start = await fetch(new URL(`/connect/zoom/default?token=${token}`, relayUrl), { redirect: 'manual' });
  const [cookie = ''] = (start.headers.get('set-cookie') ?? '').split(';');
  const back = stage.zoom.consent(start.headers.get('location') ?? '', { userId });
  const end = await fetch(new URL(back.pathname + back.search, relayUrl), { headers: { cookie } });
  const credential = stage.recall.api.credentials().findLast(({ user_id }) => user_id === userId);
  if (end.status !== 200 || credential === undefined)
    throw new Error(`not connected: ${end.status} ${await end.text()}`);
  return { credential: credential.id };
}
