import { html } from 'hono/html';
import type { Replay } from '../../schemas.ts';
import { describeFilter } from '../deliveries/describe-filter.ts';
import { formatCount } from '../parts/count-of.ts';
import { csrfField } from '../parts/csrf-field.ts';
import type { Html } from '../parts/html.ts';
import { mayOperate, type PageContext } from '../parts/page-context.ts';
import { pathOfDeliveries, pathOfReplay } from '../parts/paths.ts';
import { renderFacts } from '../parts/render-facts.ts';
import { renderMark } from '../parts/render-mark.ts';
import { renderTime } from '../parts/render-time.ts';
import { describeProgress } from './describe-progress.ts';
import { replayMarks } from './render-replays.ts';

/** One replay: what, by whom and why; how far it is; its ledger. */
export function renderReplay(c: PageContext, replay: Replay, nowMs: number): Html {
  const { id, filter, by, reason, createdAt, rate, resign, force } = replay;
  return html`<h1>Replay</h1>
<p class="filtered">${describeFilter(filter)}. <a href="${pathOfDeliveries(filter)}">Show them</a></p>
${renderReplayProgress(c, replay, nowMs)}
<h2>Asked for</h2>
${renderFacts({
  By: by,
  Reason: reason ?? 'none given',
  At: renderTime(createdAt),
  'At most a second': formatCount(rate),
  'Re-signed': resign ? 'yes' : 'no',
  'Also those delivered': force ? 'yes' : 'no',
  'Replay id': html`<code>${id}</code>`,
})}`;
}

/** Refreshes itself until the replay has ended. */
export function renderReplayProgress(c: PageContext, replay: Replay, nowMs: number): Html {
  const { id, state } = replay;
  const { done, total, text } = describeProgress(replay, nowMs);
  const hasEnded = state === 'done' || state === 'cancelled';
  const poll = hasEnded
    ? ''
    : html` hx-get="${pathOfReplay(id)}/progress" hx-trigger="every 1s" hx-swap="outerHTML" hx-sync="this:drop"`;
  return html`<div id="replay"${poll}>
<p class="lead">${renderMark(replayMarks[state], text)}</p>
<progress max="${Math.max(total, 1)}" value="${done}" aria-label="Dealt with: ${formatCount(done)} of ${formatCount(total)}"></progress>
${hasEnded || !mayOperate(c) ? '' : renderSteering(c, replay)}
<h2>Result</h2>
${renderResult(replay)}
</div>`;
}

function renderSteering(c: PageContext, { id, state }: Replay): Html {
  const actions = state === 'paused' ? ['resume', 'cancel'] : ['pause', 'cancel'];
  return html`<div class="buttons">${actions.map((action, index) => {
    const path = `${pathOfReplay(id)}/${action}`;
    const title = `${action.slice(0, 1).toUpperCase()}${action.slice(1)}`;
    return html`<form method="post" action="${path}" hx-post="${path}" hx-target="#replay" hx-swap="outerHTML" hx-sync="#replay:replace">${csrfField(c)}<button type="submit" id="steer-${index}">${title}</button></form>`;
  })}</div>`;
}

function renderResult({ progress, plan, state }: Replay): Html {
  const { fed, skipped, delivered, dead, pending } = progress;
  const left = plan.total - fed - skipped;
  const addsUp = left >= 0 && fed === delivered + dead + pending;
  return html`<p class="ledger">planned ${formatCount(plan.total)} = handed over ${formatCount(fed)} + skipped ${formatCount(skipped)} + ${state === 'cancelled' ? 'left' : 'to go'} ${formatCount(left)}<br>
handed over ${formatCount(fed)} = delivered ${formatCount(delivered)} + dead ${formatCount(dead)} + pending ${formatCount(pending)}</p>
<p>${addsUp ? renderMark('good', 'adds up') : renderMark('bad', 'does not add up')}</p>
<p class="muted">Skipped: gone, on their way already, or delivered.</p>`;
}
