import { type Condition, type Incident, type Incidents, incidentKeyOf, type Message } from './incident.ts';

/** An incident that was over is not announced anew for so long. */
const quietMs = 300_000;

interface Step {
  readonly incident?: Incident;
  readonly message?: Message;
}

/**
 * One look further: one message when an incident begins, one when it ends, nothing in between.
 *
 * It begins with the first look that has the condition, or once all looks for `mustLastMs` had it. It ends with the
 * second look in a row that has not; until when it was is the time of the first of them. What comes back within 5 min of
 * the end is watched in silence: if it goes again, nobody is told; if it is still there when the 5 min are over, a new
 * incident begins. So what flaps is told about twice in 5 min at most, and nobody is left believing that something is
 * over which is not.
 */
export function step(
  open: Incidents,
  conditions: readonly Condition[],
  nowMs: number,
): { readonly open: Incidents; readonly messages: readonly Message[] } {
  const known = new Map(open.map((incident) => [incidentKeyOf(incident), incident]));
  const present = new Map(conditions.map((condition) => [incidentKeyOf(condition), condition]));
  const steps = [...new Set([...known.keys(), ...present.keys()])].map((key) => {
    const [incident, condition] = [known.get(key), present.get(key)];
    return condition === undefined ? fade(incident, nowMs) : rise(incident, condition, nowMs);
  });
  return {
    open: steps.flatMap(({ incident }) => (incident === undefined ? [] : [incident])),
    messages: steps.flatMap(({ message }) => (message === undefined ? [] : [message])),
  };
}

function rise(incident: Incident | undefined, { mustLastMs = 0, ...condition }: Condition, nowMs: number): Step {
  if (incident?.phase === 'open') {
    const figures = worstOf(incident.figures, condition.figures);
    return { incident: { ...condition, phase: 'open', sinceMs: incident.sinceMs, figures } };
  }
  const suspected = incident?.phase === 'suspected' ? incident : undefined;
  const sinceMs = suspected?.sinceMs ?? condition.sinceMs;
  const figures = worstOf(suspected?.figures ?? {}, condition.figures);
  const firstSeenMs = suspected?.firstSeenMs ?? nowMs;
  const quietUntilMs = incident?.quietUntilMs ?? nowMs;
  const now = { ...condition, sinceMs, figures };
  if (nowMs < Math.max(firstSeenMs + mustLastMs, quietUntilMs)) {
    return { incident: { ...now, phase: 'suspected', firstSeenMs, quietUntilMs } };
  }
  return { incident: { ...now, phase: 'open' }, message: { ...now, phase: 'begin' } };
}

function fade(incident: Incident | undefined, nowMs: number): Step {
  if (incident === undefined) return {};
  const { kind, app, consumer, code, detail } = incident;
  const subject = {
    kind,
    ...(app !== undefined && { app }),
    ...(consumer !== undefined && { consumer }),
    ...(code !== undefined && { code }),
    ...(detail !== undefined && { detail }),
  };
  if (incident.phase !== 'open') {
    const { quietUntilMs } = incident;
    return nowMs < quietUntilMs ? { incident: { ...subject, phase: 'over', quietUntilMs } } : {};
  }
  const { absentSinceMs, sinceMs, figures } = incident;
  if (absentSinceMs === undefined) return { incident: { ...incident, absentSinceMs: nowMs } };
  return {
    incident: { ...subject, phase: 'over', quietUntilMs: nowMs + quietMs },
    message: { ...subject, phase: 'end', sinceMs, untilMs: absentSinceMs, figures },
  };
}

/** Of each figure the one farthest from zero. */
function worstOf(
  before: Readonly<Record<string, number>>,
  now: Readonly<Record<string, number>>,
): Record<string, number> {
  const worst = { ...before };
  for (const [name, figure] of Object.entries(now)) {
    if (Math.abs(figure) >= Math.abs(worst[name] ?? 0)) worst[name] = figure;
  }
  return worst;
}
