import { html } from 'hono/html';
import { countOf } from '../parts/count-of.ts';
import type { Html } from '../parts/html.ts';
import type { PageContext } from '../parts/page-context.ts';
import { renderEmpty } from '../parts/render-empty.ts';
import { renderMark } from '../parts/render-mark.ts';
import { renderTime } from '../parts/render-time.ts';
import { type ConsumerFacts, describeState } from './describe-state.ts';
import { nameConsumer } from './name-consumer.ts';
import type { Now } from './read-now.ts';
import { renderConsumers } from './render-consumers.ts';
import { renderLedger } from './render-ledger.ts';

/** What changes from moment to moment: the state in a sentence, incidents, consumers, the ledger. */
export function renderNow(c: PageContext, now: Now): Html {
  const accepted = now.ledger.apps.reduce((sum, { total }) => sum + total.accepted, 0);
  const incidents = now.incidents.map(({ kind }) => kind);
  const state = describeState({ accepted, consumers: factsOf(now), incidents, nowMs: now.nowMs });
  return html`<h1 class="state">${renderMark(state.mark, state.text)}</h1>
${accepted === 0 ? renderStart() : ''}
${renderIncidents(now)}
<h2>Consumers</h2>
${renderConsumers(c, now)}
<h2>Ledger</h2>
<p>${describeLedger(now)}</p>
${now.ledger.apps.map((app) => renderLedger(app, now.hasSeveralApps))}
${renderStore(now)}`;
}

function factsOf({ consumers, ledger, hasSeveralApps }: Now): readonly ConsumerFacts[] {
  return consumers.map(({ app, consumer, circuit, isPaused, waiting, delayed, active, dead }) => {
    const ofApp = ledger.apps.find((candidate) => candidate.app === app);
    const offBy = ofApp?.consumers.find((candidate) => candidate.consumer === consumer)?.offBy ?? 0;
    const name = nameConsumer({ app, consumer }, hasSeveralApps);
    return { name, circuit, isPaused, pending: waiting + delayed + active, dead, offBy };
  });
}

function renderStart(): Html {
  return renderEmpty(
    html`The first notification from Zoom will be counted here. To see one now, send a sample: <code>npm run -s zoom-relay -- send meeting.created</code>`,
  );
}

function renderIncidents({ incidents }: Now): Html | string {
  if (incidents.length === 0) return '';
  return html`<h2>${countOf(incidents.length, 'open incident', 'open incidents')}</h2>
<ul class="incidents">${incidents.map(
    ({ kind, sinceMs, text }) =>
      html`<li>${renderMark('bad', html`<strong>${kind.replaceAll('_', ' ')}</strong> since ${renderTime(new Date(sinceMs).toISOString())}`)}<br>${text}</li>`,
  )}</ul>`;
}

function describeLedger({ ledger }: Now): Html {
  const isOff = ledger.apps.some(({ consumers }) => consumers.some(({ offBy }) => offBy !== 0));
  return isOff
    ? renderMark('bad', 'It does not add up: what was accepted is not what is delivered, pending and dead together.')
    : renderMark('good', 'It adds up: accepted = delivered + pending + dead, for every consumer.');
}

function renderStore({ store: { engine, ready, reason, findings } }: Now): Html {
  return html`<h2>Store</h2>
<p>${renderMark(ready ? 'good' : 'bad', `${engine}, ${ready ? 'ready' : `not ready${reason === undefined ? '' : `: ${reason}`}`}`)}</p>
${findings.length === 0 ? '' : html`<ul class="incidents">${findings.map(({ level, code, message }) => html`<li>${renderMark(level === 'note' ? 'idle' : level === 'fatal' ? 'bad' : 'warning', html`<strong>${code.replaceAll('_', ' ')}</strong> (${level})`)}<br>${message}</li>`)}</ul>`}`;
}
