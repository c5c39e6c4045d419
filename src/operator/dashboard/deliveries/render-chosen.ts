import { html } from 'hono/html';
import { csrfField } from '../parts/csrf-field.ts';
import type { Html } from '../parts/html.ts';
import type { PageContext } from '../parts/page-context.ts';
import { pathOfDeliveries, pathOfDelivery } from '../parts/paths.ts';
import { renderTable } from '../parts/render-table.ts';
import { deliveryColumns, deliveryTableRow } from './delivery-row.ts';
import { describeChosen, describeReplayed } from './describe-chosen.ts';
import { describeReplayResult } from './describe-replay-result.ts';
import { type Chosen, chosenValue } from './read-chosen.ts';
import { filterNames } from './read-filter.ts';
import type { ChosenDelivery, ReplayedChosen } from './replay-chosen.ts';

/** The plan for deliveries that were ticked, and the form that carries it out. */
export function renderChosen(
  c: PageContext,
  chosen: Chosen,
  deliveries: readonly ChosenDelivery[],
  hasSeveralApps: boolean,
  nowMs: number,
): Html {
  const { names, wish } = chosen;
  const [answer, ...notes] = describeChosen(deliveries, wish.force);
  const kept = deliveries.flatMap(({ delivery }) => delivery ?? []);
  const hasDelivered = kept.some(({ state }) => state === 'delivered');
  return html`<h1>Replay</h1>
<section aria-label="Plan"><h2>Plan</h2>
<p class="lead">${answer}</p>
${notes.map((note) => html`<p>${note}</p>`)}
</section>
<form class="act" method="post" action="/deliveries/replay" aria-label="Replay">${csrfField(c)}${listFields(chosen)}
${names.map((name) => html`<input type="hidden" name="delivery" value="${chosenValue(name)}">`)}
<fieldset><legend>How</legend>
<p><label class="check"><input type="checkbox" name="resign" value="true"> Re-sign: a fresh timestamp and signature instead of Zoom’s</label></p>
${hasDelivered ? html`<p><label class="check"><input type="checkbox" name="force" value="true"> Force: also those that were delivered</label></p>` : ''}
<p class="field"><label for="replay-reason">Reason <span class="muted">(kept in the audit)</span></label><input id="replay-reason" name="reason" maxlength="500" autocomplete="off"></p>
</fieldset>
<p class="buttons"><button type="submit">Replay</button> ${linkBack(chosen)}</p>
</form>
<h2>Chosen</h2>
${renderTable(
  'Chosen deliveries',
  deliveryColumns(hasSeveralApps),
  kept.map((row) => deliveryTableRow(row, hasSeveralApps, nowMs)),
)}`;
}

/** What became of each. */
export function renderReplayed(chosen: Chosen, replayed: ReplayedChosen): Html {
  const [answer, ...notes] = describeReplayed(replayed);
  const rows = replayed.results.map(({ name, result }) => ({
    cells: [
      html`<a href="${pathOfDelivery(name)}"><code>${name.id}</code></a>`,
      `${name.consumer} of app ${name.app}`,
      describeReplayResult(result) ?? 'It was not asked for: nothing was changed.',
    ],
  }));
  return html`<h1>Replay</h1>
<p class="lead">${answer}</p>
${notes.map((note) => html`<p class="problem" role="alert">✗ ${note}</p>`)}
${renderTable('Results', [{ title: 'Delivery' }, { title: 'Consumer', isWords: true }, { title: 'Result' }], rows)}
<p class="buttons">${linkBack(chosen)}</p>`;
}

/** Where they were ticked, so that one gets back there. */
export function listFields({ read, cursor }: Pick<Chosen, 'read' | 'cursor'>): Html {
  const fields = { ...Object.fromEntries(filterNames.map((name) => [name, read.filter[name]])), cursor };
  return html`${Object.entries(fields).map(([name, value]) => (value === undefined ? '' : html`<input type="hidden" name="${name}" value="${value}">`))}`;
}

function linkBack({ read, cursor }: Chosen): Html {
  return html`<a href="${pathOfDeliveries(read.filter, cursor)}">Back to the list</a>`;
}
