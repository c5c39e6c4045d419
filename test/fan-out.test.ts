import { Redis } from 'ioredis';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import type { ConsumerKey } from '../src/delivery/names.ts';
import { writeAppsFile } from './support/apps-file.ts';
import { uniqueBody } from './support/bodies.ts';
import { startEndpoint } from './support/endpoint.ts';
import { createRedisDatabase, engines, type TestStore } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { stopAfterEach } from './support/keep.ts';
import { defaultApp, oauthAppId, startTestRelay, testSecret } from './support/test-relay.ts';

const keep = stopAfterEach();
const [, , postgres] = engines;

/** Makes the store refuse one queue's jobs while the other's go through. */
async function breakRedisQueue(store: TestStore): Promise<() => Promise<void>> {
  const client = new Redis(adminUrlOf(store));
  await client.call('ACL', 'SETUSER', 'relay', 'resetkeys', '~zoom-relay:{default.recall}*', '~zoom-relay:{default}*');
  return async () => {
    await client.call('ACL', 'SETUSER', 'relay', 'allkeys');
    await client.quit();
  };
}

/** A store whose user can be kept from some keys. */
async function createRestrictableRedis(): Promise<TestStore> {
  const store = await createRedisDatabase();
  const client = new Redis(store.url);
  await client.call('ACL', 'SETUSER', 'relay', 'on', '>relay', 'allkeys', 'allchannels', 'allcommands');
  await client.quit();
  return { ...store, url: store.url.replace('redis://', 'redis://relay:relay@') };
}

function adminUrlOf({ url }: TestStore): string {
  return url.replace('relay:relay@', '');
}

async function breakPostgresQueue(store: TestStore): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: store.url });
  await client.connect();
  await client.query(`
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'in the way'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON bullmq.job FOR EACH ROW WHEN (NEW.queue = '{default.crm}')
      EXECUTE FUNCTION refuse()`);
  return async () => {
    await client.query('DROP TRIGGER refuse ON bullmq.job');
    await client.end();
  };
}

describe.each([
  { engine: 'redis', createStore: createRestrictableRedis, breakQueue: breakRedisQueue },
  { ...postgres, breakQueue: breakPostgresQueue },
])('on $engine', ({ createStore, breakQueue }) => {
  test('while one of its deliveries cannot be stored a notification is not acknowledged; repeated, it fills in what lacks and doubles nothing', async () => {
    const store = await createStore();
    const crm = await keep(startEndpoint());
    const relay = await keep(
      startTestRelay(store.url, {
        env: async (recallBaseUrl) => {
          const file = await writeAppsFile({
            default: {
              secret: testSecret.reveal(),
              zoomOauthAppId: oauthAppId,
              recallBaseUrl,
              consumers: { crm: { url: crm.url } },
              allowPrivateHosts: ['127.0.0.1'],
            },
          });
          return file.env;
        },
      }),
    );
    const mend = await breakQueue(store);
    const body = uniqueBody();
    expect((await relay.post(body)).status).toBe(503);
    await relay.recall.seen((request) => request.body.equals(body)); // that delivery was stored, and is made
    expect(crm.requests).toHaveLength(0);
    await mend();
    await eventually('ready again', () => relay.relay.health().ready);
    expect((await relay.post(body)).status).toBe(204);
    await crm.got(body);
    expect((await relay.post(body)).status).toBe(204);
    const counts = (key: string) => relay.relay.consumerCounts(defaultApp, key as ConsumerKey);
    await eventually('both done', async () => (await counts('crm')).delivered === 1);
    expect(await counts('crm')).toMatchObject({ accepted: 1, pending: 0 });
    expect(await counts('recall')).toMatchObject({ accepted: 1, delivered: 1, pending: 0 });
    expect(crm.requests).toHaveLength(1);
    expect(relay.recall.requests).toHaveLength(1);
    const results = relay.logged.filter(({ event }) => event === 'received').map(({ result }) => result);
    expect(results).toEqual(['accepted', 'duplicate']);
    await relay.stop();
    await store.remove();
  });
});
