import { expect, test } from 'vitest';
import { createKeyRing } from '../src/connect/key-ring.ts';
import { Secret } from '../src/secret.ts';
import { type ConnectStage, startConnectStage } from './support/connect-stage.ts';
import { engines } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { type RelayProcess, spawnRelay } from './support/relay-process.ts';

interface Started extends AsyncDisposable {
  readonly relay: RelayProcess;
  readonly url: URL;
}

async function startRelay(stage: ConnectStage): Promise<Started> {
  const relay = spawnRelay(['start'], stage.env);
  const { public: url } = await relay.logged('listening');
  await relay.logged('store_ready');
  stage.reachAt(new URL(String(url)));
  return {
    relay,
    url: new URL(String(url)),
    async [Symbol.asyncDispose]() {
      relay.child.kill('SIGKILL');
      await relay.ended;
    },
  };
}

/** A person goes through consent; the callback URL as Recall has it, at a relay's own address. */
async function connect(stage: ConnectStage, url: URL): Promise<(at: URL) => URL> {
  const keys = createKeyRing([new Secret(stage.env.ENCRYPTION_KEY ?? '')]);
  const token = await keys.sign({ user: 'ada' }, 'zoom-relay connect default', Date.now() + 60_000);
  const start = await fetch(new URL(`/connect/zoom/default?token=${token}`, url), { redirect: 'manual' });
  const cookie = (start.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const back = stage.zoom.consent(start.headers.get('location') ?? '');
  const end = await fetch(new URL(back.pathname + back.search, url), { headers: { cookie } });
  expect(end.status).toBe(200);
  const { pathname, search } = new URL(stage.recall.api.credentials()[0]?.access_token_callback_url ?? '');
  return (at) => new URL(pathname + search, at);
}

test.concurrent.each(engines)(
  'a kill -9 between refresh and store never strands a connection without saying so ($engine)',
  async ({ createStore }) => {
    const folder = await createStore();
    // Tokens too short-lived to be given out twice: each callback refreshes.
    const zoom = { accessTokenLifetimeSec: 200 };
    const stage = await startConnectStage({ storeUrl: folder.url, mode: 'customer-managed', zoom });
    await using first = await startRelay(stage);
    const callbackAt = await connect(stage, first.url);
    const refreshes = stage.zoom.counts.refreshes;
    const gate = stage.zoom.holdRefresh();
    const cut = fetch(callbackAt(first.url)).catch(() => 'cut off');
    await gate.held;
    first.relay.child.kill('SIGKILL');
    await first.relay.ended;
    gate.release();
    expect(await cut).toBe('cut off');
    expect(stage.zoom.counts.refreshes).toBe(refreshes + 1); // the old tokens are void by now

    await using second = await startRelay(stage);
    const answer = await eventually('told', async () => {
      const asked = await fetch(callbackAt(second.url));
      expect([503, 404]).toContain(asked.status); // never a 200: there is no token
      return asked.status === 404 && asked;
    });
    expect(await answer.json()).toMatchObject({ error: { code: 'connection_ended' } });
    const told = await second.relay.logged('refresh_failed');
    expect(told).toMatchObject({ reason: 'refresh_lost' });
    expect(String(told.detail)).toContain('the person has to connect again');

    const again = await connect(stage, second.url);
    expect((await fetch(again(second.url))).status).toBe(200);
    second.relay.child.kill('SIGTERM');
    expect(await second.relay.ended).toBe(0);
    await stage.stop();
    await folder.remove();
  },
);

test('a relay that is told to stop carries a refresh to its end', async () => {
  const folder = await engines[1].createStore();
  const stage = await startConnectStage({
    storeUrl: folder.url,
    mode: 'customer-managed',
    zoom: { accessTokenLifetimeSec: 200 },
  });
  await using started = await startRelay(stage);
  const { relay, url } = started;
  const callbackAt = await connect(stage, url);
  const gate = stage.zoom.holdRefresh();
  const asked = fetch(callbackAt(url));
  await gate.held;
  relay.child.kill('SIGTERM');
  await relay.logged('stopping');
  gate.release();
  expect((await asked).status).toBe(200);
  expect(await relay.ended).toBe(0);
  await relay.logged('token_refreshed');
  await using next = await startRelay(stage);
  expect((await fetch(callbackAt(next.url))).status).toBe(200);
  await stage.stop();
});
