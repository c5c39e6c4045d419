import type { RecallCredential } from '../../recall/api/recall-api.ts';
import { type Finding, some, sound, unknown, wrong } from '../finding.ts';
import type { KnownConnection } from '../ports.ts';

const subject = 'credentials';

/**
 * Whether the credentials that Recall has are healthy, and the same that this relay knows.
 *
 * @param connections `undefined` when nobody connects through this relay, or they cannot be read
 * @param lastWords what Recall last noted about a credential, by its id
 */
export function judgeCredentials(
  credentials: readonly RecallCredential[],
  connections: readonly KnownConnection[] | undefined,
  lastWords: ReadonlyMap<string, string>,
): readonly Finding[] {
  const findings = [judgeHealth(credentials, connections, lastWords)];
  if (connections === undefined) return findings;
  return [...findings, ...judgeMissing(credentials, connections), ...judgeForeign(credentials, connections)];
}

export function isUnhealthy({ status }: RecallCredential): boolean {
  return status === 'unhealthy';
}

function judgeHealth(
  credentials: readonly RecallCredential[],
  connections: readonly KnownConnection[] | undefined,
  lastWords: ReadonlyMap<string, string>,
): Finding {
  const unhealthy = credentials.filter(isUnhealthy);
  const untold = credentials.filter(({ status }) => status === 'unknown').length;
  if (credentials.length === 0) return unknown(subject, 'none yet: nobody has connected their Zoom');
  if (unhealthy.length > 0) {
    const each = unhealthy.map((credential) => describe(credential, lastWords.get(credential.id)));
    const text = `${unhealthy.length} of ${credentials.length} unhealthy:\n${some(each, '\n')}`;
    return wrong(subject, text, reconnect(unhealthy, connections));
  }
  if (untold > 0) return unknown(subject, `cannot tell of ${untold} of ${credentials.length}: Recall does not say`);
  return sound(subject, credentials.length === 1 ? '1, healthy' : `${credentials.length}, all healthy`);
}

function judgeMissing(
  credentials: readonly RecallCredential[],
  connections: readonly KnownConnection[],
): readonly Finding[] {
  const there = new Set(credentials.map(({ id }) => id));
  const missing = connections.filter(({ credentialId }) => credentialId !== undefined && !there.has(credentialId));
  if (missing.length === 0) return [];
  const text = `Recall does not have those of ${countOf(missing.length)} of this relay: ${some(missing.map(nameOf))}`;
  return [wrong(subject, text, some(missing.map(reconnectCommand), '\n'))];
}

function judgeForeign(
  credentials: readonly RecallCredential[],
  connections: readonly KnownConnection[],
): readonly Finding[] {
  const known = new Set(connections.map(({ credentialId }) => credentialId));
  const foreign = credentials.filter(({ id }) => !known.has(id));
  if (foreign.length === 0) return [];
  const text = `Recall has ${foreign.length} that this relay does not know, made by other means: ${some(foreign.map(ownerOf))}`;
  return [unknown(subject, text, 'let these people connect through this relay to have them here too')];
}

function describe(credential: RecallCredential, lastWord: string | undefined): string {
  return `${ownerOf(credential)}${lastWord === undefined ? '' : `: ${lastWord}`}`;
}

function reconnect(
  unhealthy: readonly RecallCredential[],
  connections: readonly KnownConnection[] | undefined,
): string {
  const commands = unhealthy.map(({ id }) => {
    const own = connections?.find(({ credentialId }) => credentialId === id);
    return own === undefined ? undefined : reconnectCommand(own);
  });
  const known = commands.filter((command) => command !== undefined);
  const rest = known.length < unhealthy.length ? ['have those who are not known here connect again as they did'] : [];
  return [...(known.length === 0 ? [] : [`send the person a new link: ${some(known, '\n')}`]), ...rest].join('\n');
}

export function reconnectCommand({ id }: KnownConnection): string {
  return `zoom-relay connections link --connection ${id}`;
}

function ownerOf({ id, userId, accountId }: RecallCredential): string {
  if (userId !== undefined) return `Zoom user ${userId}`;
  return accountId === undefined ? `credential ${id}` : `Zoom account ${accountId}`;
}

function nameOf({ id, user }: KnownConnection): string {
  return `${user} (${id})`;
}

function countOf(connections: number): string {
  return connections === 1 ? '1 connection' : `${connections} connections`;
}
