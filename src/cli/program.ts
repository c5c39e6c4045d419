import { Command, Option } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { roles } from '../config.ts';
import { RelayError } from '../errors.ts';
import { addConnectionsCommand } from './add-connections-command.ts';
import type { CommandProcess } from './command-process.ts';
import { runConsumersListCommand, runConsumersSwitchCommand } from './consumers.ts';
import {
  type ListOptions,
  runDeliveriesListCommand,
  runDeliveriesShowCommand,
  type ShowOptions,
} from './deliveries.ts';
import { addFilterOptions, type FilterOptions } from './delivery-filter.ts';
import { runDemoCommand } from './demo.ts';
import { runDoctorCommand } from './doctor.ts';
import { runLedgerCommand } from './ledger.ts';
import { runMeetingCommand } from './meeting.ts';
import { runRegisterCommand } from './register.ts';
import { type ReplayOptions, runReplayCommand } from './replay.ts';
import { runReplaysListCommand, runReplaysSteerCommand } from './replays.ts';
import { runSchemaCommand } from './schema.ts';
import { defaultSecretEnv, runSendCommand } from './send.ts';
import { runStartCommand } from './start.ts';
import { runDeliveriesTailCommand } from './tail.ts';

const asksTheRelay = '\nAsks the relay at ZOOM_RELAY_URL (http://127.0.0.1:9090) with OPERATOR_TOKEN.';

/** `zoom-relay COMMAND`. Errors that are thrown become one line on standard error and an exit code in `main.ts`. */
export function createProgram(host: CommandProcess): Command {
  const program = new Command('zoom-relay')
    .description(
      'The endpoint between Zoom and Recall.ai: keeps every Zoom notification and forwards it byte for byte.',
    )
    .version(packageJson.version)
    .showHelpAfterError('(zoom-relay --help lists the commands)')
    .configureOutput({ writeOut: (text) => host.stdout.write(text), writeErr: (text) => host.stderr.write(text) });

  program
    .command('start')
    .description('run the relay; configured by environment variables, see README.md')
    .addOption(new Option('--role <roles>', 'what this process does, comma-separated').default(roles.join(',')))
    .action((options: { role: string }) => runStartCommand(host, parseRoles(options.role)));

  program
    .command('demo')
    .description('run the whole thing on this machine: embedded store, stand-ins for Zoom and Recall, no accounts')
    .option('--once', 'exit when the steps are through: 0 when all held, 1 when not', false)
    .action((options: { once: boolean }) => runDemoCommand(host, options));

  program
    .command('send')
    .description('sign a sample event, or the bytes of a file, as Zoom does and post it')
    .argument('[event|file]', 'name of a sample (zoom-relay send --list) or path of a file', '')
    .option('--list', 'list the samples', false)
    .option('--to <url>', 'where to post it', 'http://127.0.0.1:8080/webhooks/zoom')
    .option('--secret-env <name>', 'environment variable with the Secret Token', defaultSecretEnv)
    .option('--secret-file <path>', 'file with the Secret Token, instead of a variable')
    .option('--json', 'print the answer as JSON', false)
    .action((what: string, options) => runSendCommand(host, what, options));

  program
    .command('doctor')
    .description('what is sound and what is not, from Zoom to Recall, with the fix; exit code 1 when something is not')
    .option('--json', 'print it as JSON', false)
    .addHelpText('after', asksTheRelay)
    .action((options: { json: boolean }) => runDoctorCommand(host, options));

  addDeliveriesCommand(program, host);
  addReplayCommands(program, host);
  addConsumersCommand(program, host);
  addConnectionsCommand(program, host, asksTheRelay);

  program
    .command('ledger')
    .description('what became of every notification, recounted from the queues; exit code 1 when it does not add up')
    .option('--json', 'print it as JSON', false)
    .addHelpText('after', asksTheRelay)
    .action((options: { json: boolean }) => runLedgerCommand(host, options));

  program
    .command('meeting')
    .description(
      'what was heard of a meeting, what was forwarded, whether Recall knows it, and if not why; exit code 1 for ✗',
    )
    .argument('<id...>', 'its number, with or without spaces and dashes')
    .option('--json', 'print it as JSON', false)
    .addHelpText('after', asksTheRelay)
    .action((id: string[], options: { json: boolean }) => runMeetingCommand(host, id.join(''), options));

  program
    .command('register')
    .description('have Recall have the Zoom OAuth App of an app; prints its id and what to paste into Zoom')
    .option('--app <key>', 'of APPS_FILE, when that has several')
    .option('--json', 'print it as JSON', false)
    .action((options: { app?: string; json: boolean }) => runRegisterCommand(host, options));

  program
    .command('schema')
    .description('print the JSON Schema of the file that APPS_FILE names')
    .action(() => runSchemaCommand(host));

  return program;
}

