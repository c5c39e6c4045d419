import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Environment } from '../src/config.ts';
import { type RecallStandIn, startRecallStandIn } from '../src/demo/recall-stand-in.ts';
import { alwaysAttended } from '../src/store/attendance.ts';
import { writeAppsFile } from './support/apps-file.ts';
import { uniqueBody } from './support/bodies.ts';
import { eventually } from './support/eventually.ts';
import { findProgram } from './support/find-program.ts';
import { freePort } from './support/free-port.ts';
import { stopAfterEach } from './support/keep.ts';
import { type RedisServer, startRedis } from './support/redis-server.ts';
import { ServerProcess, spawnQuietly } from './support/server-process.ts';
import { add, lookOften, lookOnce, newQueues, startProcess } from './support/store-process.ts';
import { oauthAppId, startTestRelay, type TestRelay, testSecret } from './support/test-relay.ts';

const keep = stopAfterEach();
/** More than have workers all the time. */
const manyApps = Array.from({ length: alwaysAttended + 4 }, (_nothing, index) => `app${index}`);

/** One Recall for as many apps as there are names. */
async function startApps(
  names: readonly string[],
): Promise<{ readonly recall: RecallStandIn; readonly env: Environment }> {
  const recall = await startRecallStandIn(oauthAppId, [testSecret]);
  await keep({ stop: recall.close });
  const entry = { secret: testSecret.reveal(), zoomOauthAppId: oauthAppId, recallBaseUrl: recall.baseUrl };
  const apps = await writeAppsFile(Object.fromEntries(names.map((name) => [name, entry])));
  await keep({ stop: apps.remove });
  return { recall, env: apps.env };
}

async function startCluster(): Promise<string> {
  const nodes = await Promise.all(
    [1, 2, 3].map(() => keep(startRedis('--cluster-enabled', 'yes', '--databases', '1'))),
  );
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const redisCli = findProgram('redis-cli') ?? 'redis-cli';
  execFileSync(redisCli, ['--cluster', 'create', ...addresses, '--cluster-yes'], { stdio: 'ignore' });
  await eventually('the cluster is up', async () =>
    String(await nodes[2]?.command('CLUSTER', 'INFO')).includes('cluster_state:ok'),
  );
  return `redis+cluster://${addresses.join(',')}`;
}

async function infoOf(server: RedisServer): Promise<string> {
  return String(await server.command('INFO', 'replication').catch(() => ''));
}

async function expectDelivery(relay: TestRelay, recall = relay.recall, path = '/webhooks/zoom'): Promise<void> {
  const body = await eventually('a notification is accepted', async () => {
    const candidate = uniqueBody();
    return (await relay.post(candidate, { path })).status === 204 && candidate;
  });
  await recall.seen((request) => request.body.equals(body) && request.status === 200);
}

test('a Redis Cluster of three masters: apps whose queues lie in different slots all deliver', async () => {
  const url = await startCluster();
  const names = ['acme', 'umbrella', 'initech'];
  const { recall, env } = await startApps(names);
  const relay = await keep(startTestRelay(url, { env }));
  for (const app of names) await expectDelivery(relay, recall, `/webhooks/zoom/${app}`);
});

test('a Redis Cluster and many apps: all deliver, of whichever process takes them', async () => {
  const url = await startCluster();
  const { recall, env } = await startApps(manyApps);
  await keep(startTestRelay(url, { env, role: ['worker'] }));
  const edge = await keep(startTestRelay(url, { env, role: ['edge'] }));
  await Promise.all(manyApps.map((app) => expectDelivery(edge, recall, `/webhooks/zoom/${app}`)));
  const both = await keep(startTestRelay(url, { env }));
  await Promise.all(manyApps.map((app) => expectDelivery(both, recall, `/webhooks/zoom/${app}`)));
});

test.each([
  ['told of', { times: lookOnce }],
  ['found by a look', { times: lookOften, other: { hear: () => {} } }],
])('a Redis Cluster and many queues: what another process adds is %s', async (_how, options) => {
  const url = await startCluster();
  const queues = newQueues();
  const one = await keep(startProcess(url, { queues, ...options }));
  const edge = await keep(startProcess(url, { queues }));
  for (const queue of queues.slice(0, 5)) {
    await eventually('delivered', async () => {
      await add(edge.store, queue);
      return (await edge.store.queueState(queue)).delivered > 0;
    });
  }
  expect(one.attended.size).toBeLessThanOrEqual(5);
});

test('behind Sentinel: after a failover the relay goes on with the new master', async () => {
  const { sentinelPort, master, replica } = await startPair();
  const relay = await keep(startTestRelay(`redis+sentinel://127.0.0.1:${sentinelPort}/primary`));
  await expectDelivery(relay);
  await failOver(master, replica);
  await expectDelivery(relay);
});

test('behind Sentinel and many apps: after a failover all deliver, of whichever process takes them', async () => {
  const { sentinelPort, master, replica } = await startPair();
  const url = `redis+sentinel://127.0.0.1:${sentinelPort}/primary`;
  const { recall, env } = await startApps(manyApps);
  await keep(startTestRelay(url, { env, role: ['worker'] }));
  const edge = await keep(startTestRelay(url, { env, role: ['edge'] }));
  const [before, ...others] = manyApps.map((app) => `/webhooks/zoom/${app}`);
  await expectDelivery(edge, recall, before);
  await failOver(master, replica);
  await Promise.all([before, ...others].map((path) => expectDelivery(edge, recall, path)));
});

async function startPair(): Promise<{ sentinelPort: number; master: RedisServer; replica: RedisServer }> {
  const master = await keep(startRedis());
  const replica = await keep(startRedis('--replicaof', '127.0.0.1', String(master.port)));
  await eventually('replicating', async () => (await infoOf(replica)).includes('master_link_status:up'));
  return { sentinelPort: await startSentinel(master.port), master, replica };
}

async function failOver(master: RedisServer, replica: RedisServer): Promise<void> {
  await master.process.end('SIGKILL');
  await eventually('the replica is promoted', async () => (await infoOf(replica)).includes('role:master'));
}

async function startSentinel(masterPort: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'zoom-relay-sentinel-'));
  const port = await freePort();
  const config = join(folder, 'sentinel.conf');
  const settings = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor primary 127.0.0.1 ${masterPort} 1`,
    'sentinel down-after-milliseconds primary 500',
    'sentinel failover-timeout primary 2000',
  ];
  await writeFile(config, `${settings.join('\n')}\n`);
  const program = findProgram('redis-server') ?? 'redis-server';
  const redisCli = findProgram('redis-cli') ?? 'redis-cli';
  const ask = (...args: string[]): string =>
    execFileSync(redisCli, ['-p', String(port), ...args], { encoding: 'utf8', stdio: 'pipe' });
  const server = new ServerProcess(
    () => spawnQuietly(program, [config, '--sentinel']),
    async () => {
      await eventually('sentinel knows the replica', () => {
        try {
          return ask('SENTINEL', 'replicas', 'primary').includes('slave');
        } catch {
          return false;
        }
      });
    },
  );
  await server.start();
  await keep({
    async stop() {
      await server.end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  });
  return port;
}
