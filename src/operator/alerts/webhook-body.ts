import type { UnsentMessage } from './alert-state.ts';
import { describeMessage } from './describe-message.ts';

/** What Slack and those compatible with it show (`text`), and the same for machines. */
export function webhookBody(message: UnsentMessage): string {
  const { id, kind, phase, app, consumer, code, figures, sinceMs } = message;
  const untilMs = message.phase === 'end' ? message.untilMs : undefined;
  const structured = {
    ...{ id, kind, phase, app, consumer, code },
    sinceAt: new Date(sinceMs).toISOString(),
    until: untilMs === undefined ? undefined : new Date(untilMs).toISOString(),
    figures,
  };
  return JSON.stringify({ text: describeMessage(message), zoom_relay: structured });
}