function addDeliveriesCommand(program: Command, host: CommandProcess): void {
  const deliveries = program
    .command('deliveries')
    .description('find deliveries on a running relay, see what happened to one, or watch them come')
    .addHelpText('after', asksTheRelay);
  addFilterOptions(deliveries.command('list', { isDefault: true }))
    .description('newest first')
    .option('--limit <n>', 'at most so many, 1 to 200', '50')
    .option('--cursor <cursor>', 'go on where a page ended')
    .option('--json', 'print it as JSON', false)
    .action((options: ListOptions) => runDeliveriesListCommand(host, options));
  deliveries
    .command('show')
    .description('one delivery with every attempt')
    .argument('<id>', 'its notificationId')
    .option('--app <key>', 'of this app')
    .option('--consumer <key>', 'to this consumer; all that have it unless given')
    .option('--body', 'the body too, passcodes and tokens masked; the look is audited', false)
    .option('--json', 'print it as JSON', false)
    .action((id: string, options: ShowOptions) => runDeliveriesShowCommand(host, id, options));
  deliveries
    .command('tail')
    .description('deliveries as they come and change, until Ctrl-C')
    .option('--app <key>', 'of this app')
    .option('--consumer <key>', 'to this consumer')
    .option('--state <state>', 'in this state')
    .option('--event <name>', 'of this event, or a prefix (meeting.*)')
    .option('--json', 'one JSON object for each', false)
    .action((options: FilterOptions & { json: boolean }) => runDeliveriesTailCommand(host, options));
}

function addReplayCommands(program: Command, host: CommandProcess): void {
  addFilterOptions(program.command('replay'))
    .description('ask for deliveries again: those named, or all that a filter matches; exit code 1 if some died again')
    .argument('[id...]', 'notificationIds; none when a filter says which')
    .option('--resign', 'with a fresh timestamp and signature', false)
    .option('--force', 'also what was delivered', false)
    .option('--rate <n>', 'deliveries a second', '20')
    .option('--reason <text>', 'why; kept in the audit log')
    .option('--dry-run', 'only say what would be done', false)
    .option('--no-wait', 'do not wait until it is through')
    .option('--json', 'print the result as JSON', false)
    .addHelpText('after', `\nWithout --app and --consumer: app default, consumer recall.${asksTheRelay}`)
    .action((ids: string[], options: ReplayOptions) => runReplayCommand(host, ids, options));
  const replays = program
    .command('replays')
    .description('replays by filter: how far each is; pause, resume or cancel one')
    .addHelpText('after', asksTheRelay);
  replays
    .command('list', { isDefault: true })
    .description('newest first')
    .option('--json', 'print it as JSON', false)
    .action((options: { json: boolean }) => runReplaysListCommand(host, options));
  for (const action of ['pause', 'resume', 'cancel'] as const) {
    replays
      .command(action)
      .description(`${action} a replay`)
      .argument('<id>', 'as "replays list" shows it')
      .option('--json', 'print it as JSON', false)
      .action((id: string, options: { json: boolean }) => runReplaysSteerCommand(host, action, id, options));
  }
}

function addConsumersCommand(program: Command, host: CommandProcess): void {
  const consumers = program
    .command('consumers')
    .description('who gets the notifications of a running relay, and how each is; pause and resume one')
    .addHelpText('after', asksTheRelay);
  consumers
    .command('list', { isDefault: true })
    .description('state of the circuit, what waits and for how long, what is dead, deliveries of the last minute')
    .option('--app <key>', 'of this app')
    .option('--json', 'print it as JSON', false)
    .action((options: { app?: string; json: boolean }) => runConsumersListCommand(host, options));
  for (const action of ['pause', 'resume'] as const) {
    consumers
      .command(action)
      .description(action === 'pause' ? 'hold a consumer: it keeps collecting' : 'let a paused consumer go on')
      .argument('<consumer>', 'its key, as "consumers list" shows it')
      .option('--app <key>', 'of which app', 'default')
      .option('--json', 'print it as JSON', false)
      .action((name: string, options) => runConsumersSwitchCommand(host, action, name, options));
  }
}

function parseRoles(text: string) {
  const names = text.split(',').map((name) => name.trim());
  const wanted = roles.filter((role) => names.includes(role));
  if (names.some((name) => !roles.some((role) => role === name))) {
    throw new RelayError('configuration_invalid', `--role takes ${roles.join(', ')}, separated by commas`);
  }
  return wanted;
}
