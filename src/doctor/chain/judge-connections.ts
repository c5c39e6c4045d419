import { missingScopes, type NeededScope } from '../../zoom/oauth/scopes.ts';
import { type Finding, some, sound, unknown, wrong } from '../finding.ts';
import type { KnownConnection, ZoomClient } from '../ports.ts';
import { reconnectCommand } from './judge-credentials.ts';

/** Whether the relay's own connections work: tokens that cannot be refreshed, access that was taken back. */
export function judgeConnections(connections: readonly KnownConnection[]): Finding {
  const subject = 'connections';
  if (connections.length === 0) return unknown(subject, 'none yet: nobody has connected through this relay');
  const revoked = connections.filter(({ state }) => state === 'revoked');
  const failing = connections.filter(({ state }) => state === 'refresh_failing');
  const unconfirmed = connections.filter(({ state }) => state === 'unconfirmed');
  const faulty = [...revoked, ...failing];
  if (faulty.length > 0) {
    const counts = [
      ...(revoked.length > 0 ? [`${revoked.length} revoked`] : []),
      ...(failing.length > 0 ? [`${failing.length} whose tokens cannot be refreshed`] : []),
    ];
    const text = `${counts.join(', ')} of ${connections.length}:\n${some(faulty.map(describe), '\n')}`;
    return wrong(subject, text, fixOf(faulty));
  }
  if (unconfirmed.length > 0) {
    const text = `${unconfirmed.length} of ${connections.length} not confirmed by Recall yet; it is asked again every few minutes`;
    return unknown(subject, `${text}: ${some(unconfirmed.map(describe))}`);
  }
  return sound(subject, `${connections.length}, none revoked, none with tokens that cannot be refreshed`);
}

/** Whether what people have granted suffices. Recall does not say what it was granted. */
export function judgeScopes(kind: ZoomClient['kind'], connections: readonly KnownConnection[]): Finding {
  const subject = 'scopes';
  const told = connections.flatMap((connection) => {
    return connection.scopes === undefined ? [] : [{ connection, missing: missingScopes(kind, connection.scopes) }];
  });
  if (told.length === 0) {
    const why = connections.length === 0 ? 'nobody has connected' : 'Recall keeps the tokens and does not say';
    return unknown(subject, `cannot tell what was granted: ${why}`);
  }
  const lacking = (use: NeededScope['for']) => told.filter(({ missing }) => missing.some((scope) => scope.for === use));
  const [forRecall, forBots] = [lacking('recall'), lacking('bots')];
  const names = (use: NeededScope['for'], those: typeof told): string => {
    const scopes = those.flatMap(({ missing }) => missing.filter((scope) => scope.for === use));
    return [...new Set(scopes.map(({ granular, classic }) => `${granular} (classic: ${classic})`))].join(', ');
  };
  if (forRecall.length > 0) {
    const people = some(forRecall.map(({ connection }) => `${connection.user} (${connection.id})`));
    const fix = `add the scopes to the Zoom app, then a new link: ${some(
      forRecall.map((each) => reconnectCommand(each.connection)),
      '\n',
    )}`;
    return wrong(subject, `${people} did not grant ${names('recall', forRecall)}`, fix);
  }
  const untold = connections.length - told.length;
  const rest = untold === 0 ? '' : `; of ${untold} more it cannot be told, Recall keeps their tokens`;
  const bots = forBots.length === 0 ? '' : `; for bots' tokens ${forBots.length} lack ${names('bots', forBots)}`;
  return sound(subject, `${told.length} granted what Recall needs${bots}${rest}`);
}

/** A refresh that may yet succeed is tried again by itself. */
function fixOf(faulty: readonly KnownConnection[]): string {
  const toLink = faulty.filter(({ needsPerson }) => needsPerson);
  const waiting = faulty.length - toLink.length;
  return [
    ...(toLink.length === 0 ? [] : [`send the person a new link: ${some(toLink.map(reconnectCommand), '\n')}`]),
    ...(waiting === 0
      ? []
      : ['a refresh that fails is tried again by itself; if it lasts, check ZOOM_APP_CLIENT_SECRET']),
  ].join('\n');
}

function describe({ id, user, detail }: KnownConnection): string {
  return `${user} (${id})${detail === undefined ? '' : `: ${detail}`}`;
}
