import { unreachable } from '../../errors.ts';
import { formatSpan } from './format-span.ts';
import type { Message } from './incident.ts';

/** One plain line: what, since when, what to do, whether anything is lost. */
export function describeMessage(message: Message): string {
  return message.phase === 'begin' ? describeBegin(message) : describeEnd(message);
}

function describeBegin(message: Message): string {
  const { kind, app, code, detail, figures } = message;
  const who = whoOf(message);
  const since = `since ${formatTime(message.sinceMs)}`;
  switch (kind) {
    case 'circuit_open':
      return `${who} does not answer: its circuit has been open ${since}, and ${amount(figures.pending, 'delivery waits', 'deliveries wait')}. Nothing to do here: it is probed by itself, and the backlog drains once it answers. Nothing is lost so far; what waits longer than DELIVERY_DEADLINE dies.`;
    case 'dead_deliveries':
      return `${amount(figures.died, 'delivery', 'deliveries')} to ${who} died ${since}: they are not tried again by themselves. See why with zoom-relay deliveries list --state dead, then zoom-relay replay. They are kept for RETAIN_DEAD, and lost after that.`;
    case 'oldest_pending':
      return `The oldest delivery to ${who} has been waiting ${since} (${formatSpan(figures.oldestPendingMs ?? 0)}). See what holds it up with zoom-relay consumers list. Nothing is lost so far; what waits longer than DELIVERY_DEADLINE dies.`;
    case 'ledger_off':
      return `The ledger of ${who} does not add up ${since}: ${describeOff(figures.offBy ?? 0)} See zoom-relay ledger, and look for who else writes to the store.`;
    case 'store_unsafe':
      return `The store is not safe ${since} (${code ?? ''}): ${detail ?? ''}. Nothing is lost by that alone.`;
    case 'store_away':
      return `The store has been away, or takes nothing, ${since}: bring it back. Notifications get 503, which Zoom repeats after 5, 20 and 60 min; what it gives up on after that is lost. What was acknowledged is in the store.`;
    case 'no_challenge':
      return `Zoom has not validated the endpoint of ${app ?? ''} ${since}. It does so every 72 h, and switches the subscription off after six failures: open the app in Zoom's Marketplace, press Validate, save. What Zoom does not send is lost.`;
    case 'bad_signatures':
      return `${figures.signatureMismatch ?? 0} of ${figures.received ?? 0} requests to the endpoint of ${app ?? ''} within 10 min had a wrong signature, ${since}. If the Secret Token was changed in Zoom, configure the new one first, the old one second, and restart. Zoom does not repeat what was refused: it is lost if it came from Zoom.`;
    case 'slow_acknowledgements':
      return `${figures.slow ?? 0} acknowledgements took over 1 s within 5 min, ${since}; Zoom waits 3 s. Look at the store's latency and at the load of the processes with the role edge. Nothing is lost: what is late gets 503, and Zoom repeats it.`;
    case 'connections':
      return code === 'failing' ? describeFailing(message, since) : describeNeeded(message, since);
    default:
      return unreachable(kind);
  }
}

function describeEnd(message: Extract<Message, { phase: 'end' }>): string {
  const { kind, app, code, figures, sinceMs, untilMs } = message;
  const who = whoOf(message);
  const lasted = `It lasted ${formatSpan(untilMs - sinceMs)}, from ${formatTime(sinceMs)} to ${formatTime(untilMs)}`;
  switch (kind) {
    case 'circuit_open':
      return `Over: ${who} answers again, or is paused. ${lasted}; at most ${amount(figures.pending, 'delivery', 'deliveries')} waited.`;
    case 'dead_deliveries':
      return `Over: no delivery to ${who} has died for 30 min. ${amount(figures.died, 'delivery', 'deliveries')} died since ${formatTime(sinceMs)}. ${lasted}.`;
    case 'oldest_pending':
      return `Over: no delivery to ${who} has been waiting for over 15 min, or it is paused. ${lasted}; the longest wait was ${formatSpan(figures.oldestPendingMs ?? 0)}.`;
    case 'ledger_off':
      return `Over: the ledger of ${who} adds up again. ${lasted}; it was off by ${figures.offBy ?? 0}.`;
    case 'store_unsafe':
      return `Over: the store no longer says ${code ?? ''}. ${lasted}.`;
    case 'store_away':
      return `Over: the store is back. ${lasted}.`;
    case 'no_challenge':
      return `Over: Zoom has validated the endpoint of ${app ?? ''}. ${lasted}.`;
    case 'bad_signatures':
      return `Over: requests to the endpoint of ${app ?? ''} have right signatures again, or none come. ${lasted}; at worst ${figures.signatureMismatch ?? 0} were wrong within 10 min.`;
    case 'slow_acknowledgements':
      return `Over: acknowledgements take less than 1 s again. ${lasted}; at worst ${figures.slow ?? 0} were slow within 5 min.`;
    case 'connections':
      return code === 'failing'
        ? `Over: no connection of app ${app ?? ''} fails to be refreshed or registered. ${lasted}; at worst ${figures.failing ?? 0} did.`
        : `Over: nobody of app ${app ?? ''} has to connect again. ${lasted}; at worst ${figures.needPerson ?? 0} had to.`;
    default:
      return unreachable(kind);
  }
}

function describeNeeded({ app, figures }: Message, since: string): string {
  const people = amount(figures.needPerson, 'person', 'people');
  const verb = figures.needPerson === 1 ? 'has' : 'have';
  return `${people} of app ${app ?? ''} ${verb} to connect again ${since}: Recall gets no tokens for their meetings until then. zoom-relay connections list says who, why, and the command that makes the link to send them. No notification is lost by that.`;
}

function describeFailing({ app, figures }: Message, since: string): string {
  const connections = amount(figures.failing, 'connection', 'connections');
  const verb = figures.failing === 1 ? 'fails' : 'fail';
  return `${connections} of app ${app ?? ''} ${verb} to be refreshed at Zoom or registered at Recall ${since}; it is tried again by itself. zoom-relay connections list says what they answered. No notification is lost by that.`;
}

function describeOff(offBy: number): string {
  if (offBy < 0) return `${-offBy} more are there than were counted. Nothing is lost by that.`;
  const verb = offBy === 1 ? 'is' : 'are';
  return `${offBy} of those accepted ${verb} neither delivered nor pending nor dead, and may be lost.`;
}

function whoOf({ app, consumer }: Message): string {
  return `${app ?? ''}/${consumer ?? ''}`;
}

function amount(count = 0, one: string, many: string): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}

/** `2026-11-18 10:02 UTC`. */
function formatTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
