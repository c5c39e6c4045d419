import { unreachable } from '../../../errors.ts';
import { formatSpan } from '../../alerts/format-span.ts';
import type { ConsumerView } from '../../consumers.ts';
import type { Html } from '../parts/html.ts';
import { renderMark } from '../parts/render-mark.ts';

export function renderConsumerState({ circuit, isPaused }: ConsumerView, nowMs: number): Html {
  if (isPaused) return renderMark('warning', 'paused');
  switch (circuit.kind) {
    case 'closed':
      return renderMark('good', 'ready');
    case 'throttled':
      return circuit.untilMs > nowMs
        ? renderMark('warning', `asked to wait, ${formatSpan(circuit.untilMs - nowMs)} left`)
        : renderMark('good', 'ready');
    case 'open': {
      const next = circuit.untilMs > nowMs ? `next probe in ${formatSpan(circuit.untilMs - nowMs)}` : 'next probe now';
      return renderMark('bad', `down for ${formatSpan(nowMs - circuit.sinceMs)}, ${next}`);
    }
    case 'half_open':
      return renderMark('bad', `down for ${formatSpan(nowMs - circuit.sinceMs)}, being probed`);
    default:
      return unreachable(circuit);
  }
}
