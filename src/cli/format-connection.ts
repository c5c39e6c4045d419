import type { ConnectionView } from './connection-views.ts';
import { oneLine } from './one-line.ts';

/** ○ passes by itself, ▲ asks for somebody. */
const marks: Readonly<Record<string, string>> = { healthy: '●', unconfirmed: '○' };

export const connectionHeadings = ['connection', 'app', 'user', 'state', 'at Zoom', 'connected'];

export function formatConnection(connection: ConnectionView): readonly string[] {
  const { id, app, user, state, email, zoomUserId, zoomAccountId, connectedAt } = connection;
  const atZoom = email ?? zoomUserId ?? zoomAccountId ?? '–';
  const words = `${marks[state] ?? '▲'} ${state.replaceAll('_', ' ')}`;
  return [id, app, oneLine(user), words, oneLine(atZoom), connectedAt];
}

/** What is the matter with one and what to do about it; nothing about one that is healthy. */
export function describeTrouble({ id, user, state, detail, needsPerson }: ConnectionView): readonly string[] {
  if (state === 'healthy') return [];
  const reconnect = `reconnect: zoom-relay connections link --connection ${id}`;
  const lines = [`${marks[state] ?? '▲'} ${oneLine(user)}: ${oneLine(detail ?? state.replaceAll('_', ' '))}`];
  if (needsPerson) return [...lines, `  ${reconnect}`];
  if (state === 'missing_scopes') return [...lines, `  add them to the Zoom app, then ${reconnect}`];
  return [...lines, '  nothing to do yet: it is tried again by itself'];
}
