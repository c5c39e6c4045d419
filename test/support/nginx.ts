import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { findProgram } from './find-program.ts';
import { freePort } from './free-port.ts';
import { ServerProcess, spawnQuietly } from './server-process.ts';

/** One request as nginx passed it on: to one edge, or to a second one because of how the first did. */
export interface BalancedRequest {
  /** What the sender was answered. */
  readonly status: number;
  readonly tries: readonly {
    readonly edge: string;
    /** What the edge answered; 502 when it broke the connection off or took none, 504 when it was too slow. */
    readonly status: number;
    /** How much of the request it was sent. */
    readonly bytesSent: number;
  }[];
}

export interface Nginx {
  readonly url: URL;
  requests(): Promise<readonly BalancedRequest[]>;
  /** Balances over these edges (`host:port`) from now on; resolves when nginx does. */
  reload(edges: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** A real nginx in front of edges (`host:port`), with the configuration that README.md shows. */
export async function startNginx(edges: readonly string[]): Promise<Nginx> {
  const program = findProgram('nginx');
  if (program === undefined) throw new Error('nginx is not installed; npm test installs or asks for it');
  const folder = await mkdtemp(join(tmpdir(), 'zoom-relay-nginx-'));
  await chmod(folder, 0o755); // started by root, its workers are somebody else
  const port = await freePort();
  const url = new URL(`http://127.0.0.1:${port}`);
  const [config, site, errors, requests] = ['nginx.conf', 'site.conf', 'error.log', 'requests.log'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  const example = await readExample();
  const writeSite = (addresses: readonly string[]) => writeFile(site, siteFor(example, port, addresses));
  const readErrors = () => readFile(errors, 'utf8').catch(() => '');
  const workersStarted = async () => (await readErrors()).split('start worker process ').length - 1;

  await writeFile(config, around({ folder, site, errors, requests }));
  await writeSite(edges);
  const server = new ServerProcess(
    () => spawnQuietly(program, ['-c', config, '-p', folder, '-e', errors]),
    async () => {
      await eventually('nginx answers', () => fetch(url).then(Boolean, () => undefined));
    },
  );
  await server.start().catch(async (cause) => {
    throw new Error(`nginx does not start: ${await readErrors()}`, { cause });
  });
  return {
    url,
    requests: async () => (await readFile(requests, 'utf8')).split('\n').filter(Boolean).map(readRequest),
    async reload(addresses) {
      const before = await workersStarted();
      await writeSite(addresses);
      server.signal('SIGHUP');
      await eventually('nginx has reloaded', async () => (await workersStarted()) > before).catch(async (cause) => {
        throw new Error(`nginx does not reload: ${await readErrors()}`, { cause });
      });
    },
    async stop() {
      await server.end('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function readExample(): Promise<string> {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const [, example = ''] = /```nginx\n([\s\S]+?)```/.exec(readme) ?? [];
  return example;
}

/** The example as it is, but for what differs from place to place: addresses, and TLS, which is not what is tested. */
function siteFor(example: string, port: number, edges: readonly string[]): string {
  const server = / {2}server [\d.]+:8080(.*;)\n/;
  const [, parameters] = server.exec(example) ?? fail('servers');
  const servers = edges.map((edge) => `  server ${edge}${parameters}\n`).join('');
  const plain = example.replace(/^ *ssl_certificate.*\n/gm, '');
  const listen = 'listen 443 ssl;';
  if (!plain.includes(listen)) fail(listen);
  return plain.replace(listen, `listen 127.0.0.1:${port};`).replace(new RegExp(`(${server.source})+`), () => servers);
}

function fail(what: string): never {
  throw new Error(`the nginx example in README.md has no ${what}`);
}

/** What a distribution's own `nginx.conf` has around the files of its `conf.d`; everything in one folder. */
function around(at: { folder: string; site: string; errors: string; requests: string }): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
daemon off;
worker_processes 1;
pid ${at.folder}/pid;
error_log ${at.errors} notice;
events {}
http {
${temporary.map((name) => `  ${name}_temp_path ${at.folder}/${name};`).join('\n')}
  log_format tries '$status|$upstream_addr|$upstream_status|$upstream_bytes_sent';
  access_log ${at.requests} tries;
  include ${at.site};
}
`;
}

function readRequest(line: string): BalancedRequest {
  const [status, ...columns] = line.split('|');
  const [edges = [], statuses = [], sent = []] = columns.map((column) => column.split(', '));
  const tries = edges.map((edge, index) => ({
    edge,
    status: Number(statuses[index]),
    bytesSent: Number(sent[index]),
  }));
  return { status: Number(status), tries };
}
