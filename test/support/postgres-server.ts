import { execFileSync } from 'node:child_process';
import { chownSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { eventually } from './eventually.ts';
import { findProgram } from './find-program.ts';
import { freePort } from './free-port.ts';
import { ServerProcess, spawnQuietly } from './server-process.ts';

export interface PostgresServer {
  readonly process: ServerProcess;
  urlOf(database: string): string;
  query(text: string): Promise<unknown[]>;
  stop(): Promise<void>;
}

/** A real PostgreSQL with its own data folder. It refuses to run as root, so root runs it as the user `postgres`. */
export async function startPostgres(...extraArgs: string[]): Promise<PostgresServer> {
  const [initdb, postgres] = ['initdb', 'postgres'].map((name) => findProgram(name, 'postgres'));
  if (initdb === undefined || postgres === undefined) {
    throw new Error('postgresql is not installed; npm test installs or asks for it');
  }
  const folder = await mkdtemp(join(tmpdir(), 'zoom-relay-postgres-'));
  const user = process.getuid?.() === 0 ? idsOf('postgres') : undefined;
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const initArgs = ['-D', folder, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  execFileSync(initdb, initArgs, { ...user, cwd: folder, stdio: 'ignore' });
  const port = await freePort();
  const urlOf = (database: string): string => `postgres://postgres@127.0.0.1:${port}/${database}`;
  const args = [
    '-D',
    folder,
    '-p',
    String(port),
    '-h',
    '127.0.0.1',
    '-k',
    folder,
    '-c',
    'max_connections=200',
    ...extraArgs,
  ];

  async function query(text: string): Promise<unknown[]> {
    const client = new Client({ connectionString: urlOf('postgres'), connectionTimeoutMillis: 2000 });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  }

  const server = new ServerProcess(
    () => spawnQuietly(postgres, args, user),
    async () => {
      await eventually('postgres answers', () => query('SELECT 1').catch(() => undefined));
    },
  );
  await server.start();
  return {
    process: server,
    urlOf,
    query,
    async stop() {
      await server.end('SIGQUIT'); // immediate shutdown
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function idsOf(name: string): { readonly uid: number; readonly gid: number } {
  const [uid = 0, gid = 0] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' })));
  return { uid, gid };
}
