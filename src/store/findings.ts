/**
 * What a store says about how well it keeps things. `fatal`: it breaks the promise that nothing acknowledged is lost.
 * `warning`: it weakens it. `note`: worth knowing.
 */
export interface Finding {
  readonly level: 'fatal' | 'warning' | 'note';
  readonly code:
    | 'evicts'
    | 'not_persistent'
    | 'flushes_late'
    | 'nearly_full'
    | 'cannot_ask'
    | 'version_unsupported'
    | 'commits_late'
    | 'not_flushed';
  /** What is so, and what to do. */
  readonly message: string;
}

/** Memory in use beyond this part of the limit is reported. */
const nearlyFull = 0.9;

/** `INFO` of a Redis, Valkey or Dragonfly as `name → value`. */
export function parseRedisInfo(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const colon = line.indexOf(':');
      return colon === -1 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const];
    }),
  );
}

/**
 * Judges a Redis.
 *
 * @param settings `CONFIG GET` of `appendonly`, `appendfsync` and `save`; `undefined` where a managed service forbids it
 */
export function judgeRedis(
  info: ReadonlyMap<string, string>,
  settings: ReadonlyMap<string, string> | undefined,
): readonly Finding[] {
  return [...judgeEviction(info), ...judgeMemory(info), ...judgePersistence(info, settings)];
}

function judgeEviction(info: ReadonlyMap<string, string>): readonly Finding[] {
  const policy = info.get('maxmemory_policy');
  if (policy === undefined || policy === 'noeviction') return [];
  const message = `Redis evicts keys when it is full (maxmemory-policy ${policy}): queued notifications would be thrown away. Set CONFIG SET maxmemory-policy noeviction, in redis.conf too; or DANGEROUSLY_ALLOW_EVICTION=1 to run all the same`;
  return [{ level: 'fatal', code: 'evicts', message }];
}

function judgeMemory(info: ReadonlyMap<string, string>): readonly Finding[] {
  const [used, limit] = [Number(info.get('used_memory') ?? 0), Number(info.get('maxmemory') ?? 0)];
  if (limit === 0 || used < limit * nearlyFull) return [];
  const message = `Redis uses ${Math.round((100 * used) / limit)} % of its maxmemory; when it is full, notifications get 503. Give it more, or lower RETAIN_DELIVERED_COUNT`;
  return [{ level: 'warning', code: 'nearly_full', message }];
}

function judgePersistence(
  info: ReadonlyMap<string, string>,
  settings: ReadonlyMap<string, string> | undefined,
): readonly Finding[] {
  const appends = info.get('aof_enabled') === '1';
  if (!appends && settings === undefined) {
    const message =
      'Redis may not be asked how it persists (CONFIG is forbidden) and keeps no append-only file: make sure of its persistence with whoever runs it';
    return [{ level: 'warning', code: 'cannot_ask', message }];
  }
  if (!appends) {
    const snapshots = (settings?.get('save') ?? '') !== '';
    const loss = snapshots ? 'what came since the last snapshot' : 'everything';
    const message = `Redis keeps no append-only file: a crash loses ${loss}. Set appendonly yes and appendfsync always`;
    return [{ level: 'warning', code: 'not_persistent', message }];
  }
  const fsync = settings?.get('appendfsync');
  if (fsync === undefined || fsync === 'always') return [];
  const message = `Redis flushes its append-only file ${fsync === 'everysec' ? 'once a second: a crash can lose up to a second' : 'when the system likes'}. Set appendfsync always to lose nothing`;
  return [{ level: 'warning', code: 'flushes_late', message }];
}

const leastPostgresVersion = 140_000;

/** Judges a PostgreSQL by `server_version_num`, `synchronous_commit` and `fsync`. */
export function judgePostgres(settings: ReadonlyMap<string, string>): readonly Finding[] {
  const findings: Finding[] = [];
  if (Number(settings.get('server_version_num')) < leastPostgresVersion) {
    const message = `PostgreSQL ${settings.get('server_version')} is too old: 14 or newer is needed`;
    findings.push({ level: 'fatal', code: 'version_unsupported', message });
  }
  if (settings.get('synchronous_commit') === 'off') {
    const message = 'PostgreSQL has synchronous_commit off: a crash can lose what was acknowledged. Set it to on';
    findings.push({ level: 'warning', code: 'commits_late', message });
  }
  if (settings.get('fsync') === 'off') {
    const message = 'PostgreSQL has fsync off: a power cut can lose or corrupt everything. Set it to on';
    findings.push({ level: 'warning', code: 'not_flushed', message });
  }
  return findings;
}

/** What is to be known of the embedded store, always. */
export const embeddedFindings: readonly Finding[] = [
  {
    level: 'note',
    code: 'not_flushed',
    message:
      'the embedded store survives the process being killed, but not a power cut; use Redis or PostgreSQL in production',
  },
];
