import type { RedisOptions } from 'ioredis';

type Options = Omit<RedisOptions, 'replyMapping'>;

/** How a Redis is reached; `tls` by scheme. */
export type RedisTarget =
  | { readonly kind: 'single'; readonly options: Options }
  | { readonly kind: 'sentinel'; readonly options: Options }
  | { readonly kind: 'cluster'; readonly nodes: readonly Node[]; readonly options: Options };

interface Node {
  readonly host: string;
  readonly port: number;
}

const schemes = /^(rediss?)(\+sentinel|\+cluster)?:\/\//;

/**
 * Reads a Redis URL. Three forms, each also with `rediss` for TLS:
 *
 * - `redis://[user:password@]host[:6379][/db]`
 * - `redis+sentinel://[user:password@]host[:26379],host…/master-name[/db][?sentinelPassword=…&sentinelUsername=…]`
 * - `redis+cluster://[user:password@]host[:6379],host…`
 *
 * @returns `undefined` when it is none of them
 */
export function parseRedisUrl(text: string): RedisTarget | undefined {
  const scheme = schemes.exec(text);
  if (scheme === null) return undefined;
  const [prefix, protocol, kind] = scheme;
  const parts = splitUrl(text.slice(prefix.length));
  if (parts === undefined) return undefined;
  const credentials = { ...parts.credentials, ...(protocol === 'rediss' ? { tls: {} } : {}) };
  const nodes = parseNodes(parts.hosts, kind === '+sentinel' ? 26379 : 6379);
  const [first] = nodes ?? [];
  if (nodes === undefined || first === undefined) return undefined;
  if (kind === '+cluster') {
    return parts.path.length === 0 ? { kind: 'cluster', nodes, options: credentials } : undefined;
  }
  if (kind === '+sentinel') return parseSentinel(parts, nodes, credentials);
  const db = parseDb(parts.path[0]);
  if (nodes.length > 1 || parts.path.length > 1 || db === undefined) return undefined;
  return { kind: 'single', options: { ...credentials, ...first, db } };
}

function parseSentinel(parts: UrlParts, nodes: readonly Node[], credentials: Options): RedisTarget | undefined {
  const [name, dbText, ...rest] = parts.path;
  const db = parseDb(dbText);
  if (name === undefined || db === undefined || rest.length > 0) return undefined;
  const sentinelPassword = parts.query.get('sentinelPassword');
  const sentinelUsername = parts.query.get('sentinelUsername');
  const options: Options = {
    ...credentials,
    sentinels: nodes.map((node) => ({ ...node })),
    name,
    db,
    ...(sentinelPassword === null ? {} : { sentinelPassword }),
    ...(sentinelUsername === null ? {} : { sentinelUsername }),
    ...(credentials.tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: {} }),
  };
  return { kind: 'sentinel', options };
}

interface UrlParts {
  readonly credentials: { readonly username?: string; readonly password?: string };
  readonly hosts: readonly string[];
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

/** `new URL` takes no comma-separated hosts, hence by hand. */
function splitUrl(rest: string): UrlParts | undefined {
  const [beforeQuery = '', ...queries] = rest.split('?');
  const [authority = '', ...path] = beforeQuery.split('/');
  const at = authority.lastIndexOf('@');
  try {
    return {
      credentials: at === -1 ? {} : parseCredentials(authority.slice(0, at)),
      hosts: authority.slice(at + 1).split(','),
      path: path.filter((segment) => segment !== '').map(decodeURIComponent),
      query: new URLSearchParams(queries.join('?').replaceAll('+', '%2B')),
    };
  } catch {
    return undefined; // a stray % in it
  }
}

function parseCredentials(text: string): UrlParts['credentials'] {
  const colon = text.indexOf(':');
  const username = decodeURIComponent(colon === -1 ? text : text.slice(0, colon));
  const password = colon === -1 ? '' : decodeURIComponent(text.slice(colon + 1));
  return { ...(username === '' ? {} : { username }), ...(password === '' ? {} : { password }) };
}

function parseNodes(hosts: readonly string[], defaultPort: number): readonly Node[] | undefined {
  const nodes = hosts.map((text) => /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(text));
  if (nodes.some((match) => match === null || Number(match[2] ?? 1) > 65535)) return undefined;
  return nodes.map((match) => ({
    host: (match?.[1] ?? '').replace(/^\[|\]$/g, ''),
    port: Number(match?.[2] ?? defaultPort),
  }));
}

function parseDb(text: string | undefined): number | undefined {
  if (text === undefined) return 0;
  return /^\d{1,5}$/.test(text) ? Number(text) : undefined;
}
