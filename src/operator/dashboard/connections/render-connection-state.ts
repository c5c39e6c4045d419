import type { ConnectionView } from '../../connections/connection-schemas.ts';
import type { ConnectionState } from '../../connections/ports.ts';
import type { Html } from '../parts/html.ts';
import { type Mark, renderMark } from '../parts/render-mark.ts';

const marks: Readonly<Record<ConnectionState, Mark>> = {
  healthy: 'good',
  unconfirmed: 'idle',
  unhealthy_at_recall: 'warning',
  revoked: 'warning',
  refresh_failing: 'warning',
  missing_scopes: 'warning',
};

export function renderConnectionState({ state }: Pick<ConnectionView, 'state'>): Html {
  return renderMark(marks[state], nameState(state));
}

export function nameState(state: ConnectionState): string {
  return state.replaceAll('_', ' ').replace('recall', 'Recall');
}

/** What somebody has to do about it, in a sentence; nothing when it is healthy. */
export function describeRemedy({ state, needsPerson }: Pick<ConnectionView, 'state' | 'needsPerson'>): string {
  if (needsPerson) return 'The person has to connect again.';
  if (state === 'healthy') return '';
  if (state === 'missing_scopes') return 'Add the scopes to the Zoom app; then the person has to connect again.';
  return 'It is tried again by itself.';
}
