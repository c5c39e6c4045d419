import { html } from 'hono/html';
import type { Replay } from '../../schemas.ts';
import { describeFilter } from '../deliveries/describe-filter.ts';
import { formatCount } from '../parts/count-of.ts';
import type { Html } from '../parts/html.ts';
import { pathOfReplay, withQuery } from '../parts/paths.ts';
import { renderEmpty } from '../parts/render-empty.ts';
import { type Mark, renderMark } from '../parts/render-mark.ts';
import { renderTable } from '../parts/render-table.ts';
import { renderTime } from '../parts/render-time.ts';

export const replayMarks: Readonly<Record<Replay['state'], Mark>> = {
  running: 'idle',
  paused: 'warning',
  cancelled: 'warning',
  done: 'good',
};

/** @param before where the next page begins; absent at the end */
export function renderReplays(replays: readonly Replay[], before: string | undefined): Html {
  return html`<h1>Replays</h1>
${replays.length === 0 ? renderNone() : renderTable('Replays', columns, replays.map(rowOf))}
${before === undefined ? '' : html`<nav class="pages" aria-label="Pages"><a rel="next" href="${withQuery('/replays', { before })}">Next page</a></nav>`}`;
}

const columns = [
  { title: 'Asked for', isWords: true },
  { title: 'What' },
  { title: 'State', isWords: true },
  ...['To replay', 'Delivered', 'Dead', 'Pending'].map((title) => ({ title, isNumber: true })),
  { title: 'By' },
  { title: 'Reason' },
];

function rowOf({ id, createdAt, filter, state, plan, progress, by, reason }: Replay) {
  return {
    cells: [
      renderTime(createdAt),
      html`<a href="${pathOfReplay(id)}">${describeFilter(filter)}</a>`,
      renderMark(replayMarks[state], state),
      ...[plan.total, progress.delivered, progress.dead, progress.pending].map(formatCount),
      by,
      reason ?? '–',
    ],
  };
}

function renderNone(): Html {
  return renderEmpty(
    html`Replays of many deliveries appear here. To begin one, filter the <a href="/deliveries?state=dead">deliveries</a> and press “Replay all that match…”.`,
  );
}
