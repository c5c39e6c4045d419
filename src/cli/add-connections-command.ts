import type { Command } from 'commander';
import type { CommandProcess } from './command-process.ts';
import {
  type ActOptions,
  type ConnectionListOptions,
  type DisconnectOptions,
  type LinkOptions,
  runConnectionsBotUrlsCommand,
  runConnectionsDisconnectCommand,
  runConnectionsLinkCommand,
  runConnectionsListCommand,
  runConnectionsSyncCommand,
} from './connections.ts';

const why = ['--reason <text>', 'why; kept in the audit log'] as const;
const asJson = ['--json', 'print it as JSON', false] as const;
const which = ['<id>', 'as "connections list" shows it'] as const;

export function addConnectionsCommand(program: Command, host: CommandProcess, help: string): void {
  const connections = program
    .command('connections')
    .description('who has connected their Zoom, and how each connection is; links to connect and connect again')
    .addHelpText('after', help);
  connections
    .command('list', { isDefault: true })
    .description('newest first, with what to do about those that need somebody')
    .option('--app <key>', 'of this app')
    .option('--state <state>', 'healthy, unconfirmed, unhealthy_at_recall, revoked, refresh_failing, missing_scopes')
    .option('--limit <n>', 'at most so many, 1 to 200', '50')
    .option('--before <id>', 'go on where a page ended')
    .option(...asJson)
    .action((options: ConnectionListOptions) => runConnectionsListCommand(host, options));
  connections
    .command('link')
    .description('a link by which a person connects their Zoom, or connects again')
    .option('--app <key>', 'to this app')
    .option('--user <name>', 'your own name for the person, e-mail or id')
    .option('--connection <id>', 'instead of both: the person of this connection, to connect again')
    .option('--return-to <url>', 'where the person goes afterwards; at one of the allowed origins')
    .option('--expires <duration>', 'good for so long, 1m to 30d', '24h')
    .option(...why)
    .option(...asJson)
    .action((options: LinkOptions) => runConnectionsLinkCommand(host, options));
  connections
    .command('disconnect')
    .description('end a connection: revoke it at Zoom, delete it at Recall and here')
    .argument(...which)
    .option('--force', 'delete it here also when Zoom or Recall does not do its part', false)
    .option(...why)
    .option(...asJson)
    .action((id: string, options: DisconnectOptions) => runConnectionsDisconnectCommand(host, id, options));
  connections
    .command('bot-urls')
    .description('zak_url, obf_token_url and join_token_url for Create Bot; each holds a secret, the look is audited')
    .argument(...which)
    .option(...why)
    .option(...asJson)
    .action((id: string, options: ActOptions) => runConnectionsBotUrlsCommand(host, id, options));
  connections
    .command('sync')
    .description("have Recall read the person's meetings anew")
    .argument(...which)
    .option(...why)
    .option(...asJson)
    .action((id: string, options: ActOptions) => runConnectionsSyncCommand(host, id, options));
}
