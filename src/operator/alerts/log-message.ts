import type { Log } from '../../log.ts';
import type { UnsentMessage } from './alert-state.ts';
import { describeMessage } from './describe-message.ts';

/** One line when an incident begins, one when it ends. */
export function logMessage(log: Log, message: UnsentMessage): void {
  const { id, kind, app, consumer, code, figures } = message;
  const since = new Date(message.sinceMs).toISOString();
  const fields = { id, kind, app, consumer, code, since, ...figures };
  if (message.phase === 'begin') {
    log.warn({ event: 'incident_began', ...fields }, describeMessage(message));
  } else {
    const until = new Date(message.untilMs).toISOString();
    log.info({ event: 'incident_ended', ...fields, until }, describeMessage(message));
  }
}
