import type { DeliveryState } from '../../ports.ts';
import type { Html } from './html.ts';
import { type Mark, renderMark } from './render-mark.ts';

const marks: Readonly<Record<DeliveryState, Mark>> = {
  waiting: 'idle',
  delayed: 'warning',
  active: 'idle',
  delivered: 'good',
  dead: 'bad',
};

export function renderDeliveryState(state: DeliveryState): Html {
  return renderMark(marks[state], state);
}
