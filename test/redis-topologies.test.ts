import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import { startRecallStandIn } from '../src/demo/recall-stand-in.ts';
import { writeAppsFile } from './support/apps-file.ts';
import { uniqueBody } from './support/bodies.ts';
import { eventually } from './support/eventually.ts';
import { findProgram } from './support/find-program.ts';
import { freePort } from './support/free-port.ts';
import { stopAfterEach } from './support/keep.ts';
import { type RedisServer, startRedis } from './support/redis-server.ts';
import { ServerProcess, spawnQuietly } from './support/server-process.ts';
import { oauthAppId, startTestRelay, type TestRelay, testSecret } from './support/test-relay.ts';

const keep = stopAfterEach();

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
  const nodes = await Promise.all(
    [1, 2, 3].map(() => keep(startRedis('--cluster-enabled', 'yes', '--databases', '1'))),
  );
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const redisCli = findProgram('redis-cli') ?? 'redis-cli';
  execFileSync(redisCli, ['--cluster', 'create', ...addresses, '--cluster-yes'], { stdio: 'ignore' });
  await eventually('the cluster is up', async () =>
    String(await nodes[2]?.command('CLUSTER', 'INFO')).includes('cluster_state:ok'),
  );
  const recall = await startRecallStandIn(oauthAppId, [testSecret]);
  await keep({ stop: recall.close });
  const entry = { secret: testSecret.reveal(), zoomOauthAppId: oauthAppId, recallBaseUrl: recall.baseUrl };
  const names = ['acme', 'umbrella', 'initech'];
  const apps = await writeAppsFile(Object.fromEntries(names.map((name) => [name, entry])));
  await keep({ stop: apps.remove });
  const relay = await keep(startTestRelay(`redis+cluster://${addresses.join(',')}`, { env: apps.env }));
  for (const app of names) await expectDelivery(relay, recall, `/webhooks/zoom/${app}`);
});

test('behind Sentinel: after a failover the relay goes on with the new master', async () => {
  const master = await keep(startRedis());
  const replica = await keep(startRedis('--replicaof', '127.0.0.1', String(master.port)));
  await eventually('replicating', async () => (await infoOf(replica)).includes('master_link_status:up'));
  const sentinelPort = await startSentinel(master.port);
  const relay = await keep(startTestRelay(`redis+sentinel://127.0.0.1:${sentinelPort}/primary`));
  await expectDelivery(relay);
  await master.process.end('SIGKILL');
  await eventually('the replica is promoted', async () => {
    return (await infoOf(replica)).includes('role:master');
  });
  await expectDelivery(relay);
});

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
