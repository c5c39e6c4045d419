import { RelayError } from '../errors.ts';
import type { CommandProcess } from './command-process.ts';
import { botUrls, connectionList, connectLink, disconnected } from './connection-views.ts';
import { connectionHeadings, describeTrouble, formatConnection } from './format-connection.ts';
import { formatTable } from './format-table.ts';
import { oneLine } from './one-line.ts';
import { askOperatorApi } from './operator-api.ts';

export interface ConnectionListOptions {
  readonly app?: string;
  readonly state?: string;
  readonly limit: string;
  readonly before?: string;
  readonly json: boolean;
}

/**
 * Prints a page of connections, newest first, and under it what to do about those that need somebody.
 *
 * @throws RelayError see `askOperatorApi`
 */
export async function runConnectionsListCommand(host: CommandProcess, options: ConnectionListOptions): Promise<void> {
  const { app, state, limit, before } = options;
  const query = new URLSearchParams({ limit, ...(app && { app }), ...(state && { state }), ...(before && { before }) });
  const text = await askOperatorApi(host, `/api/connections?${query}`);
  if (options.json) {
    host.stdout.write(`${text}\n`);
    return;
  }
  const { connections, cursor, isPartial } = connectionList.parse(JSON.parse(text));
  const isFiltered = (app ?? state ?? before) !== undefined;
  host.stdout.write(
    connections.length === 0
      ? noneOf(isFiltered)
      : formatTable(connectionHeadings, connections.map(formatConnection)) +
          connections
            .flatMap(describeTrouble)
            .map((line) => `${line}\n`)
            .join(''),
  );
  if (isPartial) host.stdout.write('only a part was looked at\n');
  if (cursor !== undefined) host.stdout.write(`more: --before ${cursor}\n`);
}

function noneOf(isFiltered: boolean): string {
  if (isFiltered) return 'no connections match\n';
  return 'nobody has connected yet: "connections link --app KEY --user NAME" makes a link to send to somebody\n';
}

export interface LinkOptions {
  readonly app?: string;
  readonly user?: string;
  readonly connection?: string;
  readonly returnTo?: string;
  readonly expires: string;
  readonly reason?: string;
  readonly json: boolean;
}

/**
 * Prints a link by which a person connects their Zoom, or connects again.
 *
 * @throws RelayError see `askOperatorApi`
 */
export async function runConnectionsLinkCommand(host: CommandProcess, options: LinkOptions): Promise<void> {
  const { app, user, connection, returnTo, expires: expiresIn, reason, json } = options;
  const isForOne = connection === undefined ? app !== undefined && user !== undefined : (app ?? user) === undefined;
  if (!isForOne) {
    const both = connection === undefined ? '' : ', not both';
    const message = `say for whom: --app KEY --user NAME, or --connection ID to reconnect${both}`;
    throw new RelayError('configuration_invalid', message);
  }
  const input = { app, user, connection, returnTo, expiresIn, reason };
  const text = await askOperatorApi(host, '/api/connections/links', { method: 'POST', input });
  const { url, expiresAt } = connectLink.parse(JSON.parse(text));
  const note = `good until ${expiresAt}, for whoever has it: send it to that person only, over a private channel`;
  host.stdout.write(json ? `${text}\n` : `${url}\n${note}\n`);
}

export interface DisconnectOptions {
  readonly force: boolean;
  readonly reason?: string;
  readonly json: boolean;
}

/**
 * Ends a connection: at Zoom, at Recall and here.
 *
 * @throws RelayError see `askOperatorApi`
 */
export async function runConnectionsDisconnectCommand(
  host: CommandProcess,
  id: string,
  { force, reason, json }: DisconnectOptions,
): Promise<void> {
  const query = new URLSearchParams({ force: String(force), ...(reason && { reason }) });
  const text = await askOperatorApi(host, `${pathOf(id)}?${query}`, { method: 'DELETE' });
  const { leftBehind } = disconnected.parse(JSON.parse(text));
  const done = leftBehind.length === 0 ? 'revoked at Zoom, deleted at Recall and here' : 'deleted here';
  const left = leftBehind.map((what) => `▲ left behind: ${oneLine(what)}\n`).join('');
  host.stdout.write(json ? `${text}\n` : `connection ${id} is ${done}\n${left}`);
}

export interface ActOptions {
  readonly reason?: string;
  readonly json: boolean;
}

/**
 * Prints the URLs that Create Bot takes for a connection.
 *
 * @throws RelayError see `askOperatorApi`
 */
export async function runConnectionsBotUrlsCommand(
  host: CommandProcess,
  id: string,
  { reason, json }: ActOptions,
): Promise<void> {
  const text = await askOperatorApi(host, `${pathOf(id)}/bot-urls`, { method: 'POST', input: { reason } });
  const { zakUrl, obfTokenUrl, joinTokenUrl } = botUrls.parse(JSON.parse(text));
  const lines = [
    `zak_url         ${zakUrl}`,
    `obf_token_url   ${obfTokenUrl}`,
    `join_token_url  ${joinTokenUrl}`,
    'Append &meeting_id= and the digits of the meeting id to join_token_url; obf_token_url takes it, too.',
    'Each holds a secret: keep them where you keep API keys.',
  ];
  host.stdout.write(json ? `${text}\n` : `${lines.join('\n')}\n`);
}

/**
 * Has Recall read the person's meetings anew.
 *
 * @throws RelayError see `askOperatorApi`
 */
export async function runConnectionsSyncCommand(
  host: CommandProcess,
  id: string,
  { reason, json }: ActOptions,
): Promise<void> {
  await askOperatorApi(host, `${pathOf(id)}/sync`, { method: 'POST', input: { reason } });
  host.stdout.write(
    json ? `${JSON.stringify({ connection: id, isSyncing: true })}\n` : `Recall reads the meetings of ${id} anew\n`,
  );
}

function pathOf(id: string): string {
  return `/api/connections/${encodeURIComponent(id)}`;
}
