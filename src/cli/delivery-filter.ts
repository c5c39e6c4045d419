import { type Command, Option } from 'commander';

/** The options that say which deliveries, as the operator API takes them. */
export interface FilterOptions {
  readonly app?: string;
  readonly consumer?: string;
  readonly state?: string;
  readonly event?: string;
  readonly since?: string;
  readonly until?: string;
  readonly q?: string;
}

const states = ['waiting', 'delayed', 'active', 'delivered', 'dead'];

/** Adds them to a command. Times are ISO 8601, or how long ago: 90s, 30m, 24h, 7d. */
export function addFilterOptions(command: Command): Command {
  return command
    .option('--app <key>', 'of this app')
    .option('--consumer <key>', 'to this consumer')
    .addOption(new Option('--state <state>', 'in this state').choices(states))
    .option('--event <name>', 'of this event, or a prefix (meeting.*)')
    .option('--since <time>', 'received at or after: ISO 8601, or how long ago (24h)')
    .option('--until <time>', 'received before')
    .option(
      '--q <text>',
      'about this meeting id or uuid, user id, e-mail, account id, notificationId or x-zm-request-id',
    );
}

/** Those that were given, and no other option. */
export function filterOf({ app, consumer, state, event, since, until, q }: FilterOptions): Record<string, string> {
  const given = Object.entries({ app, consumer, state, event, since, until, q });
  return Object.fromEntries(given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
}
