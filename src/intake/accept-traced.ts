import type { IncomingMessage } from 'node:http';
import { acceptNotification, type IntakeAnswer, type IntakeParts, type IntakeSettings } from './accept.ts';
import type { IntakeApp, IntakeEvent, TraceAttributes } from './ports.ts';

/** `acceptNotification`, watched by `parts.trace`. */
export async function acceptTraced(
  request: IncomingMessage,
  app: IntakeApp,
  settings: IntakeSettings,
  parts: IntakeParts,
): Promise<IntakeAnswer> {
  if (parts.trace === undefined) return acceptNotification(request, app, settings, parts);
  const { traceparent } = request.headers;
  const received = typeof traceparent === 'string' ? traceparent : undefined;
  return parts.trace(received, { app: app.key }, (note) => {
    const observe = (event: IntakeEvent): void => {
      note(attributesOf(event));
      parts.observe(event);
    };
    return acceptNotification(request, app, settings, { ...parts, observe });
  });
}

function attributesOf(event: IntakeEvent): TraceAttributes {
  switch (event.kind) {
    case 'accepted':
    case 'duplicate':
      return { result: event.kind, notificationId: event.notificationId, event: event.eventName };
    case 'rejected':
      return { result: event.reason };
    case 'turned_away':
      return { result: event.code, notificationId: event.notificationId };
    default:
      return { result: event.kind };
  }
}
