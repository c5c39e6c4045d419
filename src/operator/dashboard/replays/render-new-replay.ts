import { html } from 'hono/html';
import type { ConsumerName } from '../../ports.ts';
import type { ReplayInput, ReplayPlan } from '../../schemas.ts';
import { describeFilter } from '../deliveries/describe-filter.ts';
import { filterNames } from '../deliveries/read-filter.ts';
import { formatCount } from '../parts/count-of.ts';
import { csrfField } from '../parts/csrf-field.ts';
import type { Html } from '../parts/html.ts';
import type { PageContext } from '../parts/page-context.ts';
import { pathOfDeliveries, pathOfNewReplay } from '../parts/paths.ts';
import { renderFacts } from '../parts/render-facts.ts';
import { renderTime } from '../parts/render-time.ts';
import { describePlan } from './describe-plan.ts';
import { choiceOf, type ReadReplayForm } from './read-replay-form.ts';

/** A replay takes one consumer of one app: asks which. */
export function renderChoice({ read }: ReadReplayForm, names: readonly ConsumerName[]): Html {
  return html`<h1>Replay</h1>
<p class="filtered">${describeFilter(read.filter)}.</p>
<p>A replay is for one consumer of one app. Which?</p>
<ul>${names.map(({ app, consumer }) => html`<li><a href="${pathOfNewReplay({ ...read.filter, app, consumer })}">${consumer} of app ${app}</a></li>`)}</ul>`;
}

/** The plan, and the form that sets it going. @param note why it is shown again */
export function renderNewReplay(
  c: PageContext,
  form: ReadReplayForm,
  plan: ReplayPlan,
  input: ReplayInput,
  note?: string,
): Html {
  const { reason, rate, resign, force, problems } = form;
  return html`<h1>Replay</h1>
<p class="filtered">${describeFilter(input.filter)}. <a href="${pathOfDeliveries(input.filter)}">Show them</a></p>
${note === undefined ? '' : html`<p class="problem" role="alert">▲ ${note}</p>`}
<form class="act" method="post" action="/replays">${csrfField(c)}
${filterNames.map((name) => (input.filter[name] === undefined ? '' : html`<input type="hidden" name="${name}" value="${input.filter[name]}">`))}
${renderPlan(plan, input)}
<fieldset><legend>How</legend>
${renderCheck('resign', resign, 'Re-sign: a fresh timestamp and signature instead of Zoom’s')}
${renderCheck('force', force, 'Force: also those that were delivered')}
<p class="field"><label for="replay-rate">Deliveries a second</label><input class="short" id="replay-rate" name="rate" inputmode="decimal" required value="${rate}"${problems.rate === undefined ? '' : html` aria-invalid="true" aria-describedby="problem-rate"`}></p>
${problems.rate === undefined ? '' : html`<p class="problem" id="problem-rate">✗ ${problems.rate}</p>`}
<p class="field"><label for="replay-reason">Reason <span class="muted">(kept in the audit)</span></label><input id="replay-reason" name="reason" required maxlength="500" autocomplete="off" value="${reason}"></p>
</fieldset>
<p class="buttons"><button type="submit">Start the replay</button> <a href="${pathOfDeliveries(input.filter)}">Back to the list</a></p>
</form>`;
}

/** A change asks for the plan anew; without JavaScript the server does so when the form is sent. */
function renderCheck(name: 'resign' | 'force', isChecked: boolean, label: string): Html {
  return html`<p><label class="check"><input type="checkbox" id="replay-${name}" name="${name}" value="true"${isChecked ? html` checked` : ''} hx-get="/replays/new" hx-trigger="change" hx-include="closest form" hx-params="not csrf,reason,planned" hx-target="#plan" hx-swap="outerHTML" hx-sync="closest form:replace"> ${label}</label></p>`;
}

export function renderPlan(plan: ReplayPlan, input: ReplayInput): Html {
  const { total, alreadyDelivered, onTheirWay, wouldBeResigned, oldestReceivedAt, newestReceivedAt } = plan;
  const [answer, ...notes] = describePlan(plan, input);
  return html`<section id="plan" aria-label="Plan" aria-live="polite"><h2>Plan</h2>
<p class="lead">${answer}</p>
${notes.map((note) => html`<p>${note}</p>`)}
${renderFacts({
  'To replay': formatCount(total),
  'Oldest received': oldestReceivedAt && renderTime(oldestReceivedAt),
  'Newest received': newestReceivedAt && renderTime(newestReceivedAt),
  'Delivered already': formatCount(alreadyDelivered),
  'On their way': formatCount(onTheirWay),
  'Re-signed': formatCount(wouldBeResigned),
})}
<input type="hidden" name="planned" value="${choiceOf(input)}">
</section>`;
}
